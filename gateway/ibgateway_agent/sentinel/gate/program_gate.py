"""What programs are told and what they tell, put together."""

from dataclasses import dataclass
from typing import Protocol

from ibgateway_agent.sentinel.gate.drains import GateDrains
from ibgateway_agent.sentinel.gate.programs import ProgramWatch
from ibgateway_agent.sentinel.gate.publisher import GatePublisher
from ibgateway_agent.sentinel.gate.report import GateInput
from ibgateway_agent.sentinel.gateway_watch import GatewayWatch
from ibgateway_agent.sentinel.nightly import DailyRestart
from ibgateway_agent.sentinel.publisher import ReportPublisher
from ibgateway_api.reports import SentinelReport
from ibgateway_api.settings import SentinelSettings
from ibgateway_runtime.clock import Clock


class SettingsSource(Protocol):
    """The settings file, as a word needs it."""

    @property
    def problem(self) -> str:
        """Why the present settings are not known, but earlier ones; empty where they are."""
        ...

    def value(self) -> SentinelSettings:
        """The settings that were known last."""
        ...


@dataclass(frozen=True)
class GateSources:
    """Where a word comes from: the login as it is reported, when it was looked at, the operator's settings."""

    reports: ReportPublisher
    sight: GatewayWatch
    settings: SettingsSource
    nightly: DailyRestart | None

    def report(self) -> SentinelReport | None:
        """None before the first look."""
        try:
            return self.reports.latest()
        except LookupError:
            return None


class ProgramGate:
    """The gate for programs: `programs` who ask, `drains` what they are asked for, `publisher` what they are told."""

    def __init__(self, sources: GateSources, *, boot: str, clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self.programs = ProgramWatch(clock)
        self.drains = GateDrains(self.programs, boot, clock)
        self.publisher = GatePublisher(self._known, boot=boot, clock=clock)

    def look(self) -> None:
        """Tell those who wait, where the word is another one."""
        drain = self.drains.current
        waits = drain and (drain.id, drain.reason, drain.until, drain.waiting_for)
        self.publisher.look((self._sources.reports.sequence, waits))

    def _known(self) -> GateInput:
        sources = self._sources
        return GateInput(
            told=sources.report(),
            age=sources.sight.age(self._clock.monotonic()),
            settings=sources.settings.value(),
            unreadable=sources.settings.problem,
            drain=self.drains.current,
            nightly=sources.nightly,
        )
