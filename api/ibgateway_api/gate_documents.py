"""The word for programs: what the sentinel tells whoever trades through its gateway, and is told by them.

docs/gate-api.md says of each field what it means and what a program may build on it. Pure.
"""

import re
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, Field

from ibgateway_api.document import Document

GATE_OPEN: Final = "GateOpen"
"""The reason of an open gate, here as in the conditions."""
DRAIN_LIMIT_SECONDS: Final = 120
"""So long at most a planned stop waits for programs; the hook of a pod that goes has a limit of its own."""
PROGRAM_STAYS_SECONDS: Final = 5.5
"""So long after its last question a program is waited for: longer than the five seconds for which it may trust an answer."""
MOST_PROGRAMS: Final = 256
"""So many names are kept at once; one more is refused until another one has gone."""
PROGRAM_NAME: Final = re.compile(r"[a-z0-9.-]{1,63}")
"""What a program may call itself; the name of its pod fits."""


class DrainReason(StrEnum):
    """What a drain is for."""

    SUSPEND = "Suspend"
    HANDOVER = "Handover"
    RESTART = "Restart"
    """The week's restart, or one that somebody asked for."""
    REPLACE = "Replace"
    """A new pod takes the place of the one that runs."""
    PROGRAM = "Program"
    """The program in the executor's place: its template changed, or it is stopped because the gate is closed."""
    POD_STOP = "PodStop"
    """The pod was told to go: its node is drained, or it was deleted."""
    NIGHTLY_RESTART = "NightlyRestart"
    """The gateway's own, at its minute: it waits for nobody."""


class StopReason(StrEnum):
    """Which stop comes next by itself."""

    NIGHTLY_RESTART = "NightlyRestart"
    WEEKLY_RESTART = "WeeklyRestart"


class GateStop(Document):
    """A stop that is planned for a time. Its reason is a text, because programs are not upgraded together."""

    at: AwareDatetime
    reason: str


class GateDrain(Document):
    """A planned stop asks whoever trades to end what is under way.

    `id` names it in the answer. `waiting_for`: the programs that ask for the gate and have not said yet that nothing is
    under way. At `until` the stop goes on without them.
    """

    id: str
    reason: str
    since: AwareDatetime
    until: AwareDatetime
    waiting_for: tuple[str, ...] = ()


class GateReport(Document):
    """`GET /v1/gate` of the sentinel: whether an order that is sent now reaches the market.

    `sequence` grows with every change; `GET /v1/gate?after=N&wait=S` answers once it is above N or after S
    seconds, and sends an empty line every second until then.
    """

    boot: str
    sequence: int
    at: AwareDatetime
    open: bool
    reason: str
    message: str
    since: AwareDatetime
    """When it opened, or when it closed for this reason."""
    until: AwareDatetime | None = None
    """Of a closed one: when it may open again, as far as that is known. Only evidence opens it."""
    next_stop: GateStop | None = None
    drain: GateDrain | None = None

    def to_json(self) -> str:
        """Every field is there, null where it is not known: programs in other languages read it too."""
        return self.model_dump_json(by_alias=True)


class DrainAnswer(Document):
    """`POST /v1/gate/drained` of the sentinel: nothing is under way, and nothing is sent until the gate opens again.

    409 where that drain is not asked for now.
    """

    program: str = Field(pattern=f"^{PROGRAM_NAME.pattern}$")
    drain: str = Field(min_length=1, max_length=64)


class DrainRequest(Document):
    """`POST /v1/drains` of the sentinel, by the operator: a planned stop is due. The answer is the `GateDrain`.

    Asked again and again for as long as it is due: it ends with the asking. `id` names the stop, whose limit counts from
    when it was asked for first.
    """

    id: str = Field(min_length=1, max_length=64)
    reason: str = Field(min_length=1, max_length=64)
