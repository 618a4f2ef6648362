"""A sentinel's HTTP side: reports by long poll with a heartbeat; a test says what they tell."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from ibgateway_api.login import LoginState
from ibgateway_api.reports import SentinelReport

AGENT_TOKEN = "agent-token-canary-5d1f"
HEARTBEAT_SECONDS = 0.2


class SentinelStub:
    """`tell` changes the report; `mute` stops every byte but keeps connections open."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        self.mute = False
        self.url = ""
        self._changed = asyncio.Event()
        self._report = SentinelReport(
            boot="b1", sequence=1, at=now, state=LoginState.AWAITING_APPROVAL, since=now
        )

    def tell(self, state: LoginState, **more: Any) -> None:
        """A new report; a login is a full one from now on unless told otherwise."""
        now = datetime.now(UTC)
        full = now if state is LoginState.LOGGED_IN else self._report.full_auth_time
        news = {"sequence": self._report.sequence + 1, "at": now, "state": state, "since": now}
        news |= {"full_auth_time": full, "accounts": ("DU1234567",), "holds": ()}
        self._report = self._report.model_copy(update=news | more)
        self._changed.set()
        self._changed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["SentinelStub"]:
        """Serve until the block ends."""
        app = web.Application()
        app.router.add_get("/v1/status", self._status)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _status(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {AGENT_TOKEN}":
            return web.Response(status=401)
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        after = int(request.query.get("after", "-1"))
        with contextlib.suppress(ConnectionError):
            while self._report.sequence <= after or self.mute:
                if not self.mute:
                    await answer.write(b"\n")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), HEARTBEAT_SECONDS)
            await answer.write(self._report.to_json().encode() + b"\n")
        return answer
