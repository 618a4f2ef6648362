"""The executor's own routes and ledger, in process, asked from the thread in which a command runs."""

import asyncio

import httpx

from executor_fakes import IntakeWorld
from plugin_fakes import FakeExecutor, PluginWorld, secret_object

TOKEN = "client-secret"


class IntakeExecutor(FakeExecutor, httpx.BaseTransport):
    """So many answers as `lost` says are lost on their way back: the executor has done what was asked."""

    def __init__(self, intake: IntakeWorld) -> None:
        super().__init__()
        self.intake = intake
        self.lost = 0
        self._loop = asyncio.get_running_loop()

    def world(self) -> PluginWorld:
        """A person at a terminal, whose plugin reaches this executor."""
        world = PluginWorld(executor=self)
        world.kubectl.add(secret_object("paper-executor-token", token=TOKEN))
        world.later = [lambda: None] * 20
        return world

    def transport(self) -> httpx.BaseTransport:
        """The way to it."""
        return self

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask the routes, on the loop of the test."""
        request.read()
        self.requests.append(request)
        answer = asyncio.run_coroutine_threadsafe(self._ask(request), self._loop).result(60)
        if self.lost:
            self.lost -= 1
            raise httpx.ReadError("the connection is gone", request=request)
        return answer

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        way = httpx.ASGITransport(self.intake.app)
        copy = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.content
        )
        answer = await way.handle_async_request(copy)
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)
