"""The report that everybody else sees, and the bulletin that wakes those who wait for a new one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ibgateway_agent.sentinel.permits.attempt_ledger import LOGIN, RESTART, Records
from ibgateway_api.gate import GateReason
from ibgateway_api.login import Login
from ibgateway_api.permits import Refused, attempts_today
from ibgateway_api.reports import HoldReport, PermitReport, SentinelReport


@dataclass(frozen=True)
class ReportInput:
    """What a report is made from."""

    login: Login
    records: Records
    refused: Refused | None = None
    planned_stop: bool = False


def report(news: ReportInput, *, boot: str, sequence: int, at: datetime) -> SentinelReport:
    """The document of `GET /v1/status`."""
    login, refused = news.login, news.refused
    holds = (HoldReport(reason=GateReason.PLANNED_STOP),) if news.planned_stop else ()
    return SentinelReport(
        boot=boot,
        sequence=sequence,
        at=at,
        state=login.state,
        since=login.since,
        deadline=login.deadline,
        accounts=login.accounts,
        full_auth_time=login.full_auth_time,
        attempts_today=attempts_today(news.records.attempts, at),
        waiting=PermitReport(refusal=refused.reason, until=refused.until) if refused else None,
        holds=holds,
        taken_login_request=news.records.last_asked(LOGIN),
        taken_restart=news.records.last_asked(RESTART),
    )


@dataclass
class ReportFeed:
    """The latest report. `sequence` starts at the boot's epoch milliseconds: it grows across boots too."""

    boot: str
    clock: Callable[[], datetime]
    sequence: int = 0
    _latest: SentinelReport | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.sequence = int(self.clock().timestamp() * 1000)

    def publish(self, news: ReportInput) -> bool:
        """Put up a new report if anything but the time differs; True where it does."""
        new = report(news, boot=self.boot, sequence=self.sequence, at=self.clock())
        if self._latest is not None and new == self._latest.model_copy(update={"at": new.at}):
            return False
        self.sequence += 1
        self._latest = new.model_copy(update={"sequence": self.sequence})
        self._changed.set()
        self._changed = asyncio.Event()
        return True

    def latest(self) -> SentinelReport:
        """The report of this moment; raises LookupError before the first look at the gateway."""
        if self._latest is None:
            raise LookupError("the gateway has not been looked at yet")
        return self._latest.model_copy(update={"at": self.clock()})

    async def above(self, sequence: int, patience: timedelta) -> bool:
        """Whether there is a report above `sequence`, after waiting at most `patience`."""
        if self.sequence > sequence and self._latest is not None:
            return True
        changed = self._changed
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await changed.wait()
        except TimeoutError:
            return False
        return self.sequence > sequence
