"""Telling people of one IBGateway: where messages go, what was told, what the executor says that needs a person. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, Self

from ibgateway_api.notifications import Episode, Reading, Severity, Subject
from ibgateway_api.reports import ExecutorReport, RebalanceFinding


class Telling(Protocol):
    """What tells people of a gateway."""

    @property
    def told(self) -> Mapping[Subject, Episode]:
        """What was told and is not over."""
        ...

    def trouble(self) -> str:
        """Why messages are not taken, without their addresses; empty where they are."""
        ...

    def see(
        self, readings: Mapping[Subject, Reading], *, minimum: Severity, batch_seconds: float
    ) -> None:
        """How the subjects stand now."""
        ...

    def waits(self) -> bool:
        """Whether a message is on its way, or the clock alone may bring one."""
        ...

    def stop(self) -> None:
        """Send no more."""
        ...


class PeopleReport(NamedTuple):
    """What the executor says that people may be told of: orders in doubt, rebalances, why there is no copy of the ledger."""

    in_doubt: int = 0
    rebalances: tuple[RebalanceFinding, ...] = ()
    backup_problem: str = ""

    @classmethod
    def of(cls, report: ExecutorReport) -> Self:
        """That part of what it says."""
        return cls(report.in_doubt, report.rebalances, report.backup_problem)


@dataclass(frozen=True)
class Delivery:
    """What a snapshot has of it. `executor`: None while it has not said."""

    told: Mapping[Subject, Episode] = field(default_factory=dict)
    undelivered: str = ""
    executor: PeopleReport | None = None


@dataclass
class PeopleMemory:
    """What is remembered of it; times are monotonic seconds."""

    telling: Telling | None = None
    """None where nobody is to be told."""
    secret: str = ""
    """The Secret that was looked at last."""
    addresses: Sequence[str] = field(default=(), repr=False)
    no_addresses: str = ""
    """Why there are none; empty where there are."""
    look_at: float = 0.0
    """When the Secret is looked at again."""
    executor: tuple[str, str, str] | None = field(default=None, repr=False)
    """Base address, Host and token of the executor; None where it is not to be asked."""
    executor_says: PeopleReport | None = None
    ask_at: float = 0.0
    """When the executor is asked again."""

    def seen(self) -> Delivery:
        """As it is now."""
        told = self.telling.told if self.telling else {}
        trouble = self.telling.trouble() if self.telling else ""
        return Delivery(dict(told), self.no_addresses or trouble, self.executor_says)

    def stop(self) -> None:
        """Nobody is to be told any more."""
        telling, self.telling = self.telling, None
        if telling is not None:
            telling.stop()
