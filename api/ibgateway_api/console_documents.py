"""What the sentinel tells the console, and what the console may ask of it: JSON over HTTP."""

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from ibgateway_api.document import Document
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal


class ConsoleAction(StrEnum):
    """What a person may ask for at the console."""

    LOGIN = "login"
    """One attempt."""
    RESTART = "restart"
    """The week's restart where its login is due; else out and in again."""
    HANDOVER = "handover"
    """The login for themselves, for some minutes."""
    HAND_BACK = "handBack"
    """The end of a handover that was asked for at the console."""
    PAUSE = "pause"
    """No order is sent."""
    RESUME = "resume"
    """The end of such a pause."""


class ActionOffer(Document):
    """What may be asked for now, and what it costs. Its texts are ours, and name nobody."""

    action: ConsoleAction
    pushes: bool = False
    """Whether a push is sent for it, now or when a handover ends."""
    why: str = ""
    """Why it sends one, where that is worth saying."""
    refused: str = ""
    """Why it can't be had now; empty where it can."""


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
    paused_since: AwareDatetime | None = None
    """Since when trading is paused from the console; an executor's own pause is not known here."""
    offers: tuple[ActionOffer, ...] = ()
    draining: ConsoleAction | None = None
    """What was asked for and waits until orders have drained."""
    not_drained: ConsoleAction | None = None
    """What was asked for last and not done: orders were still on their way, or it had come to cost a push."""
