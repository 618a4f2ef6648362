"""The JSON documents that the programs answer each other with over HTTP."""

from datetime import UTC
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

from ibgateway_api.document import Document
from ibgateway_api.gate import GateReason, Hold
from ibgateway_api.gate_documents import GateDrain
from ibgateway_api.login import Login, LoginState
from ibgateway_api.permits import PermitRefusal


def _known(reason: object) -> object:
    return reason if reason in set(GateReason) else GateReason.HELD


class HoldReport(Document):
    """A hold on trading that the sentinel or the operator knows of.

    A reason that this version does not know still holds: programs are not upgraded together.
    """

    reason: Annotated[GateReason, BeforeValidator(_known)]
    until: AwareDatetime | None = None

    def as_hold(self) -> Hold:
        """The value the gate takes."""
        return Hold(self.reason, self.until)


class PermitReport(Document):
    """Why a waiting gateway has no permit yet.

    `refusal` is a text where a sentinel of another version has a reason that this one does not know.
    """

    refusal: Annotated[PermitRefusal | str, Field(union_mode="left_to_right")]
    until: AwareDatetime | None = None


class HandoverReport(Document):
    """A login that a person has for themselves. `costs_push`: its return will send one; `why` says so in words."""

    id: str
    until: AwareDatetime
    costs_push: bool = False
    why: str = ""


class TradingPause(Document):
    """A person's pause of trading from the console, as sentinel and operator tell each other. `over`: it was ended."""

    id: str
    since: AwareDatetime
    over: bool = False


class TurnReport(Document):
    """The last turn that was given to this gateway. `over`: its push was answered, missed, or never came about."""

    id: str
    over: bool = False


class SentinelReport(Document):
    """`GET /v1/status` of the sentinel: everything the operator and the executor know of a login.

    `sequence` grows with every change; `GET /v1/status?after=N&wait=S` answers once it is above N or
    after S seconds, and sends an empty line every second until then. `boot` tells one sentinel
    process from the next: a sequence means nothing across boots.
    """

    boot: str
    sequence: int
    at: AwareDatetime
    state: LoginState
    since: AwareDatetime
    deadline: AwareDatetime | None = None
    accounts: tuple[str, ...] = ()
    full_auth_time: AwareDatetime | None = None
    attempts_today: int = 0
    waiting: PermitReport | None = None
    holds: tuple[HoldReport, ...] = ()
    taken_login_request: str = Field(default="", alias="handledLoginRequest")
    """Id of the newest login request that was taken; the attempt for it may still wait."""
    taken_restart: str = Field(default="", alias="handledRestart")
    """Id of the newest restart request that was taken."""
    turn: TurnReport | None = None
    """The last turn to push that was given; None where none ever was."""
    handover: HandoverReport | None = None
    """The handover that stands; None where the login is the gateway's."""
    pause: TradingPause | None = None
    """The last pause from the console, over or not; None where the sentinel knows of none."""
    undelivered: str = ""
    """Why people are not told what they should be; empty where they are, and where nobody is to be told."""
    why: str = ""
    """Why a person is needed, where the login needs one; names the setting that is to be changed, if one is."""
    closes: AwareDatetime | None = None
    """When the session of what is traded ends, by the executor's word; None where it does not know, or nothing trades."""
    resubmits_orders: bool | None = None
    """Whether IBKR's "Maintain and resubmit orders when connection is restored" is on in the gateway; None: nobody has told."""
    drain: GateDrain | None = None
    """The drain that programs are asked for; None where none is."""
    trouble: str = ""
    """Why the sentinel can't see the gateway or can't write, and what a person can do; mostly empty."""

    def as_login(self) -> Login:
        """The value the gate and the conditions are computed from."""
        return Login(
            state=self.state,
            since=self.since,
            deadline=self.deadline,
            accounts=self.accounts,
            full_auth_time=self.full_auth_time,
        )


class PauseReport(Document):
    """A person's pause of trading: who, why and since when."""

    by: str
    reason: str
    since: AwareDatetime

    def in_words(self) -> str:
        """For a person who wonders why nothing is sent."""
        since = f"{self.since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return (
            f"{self.by} has paused trading since {since}: {self.reason} (POST /v1/resume ends it)"
        )


class RebalanceFinding(Document):
    """A rebalance that needs a person: it can't go on, or it ended without what was asked."""

    id: str
    state: str
    reason: str
    message: str


class ExecutorReport(Document):
    """`GET /v1/gate` of the executor (agent token): its own view of the gate, and whether it has drained.

    `paused` stands also where something else closes the gate first. `unacknowledged` counts submissions whose fate the broker has not told; a planned stop waits for 0.
    """

    open: bool
    reason: str = ""
    message: str = ""
    unacknowledged: int = 0
    open_orders: int = 0
    paused: PauseReport | None = None
    in_doubt: int = 0
    """Orders of which nobody knows what became of them (Unknown)."""
    rebalances: tuple[RebalanceFinding, ...] = ()
    """Those that need a person."""
    backup_problem: str = ""
    """Why there is no copy of the ledger as new as there should be; empty where there is, and where none are taken."""
