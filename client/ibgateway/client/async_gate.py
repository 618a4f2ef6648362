"""The gate, for programs with asyncio."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Self

import httpx

from ibgateway.client import gate_calls, http_calls
from ibgateway.client.errors import GateClosedError
from ibgateway.client.gate_state import ClosedGate
from ibgateway.client.program_gate import ProgramGate
from ibgateway.client.retries import RetryLimit


class AsyncGate(ProgramGate):
    """Follows the gate of one gateway while it is entered, and tells it when nothing is under way here any more.

        async with AsyncGate.from_environment() as gate:
            async with gate.trading():
                ib.placeOrder(contract, order)

    `token` may be a function: it is asked with each request. `program` is how the gateway calls this program where it waits for
    it; two that run at once need two names, and the default is the pod's name with a mark of this gate. Whatever happens to the
    connection, the gate is closed until it has been heard again, and nothing is raised but by `trading` and `wait_open`. For one event loop.
    Of `retries` the pauses count. `transport` and `clock` are for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | Callable[[], str],
        program: str | None = None,
        retries: RetryLimit = gate_calls.RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = gate_calls.seconds_since_boot,
    ) -> None:
        super().__init__(url, token=token, program=program, retries=retries, clock=clock)
        # A proxy of the environment would keep heartbeats back, and learn the token.
        self._http = httpx.AsyncClient(transport=transport, trust_env=False)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = self._task or asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Follow it no longer: from now on it is closed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._state.end()
        await self._http.aclose()

    async def wait_open(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as Queue.get of asyncio's users, with our own error
        """Come back while it is open; raises GateClosedError after `timeout` seconds, None: never."""
        await self._until(self._state.closed, timeout)

    @asynccontextmanager
    async def trading(
        self,
        timeout: float | None = gate_calls.ENTRY_SECONDS,  # noqa: ASYNC109 - as above
    ) -> AsyncGenerator[None]:
        """Around one order: begins while the gate is open, and planned stops wait until it has ended.

        Raises GateClosedError where the gate does not open within `timeout` seconds; None waits for ever. A gate that closes
        later changes nothing inside. Leave it when the broker has acknowledged the order. Not to be nested: once a stop
        waits for the outer one, nobody else gets in.
        """
        await self._until(self._state.enter, timeout)
        try:
            yield
        finally:
            self._state.leave()

    async def _until(self, closed: Callable[[], ClosedGate | None], seconds: float | None) -> None:
        """Ask until the answer is None."""
        why: ClosedGate | None = None
        try:
            async with asyncio.timeout(seconds):
                while (why := closed()) is not None:
                    await self._changed.wait()
        except TimeoutError:
            if why is None:
                raise
            raise GateClosedError(*why) from None

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _follow(self) -> None:
        failures = 0
        while True:
            try:
                async for _ in self._lines():
                    failures = 0
            except Exception as error:
                said, at_once = gate_calls.trouble(error)
                self._state.fail(said, at_once=at_once)
            await asyncio.sleep(http_calls.reconnect_pause(failures, self._retries))
            failures += 1

    async def _lines(self) -> AsyncGenerator[None]:
        """One connection: each line is taken, and after each event or heartbeat the word is given that is due."""
        question = gate_calls.listening(
            self._http, self._url, program=self._program, token=self._token
        )
        self._state.asked()
        answer = await self._http.send(question, stream=True)
        try:
            if answer.status_code != 200:
                await answer.aread()
                raise http_calls.error_of(answer)
            async for line in answer.aiter_lines():
                self._state.take(line)
                if not line:
                    await self._give_word()
                yield
        finally:
            await answer.aclose()

    async def _give_word(self) -> None:
        drain = self._state.to_acknowledge()
        if drain is None:
            return
        word = gate_calls.drained(
            self._http, self._url, program=self._program, drain=drain, token=self._token
        )
        answer = await self._http.send(word)
        if gate_calls.taken(answer):
            self._state.acknowledged(drain)
