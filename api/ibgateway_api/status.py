"""The status of an IBGateway: conditions and facts; nothing in it ticks."""

from datetime import datetime
from typing import Final

from pydantic import Field

from ibgateway_api.conditions import Condition
from ibgateway_api.document import Document
from ibgateway_api.login import LoginState
from ibgateway_api.notifications import MOST_REMEMBERED

MOST_ACCOUNTS: Final = 64
"""Account ids in the status; a login of an adviser may have thousands."""


class LoginStatus(Document):
    """Where the gateway stands with IBKR."""

    state: LoginState = LoginState.UNKNOWN
    """The login state."""
    since: datetime | None = None
    """When the state began."""
    deadline: datetime | None = None
    """Until when a push waits for its approval."""
    full_auth_time: datetime | None = None
    """The last login that was not a restart by token."""
    attempts_today: int = 0
    """Attempts of the last 24 hours that may have pushed."""
    handled_request: str = ""
    """The login request (annotation) that was acted on last."""
    ignored_request: str = ""
    """The login request (annotation) that was ignored last; the same text never acts later."""


class HandoverStatus(Document):
    """A person has, or wants, the login for themselves (annotation ibgateway.dev/handover-until)."""

    request: str = ""
    """The annotation as it was read last."""
    until: datetime | None = None
    """Until when; a duration counts from when it was seen first."""
    costs_push: bool = False
    """Whether the login's return sends a push; else it comes back by the week's token."""
    ignored: str = ""
    """The annotation that was ignored last; an Event says why."""


class PauseStatus(Document):
    """A person's pause of trading from the console, remembered for a sentinel that has lost its ledger."""

    request: str = ""
    """The id of the pause; empty where none stands."""
    since: datetime | None = None
    """Since when."""


class TurnStatus(Document):
    """Where this gateway's push stands among those of the same person's gateways."""

    person: str = ""
    """Who approves its pushes; empty where this person has no other gateway."""
    since: datetime | None = None
    """Since when a push waits for its turn."""
    behind: str = ""
    """The gateway that is next before it, as namespace/name."""
    id: str = ""
    """The turn that it has."""
    until: datetime | None = None
    """Until when the attempt of this turn may begin."""


class WindowStatus(Document):
    """The weekly restart window."""

    open: bool = False
    """Whether trading is closed for the week's authentication."""
    opens: datetime | None = None
    """IBKR's next token boundary."""
    restart: datetime | None = None
    """The next planned restart."""
    passed: datetime | None = None
    """The moment of this week's restart that was past already when it was chosen: nothing pushes by itself at it."""


class Endpoints(Document):
    """Where to reach what, inside the cluster."""

    api: str = ""
    """The gateway's API."""
    novnc: str = ""
    """The browser console."""
    executor: str = ""
    """The executor, while trading is allowed."""
    intake: str = ""
    """The executor, at any time: orders are stored."""


class ToldStatus(Document):
    """What the operator has told people of one subject, until that is over: the next operator tells nothing twice."""

    subject: str
    """What it is about."""
    told: list[str] = Field(default=[], max_length=MOST_REMEMBERED)
    """The messages, with what tells one from the next of its kind."""
    at: datetime
    """When the last one was taken."""


class IBGatewayStatus(Document):
    """What the operator found."""

    observed_generation: int = 0
    """The generation of the spec that the status speaks of."""
    conditions: list[Condition] = Field(
        default=[],
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    """Observations, one a type."""
    login: LoginStatus = LoginStatus()
    """Where the gateway stands with IBKR."""
    handover: HandoverStatus = HandoverStatus()
    """A login that a person has for themselves."""
    pause: PauseStatus = PauseStatus()
    """A pause of trading from the console."""
    turn: TurnStatus = TurnStatus()
    """Where a push stands among those of the same person's gateways."""
    window: WindowStatus = WindowStatus()
    """The weekly restart window."""
    accounts: list[str] = Field(
        default=[], max_length=MOST_ACCOUNTS, json_schema_extra={"x-kubernetes-list-type": "atomic"}
    )
    """Account ids of the login, those of spec.executor.accounts first; `accountCount` has all."""
    account_count: int = 0
    """How many accounts the login has."""
    endpoints: Endpoints = Endpoints()
    """Where to reach what."""
    told: list[ToldStatus] = Field(
        default=[],
        max_length=16,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["subject"],
        },
    )
    """What the operator has told people of and has not ended yet."""
    pending_revision: str = ""
    """A pod template that waits for the window or a request."""
    accepted_spec: str = ""
    """The last spec that was accepted, as JSON: what is served while a newer one is refused."""
