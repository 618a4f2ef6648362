"""What every program counts the same way, and `GET /metrics`: it needs no token and tells no secret.

A label has few values, all of them known beforehand: never an account, an order, a user name or an address.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Final, Generic, TypeVar

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ibgateway_runtime.figures import Figure

RELEASE: Final = "0.1.0"
"""The distribution's version; an image holds the packages alone, and no record of their installation."""

V = TypeVar("V")


def registry_of(program: str) -> CollectorRegistry:
    """The one registry of a program, with its version and what the kernel says of its process."""
    # Each counter and each histogram would have one more series that says when it was made.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    labels = ["program", "version"]
    build = Gauge(
        "ibgateway_build_info", "1, with the program's version", labels, registry=registry
    )
    build.labels(program, RELEASE).set(1)
    return registry


class Figures(Collector, Generic[V]):
    """Gauges that are read together. `look` gives the view; without one there are no series."""

    def __init__(self, figures: Sequence[Figure[V]], look: Callable[[], V | None]) -> None:
        self._figures = figures
        self._look = look

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The names alone: a registry refuses the same one twice."""
        return [_family(figure) for figure in self._figures]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Everything as it is now."""
        view = self._look()
        for figure in self._figures:
            family = _family(figure)
            series = {} if view is None else figure.read(view)
            for labels, value in series.items():
                family.add_metric(labels, value)
            yield family


def _family(figure: Figure[V]) -> GaugeMetricFamily:
    return GaugeMetricFamily(figure.name, figure.text, labels=figure.labels)


class Stopwatch:
    """Adds up the seconds that are spent in each state, in a counter with that one label."""

    def __init__(self, seconds: Counter, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._state = ""
        self._since = 0.0

    def be_in(self, state: str) -> None:
        """The state from here on; what has passed counts for the one before."""
        now = self._monotonic()
        if self._state:
            self._seconds.labels(self._state).inc(max(now - self._since, 0.0))
        self._state, self._since = state, now


async def _nothing() -> None:
    return


def metrics_route(
    registry: CollectorRegistry,
    before: Callable[[], Awaitable[None]] = _nothing,
    *,
    aside: bool = False,
) -> web.RouteDef:
    """The route; `before` brings gauges up to date at each scrape.

    `aside`: it is written in a thread, so that thousands of series hold up nothing; what is read for it must stay
    as it is meanwhile.
    """

    async def get(_: web.Request) -> web.Response:
        await before()
        text = (
            await asyncio.to_thread(generate_latest, registry)
            if aside
            else generate_latest(registry)
        )
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return web.get("/metrics", get)
