"""What the sentinel tells the console, and what the console may ask of it: JSON over HTTP."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from ibgateway_api.document import Document
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal


class QueueReport(Document):
    """What the executor had to do when it said so last, in orders."""

    at: AwareDatetime
    waiting: int = Field(ge=0)
    """Those that no broker has been sent."""
    sent: int = Field(ge=0)
    """Those that the broker has, or may have."""


class ConsoleReport(Document):
    """`GET /console` of the sentinel, which wants no token: what everybody may read who can open the console's page.

    So it holds no account, no user name and no text that a person or IBKR wrote. Of a sentinel of an older version
    only `state` is known.
    """

    state: LoginState
    at: AwareDatetime | None = None
    """The sentinel's clock, which the other times are of."""
    since: AwareDatetime | None = None
    deadline: AwareDatetime | None = None
    """When a push that waits is over."""
    refusal: Annotated[PermitRefusal | str, Field(union_mode="left_to_right")] = ""
    """Why no attempt is allowed now; empty where none waits for a permit."""
    refused_until: AwareDatetime | None = None
    handover_until: AwareDatetime | None = None
    """Until when a person has the login for themselves."""
    handover_costs_push: bool = False
    week_open: bool = False
    """Whether the full login of this week is missing."""
    restart: AwareDatetime | None = None
    """The weekly restart that comes next by itself."""
    attempts_today: int = 0
    daily_attempts: int = 0
    queue: QueueReport | None = None
    """None where no executor asks, or it is of a version that does not say."""
