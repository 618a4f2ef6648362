"""The real registries of all programs, and what a scrape of each shows."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest

from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.sentinel.metrics import SentinelMetrics
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_operator.figures import OperatorView
from ibgateway_operator.metrics import OperatorMetrics
from ibgateway_runtime.clock import Clock, system_clock

OURS: Final = "ibgateway_"
_SUFFIXES: Final = {"histogram": ("_bucket", "_sum", "_count")}


@dataclass(frozen=True)
class Exposed:
    """A metric as a scrape announces it; `series` are the names that a query may use."""

    name: str
    type: str
    text: str
    labels: tuple[str, ...]

    @property
    def series(self) -> tuple[str, ...]:
        """One name, or those of a histogram."""
        return tuple(f"{self.name}{end}" for end in _SUFFIXES.get(self.type, ("",)))


def registries() -> dict[str, CollectorRegistry]:
    """Each program's own, as the program makes it."""
    clock: Clock = system_clock()
    operator = OperatorMetrics()
    operator.watch(lambda: OperatorView(clock.now(), leading=True, gateways={}, queues={}))
    return {
        "operator": operator.registry,
        "sentinel": SentinelMetrics(clock, lambda: None, Path("/")).registry,
        "executor": ExecutorMetrics().registry,
        "console": ConsoleMetrics().registry,
    }


def exposed() -> dict[str, list[Exposed]]:
    """By program, what its own metrics are; those of every process are left out."""
    return {program: _of(registry) for program, registry in registries().items()}


def names() -> frozenset[str]:
    """Every name of a series that some program exposes, the ones of every process too."""
    return frozenset(
        series
        for registry in registries().values()
        for metric in _announced(registry)
        for series in metric.series
    )


def _of(registry: CollectorRegistry) -> list[Exposed]:
    return [metric for metric in _announced(registry) if metric.name.startswith(OURS)]


def _announced(registry: CollectorRegistry) -> list[Exposed]:
    """From the text of a scrape, which names what has no series yet, too."""
    text = generate_latest(registry).decode()
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    labels = _labels(registry)
    return [
        Exposed(name, kind, helps[name], labels.get(name, ()))
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    ]


def _labels(registry: CollectorRegistry) -> dict[str, tuple[str, ...]]:
    """The names of labels, from what the registry was given: a scrape shows them only with a series."""
    found: dict[str, tuple[str, ...]] = {}
    for collector in list(registry._collector_to_names):
        figures = getattr(collector, "_figures", ())
        found |= {figure.name: figure.labels for figure in figures}
        for name in registry._collector_to_names[collector]:
            own = tuple(getattr(collector, "_labelnames", ()))
            found.setdefault(name, own)
    return found
