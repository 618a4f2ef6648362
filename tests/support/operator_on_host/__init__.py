"""A real operator beside a gateway pod on this host: the API server is in memory, and the executor a word."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ibgateway_api.names import PORT_SENTINEL
from ibgateway_api.reports import ExecutorReport
from ibgateway_api.week import Calendar
from ibgateway_operator.settings import OperatorSettings
from ibgateway_runtime.http_client import Endpoint, HttpClient, client_session
from ibgateway_stage.calendar import calendar
from operator_fakes import IMAGES, FakeHttpClient, OperatorWorld, ibgateway_body, pod
from sentinel_world import TOKEN, PodOnHost, pod_on_host

BUSY = ExecutorReport(open=False, unacknowledged=1).to_json().encode()
DRAINED = ExecutorReport(open=False, unacknowledged=0).to_json().encode()
LIMIT = 60


class SentinelOnHost(FakeHttpClient):
    """The sentinel answers for itself, where its pod has a port of this host; the executor as the test says."""

    def __init__(self, sentinel: HttpClient, port: int) -> None:
        super().__init__()
        self._sentinel, self._port = sentinel, port

    def _at(self, endpoint: Endpoint) -> Endpoint | None:
        mine = endpoint.url.endswith(f":{PORT_SENTINEL}")
        url = f"http://127.0.0.1:{self._port}"
        return Endpoint(url, endpoint.host, TOKEN) if mine else None

    async def get(self, endpoint: Endpoint, path: str) -> bytes:
        at = self._at(endpoint)
        return await (self._sentinel.get(at, path) if at else super().get(endpoint, path))

    async def post(self, endpoint: Endpoint, path: str, body: str) -> bytes:
        at = self._at(endpoint)
        return await (
            self._sentinel.post(at, path, body) if at else super().post(endpoint, path, body)
        )

    async def lines(self, endpoint: Endpoint, path: str) -> AsyncGenerator[bytes, None]:
        at = self._at(endpoint)
        lines = self._sentinel.lines(at, path) if at else super().lines(endpoint, path)
        async for line in lines:
            yield line


class OperatorOnHost(OperatorWorld):
    """An operator on the machine's own clocks, whose lanes run as often as it asks for."""

    def __init__(self, http: FakeHttpClient, week: Calendar) -> None:
        super().__init__(http=http)
        self._settings = OperatorSettings(images=IMAGES, calendar=week)
        self.read_clocks()
        self.app = self._build()
        self.api_server.put(ibgateway_body())
        self.credentials()

    def read_clocks(self) -> None:
        self.time, self.seconds = datetime.now(UTC), time.monotonic()

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Work until something is so."""
        async with asyncio.timeout(LIMIT):
            while not wanted():
                self.read_clocks()
                await self.keep_gate()
                await self.reconcile()
                self.deliver()
                await asyncio.sleep(0.1)

    async def begin(self) -> None:
        """Its children are there, its pods run, and the sentinel is heard."""
        await self.reconcile()
        for component in ("gateway", "executor", "novnc"):
            self.api_server.put(pod(component))
        self.deliver()
        await self.until(self.trades)

    def trades(self) -> bool:
        heard = self.heard()
        said = self.stored().get("status", {}).get("conditions", ())
        allowed = [c["status"] for c in said if c["type"] == "TradingAllowed"]
        return heard is not None and heard.handover is None and allowed == ["True"]

    def is_handed_over(self) -> bool:
        waiting = (heard := self.heard()) and heard.waiting
        return bool(waiting and waiting.refusal == "HandedOver" and heard and heard.handover)

    def waits_for_the_executor(self) -> bool:
        memory = self.app.memories.get(self.key)
        report = memory.drain.report if memory and memory.drain else None
        return report is not None and report.unacknowledged == 1

    def told(self, reason: str) -> int:
        events = (b for (kind, *_), b in self.api_server.objects.items() if kind == "Event")
        return sum(event["reason"] == reason for event in events)


@contextlib.asynccontextmanager
async def operated(folder: Path) -> AsyncIterator[tuple[PodOnHost, OperatorOnHost]]:
    """A gateway with its week's login, and an operator that has heard of it; an order is on its way."""
    week = Calendar.model_validate(calendar(datetime.now(UTC) - timedelta(days=3)))
    async with client_session() as session, pod_on_host(folder) as gateway:
        http = SentinelOnHost(HttpClient(session), gateway.ports["http"])
        http.answers["/v1/gate"] = BUSY
        operator = OperatorOnHost(http, week)
        try:
            await gateway.log_in()
            await operator.begin()
            yield gateway, operator
        finally:
            await operator.stop()
