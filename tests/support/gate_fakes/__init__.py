"""A sentinel that tells of a gate what a test says, over a socket; and both clients that follow it, called in one way."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Literal, Self

from aiohttp import web

from ibgateway.client import AsyncGate, Gate, RetryLimit

TOKEN = "gate-canary"
PROGRAM = "bot-0"
BEAT_SECONDS = 0.05
PATIENCE = 120.0
SOON = RetryLimit(pause=0.01, longest=0.05)
Kind = Literal["async", "sync"]


class HandClock:
    """Monotonic seconds that go on by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class ToldGate:
    """`GET /v1/gate`, at once or as server-sent events, and `POST /v1/gate/drained`.

    `status` and `word_status` are what they answer; `garbage` is sent instead of the report; `mute` lets no heartbeat through.
    """

    def __init__(self) -> None:
        self.boot = "boot-1"
        self.status = 200
        self.word_status = 204
        self.garbage = b""
        self.mute = False
        self.asked: list[dict[str, str]] = []
        self.words: list[dict[str, str]] = []
        self.url = ""
        self._report: dict[str, Any] = {}
        self._sequence = 0
        self._streams: dict[web.StreamResponse, web.Request] = {}
        self._runner = web.AppRunner(self._app(), shutdown_timeout=0.1)
        self.opened()

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1/gate"
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._beating.cancel()
        self.cut()
        await self._runner.cleanup()

    def opened(self) -> None:
        """The gate is open."""
        self._say(open=True, reason="GateOpen", message="")

    def closed(self, reason: str = "NightlyRestart", message: str = "the gateway restarts") -> None:
        """The gate is closed."""
        self._say(open=False, reason=reason, message=message)

    def draining(self, drain: str) -> None:
        """The gate is closed, because a stop waits."""
        asked = {
            "id": drain,
            "reason": "Restart",
            "since": AT,
            "until": AT,
            "waitingFor": [PROGRAM],
        }
        self._say(open=False, reason="PlannedStop", message="a stop waits", drain=asked)

    async def tell(self) -> None:
        """Everybody who listens is told how it stands."""
        for response in list(self._streams):
            with suppress(ConnectionError):
                await response.write(self._event())

    def cut(self) -> None:
        """Every connection ends at once, as when the process is killed."""
        for request in self._streams.values():
            if request.transport is not None:
                request.transport.abort()
        self._streams.clear()

    def _say(self, **told: Any) -> None:
        self._sequence += 1
        self._report = told

    def _now(self) -> dict[str, Any]:
        head = {"boot": self.boot, "sequence": self._sequence, "at": AT, "since": AT}
        return {**head, **self._report}

    def _event(self) -> bytes:
        text = json.dumps(self._now())
        return self.garbage or f"id: {self._sequence}\nevent: gate\ndata: {text}\n\n".encode()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for response in list(self._streams) if not self.mute else []:
                with suppress(ConnectionError):
                    await response.write(b":\n\n")

    def _app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [web.get("/v1/gate", self._listened), web.post("/v1/gate/drained", self._drained)]
        )
        return app

    async def _listened(self, request: web.Request) -> web.StreamResponse:
        self.asked.append({**request.query, "token": request.headers.get("Authorization", "")})
        if self.status != 200:
            return web.Response(status=self.status, text="not now")
        if "event-stream" not in request.headers.get("Accept", ""):
            return web.json_response(self._now())
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._streams[response] = request
        await response.write(self._event())
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return response

    async def _drained(self, request: web.Request) -> web.Response:
        self.words.append(await request.json())
        return web.Response(status=self.word_status)


AT = "2026-11-29T06:00:00Z"


class FollowedGate:
    """Either client, followed; what blocks blocks a thread only."""

    def __init__(self, gate: AsyncGate | Gate) -> None:
        self.gate = gate

    async def wait_open(self, seconds: float = PATIENCE) -> None:
        """As the client's."""
        if isinstance(self.gate, AsyncGate):
            await self.gate.wait_open(seconds)
        else:
            await asyncio.to_thread(self.gate.wait_open, seconds)

    @asynccontextmanager
    async def trading(self, seconds: float = PATIENCE) -> AsyncGenerator[None]:
        """As the client's."""
        if isinstance(self.gate, AsyncGate):
            async with self.gate.trading(seconds):
                yield
            return
        inside = self.gate.trading(seconds)
        await asyncio.to_thread(inside.__enter__)
        try:
            yield
        finally:
            inside.__exit__(None, None, None)

    async def until_closed(self, reason: str) -> None:
        """Come back once it is closed for this reason."""
        await until(lambda: (self.gate.why_closed or ("",))[0] == reason)


@asynccontextmanager
async def following(
    kind: Kind, url: str, *, clock: Callable[[], float], token: str | Callable[[], str] = TOKEN
) -> AsyncIterator[FollowedGate]:
    """A client of this kind that follows the gate at `url`."""
    async with AsyncExitStack() as stack:
        if kind == "async":
            made = AsyncGate(url, token=token, program=PROGRAM, retries=SOON, clock=clock)
            await stack.enter_async_context(made)
            yield FollowedGate(made)
        else:
            blocking = Gate(url, token=token, program=PROGRAM, retries=SOON, clock=clock)
            blocking.__enter__()
            stack.push_async_callback(asyncio.to_thread, blocking.close)
            yield FollowedGate(blocking)


async def until(holds: Callable[[], bool]) -> None:
    """Come back once it holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
