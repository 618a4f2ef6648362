"""The gate for programs beside a publisher of reports, without a gateway and without files."""

from dataclasses import dataclass, field

from ibgateway_agent.sentinel.gate.program_gate import GateSources, ProgramGate
from ibgateway_agent.sentinel.gateway_watch import GatewayWatch
from ibgateway_agent.sentinel.publisher import ReportPublisher
from ibgateway_api.settings import SentinelSettings
from ibgateway_runtime.clock import Clock


@dataclass
class ToldSettings:
    """What the operator has written, and whether that can be read."""

    settings: SentinelSettings = field(default_factory=SentinelSettings)
    problem: str = ""

    def value(self) -> SentinelSettings:
        """The settings."""
        return self.settings


@dataclass
class ServedGate:
    """A gate and what it is judged by; its sentinel has been there for long."""

    reports: ReportPublisher
    clock: Clock
    settings: ToldSettings = field(default_factory=ToldSettings)

    def __post_init__(self) -> None:
        self.sight = GatewayWatch(self.clock)
        sources = GateSources(self.reports, self.sight, self.settings, None)
        self.gate = ProgramGate(sources, boot="boot", clock=self.clock)
        self.gate.programs.began = float("-inf")
