"""What the operator remembers of one IBGateway beside what the API server stores.

One value a gateway, so that forgetting it is one step and nothing of it outlives it. A resource that
is deleted and made again under the same name is another one: it begins with an empty memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from ibgateway_api.names import Key
from ibgateway_api.reports import ExecutorReport, SentinelReport
from ibgateway_operator.model.people import PeopleMemory
from ibgateway_operator.model.snapshot import Credentials, Finding, SpecCheck
from ibgateway_operator.model.turns import Turn, Turns

Place = tuple[str, str]
"""Kind and name of a child."""


class Listening(Protocol):
    """The long poll of the gateway's sentinel."""

    @property
    def report(self) -> SentinelReport | None:
        """What was heard last."""
        ...

    @property
    def age(self) -> float:
        """Seconds since anything was heard; infinite before."""
        ...

    @property
    def listened(self) -> float | None:
        """Seconds since the listening began; None before."""
        ...

    def stop(self) -> None:
        """Listen no more."""
        ...


@dataclass(frozen=True, slots=True)
class Applied:
    """A child's uid, and digests of it as it was applied and as it was stored then."""

    uid: str
    manifest: str
    stored: str
    version: str = field(default="", compare=False)
    """The resourceVersion that was looked at last: what is stored is hashed once a version."""


LOST: Final = Applied("", "", "")
"""A child that the API server no longer has: whatever is shown of it, it is applied again."""


@dataclass(frozen=True)
class ChildFailure:
    """A child that could not be applied: the manifest's digest, why, how often, when to try again."""

    manifest: str
    finding: Finding
    tries: int
    again_at: float


@dataclass(frozen=True)
class DrainMemory:
    """A drain under way: what it is for, since when (monotonic), the executor's last word.

    `programs`: those that the sentinel waits for; None where it did not say.
    """

    stop: str
    since: float
    report: ExecutorReport | None = None
    programs: tuple[str, ...] | None = None


@dataclass
class SecretsMemory:
    """What was seen of the user's Secret, when and how often it is looked at, and our own Secrets."""

    credentials: Credentials | None = None
    looked_at: float | None = None
    """When the last look began; None before the first."""
    looked_for: str = ""
    """The login request for which it was looked at last."""
    rotated_at: float | None = None
    """When another version of the user's Secret was seen than before; None where it never was."""
    every: float = float("inf")
    """Seconds between two looks, as the last reconcile found them right; the first one takes its time."""
    made: frozenset[str] = frozenset()
    made_at: float | None = None
    """When all of our own Secrets were found to be there; None before the first time."""
    agent_token: str = ""
    trouble: str = ""
    """Why a Secret could not be looked at; empty where the last look went well."""


@dataclass
class ConsoleMemory:
    """The console's last word on NetworkPolicies, and when to ask again."""

    enforced: bool | None = None
    ask_at: float = 0.0
    address: tuple[str, str] | None = None
    """Base address and Host of the console at the last look."""


@dataclass
class ExecutorMemory:
    """Why the executor is not ready, by its own word, and when to ask again."""

    report: ExecutorReport | None = None
    ask_at: float = 0.0


@dataclass
class EventsMemory:
    """When each pair of reason and note was written, and the times of the latest Events."""

    written: dict[tuple[str, str], float] = field(default_factory=dict)
    recent: list[float] = field(default_factory=list)


@dataclass
class GatewayMemory:
    """Everything that is remembered of one IBGateway; times are monotonic seconds."""

    uid: str
    since: float
    spec_check: SpecCheck | None = None
    """What was found wrong with its latest generation."""
    secrets: SecretsMemory = field(default_factory=SecretsMemory)
    console: ConsoleMemory = field(default_factory=ConsoleMemory)
    executor: ExecutorMemory = field(default_factory=ExecutorMemory)
    events: EventsMemory = field(default_factory=EventsMemory)
    people: PeopleMemory = field(default_factory=PeopleMemory)
    applied: dict[Place, Applied] = field(default_factory=dict)
    unapplied: dict[Place, ChildFailure] = field(default_factory=dict)
    listening: Listening | None = None
    begun: float | None = None
    """When this operator applied its first children; None before, and where an earlier one has made them."""
    drain: DrainMemory | None = None
    turn: Turn | None = None
    """The turn to push that it has, whether or not the status says so yet."""
    turn_read: bool = False
    """Whether the turn that an earlier operator gave was looked for."""
    replaced_for: str = ""
    """The login request for which the gateway's pod was replaced."""
    gate_reason: str = ""
    open_since: float | None = None
    """Since when the gate is seen open; None while it is closed, and before this operator has judged it."""
    judged_until: float = 0.0
    """Until then the clock alone does not change the gate; what changes anything else says so."""
    settled_until: float = 0.0
    """Until then the clock alone changes nothing that is written."""

    def begin(self, now: float) -> bool:
        """The first children are about to be applied; False where that has happened before."""
        if self.begun is not None:
            return False
        self.begun = now
        return True


class Memories:
    """The memory of every IBGateway, by key."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._of: dict[Key, GatewayMemory] = {}
        self.turns = Turns()

    def of(self, key: Key, uid: str) -> GatewayMemory:
        """The memory of this very resource; an empty one where there is none."""
        known = self._of.get(key)
        if known is None or known.uid != uid:
            self.forget(key)
            known = self._of[key] = GatewayMemory(uid, self._monotonic())
        return known

    def get(self, key: Key) -> GatewayMemory | None:
        """The memory under this key; None where nothing is remembered."""
        return self._of.get(key)

    def items(self) -> Iterator[tuple[Key, GatewayMemory]]:
        """All of them."""
        return iter(list(self._of.items()))

    def begin(self) -> None:
        """The work begins now: what was remembered before is only who is listened to already."""
        for known in self._of.values():
            known.since = self._monotonic()

    def clear(self) -> None:
        """Forget all of them."""
        for key in list(self._of):
            self.forget(key)
        self.turns.clear()

    def forget(self, key: Key) -> bool:
        """The IBGateway is gone; False where nothing was remembered."""
        known = self._of.pop(key, None)
        if known is not None and known.listening is not None:
            known.listening.stop()
        if known is not None:
            known.people.stop()
        return known is not None
