"""The sentinel's own API connection: probes until it is proven, then keeps one and listens.

While a login is under way a closed port is asked again at once, because the API opens with the
login; anything else is asked rarely. A handshake proves only that the Gateway once logged in: on each
new connection, and again until they answer, IBKR's servers are asked something that the Gateway can't
know. The kept connection receives 1100 and its end, and a question every few seconds tells a silent
gateway from a quiet one.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

from ibgateway_agent.errors import ApiClosedError
from ibgateway_agent.sentinel.probe.answers import AnswerWatch
from ibgateway_agent.sentinel.probe.clock_watch import ClockWatch
from ibgateway_agent.sentinel.probe.handshake import (
    CLIENT_ID,
    ApiConnection,
    Probed,
    ProbeResult,
    probe,
)
from ibgateway_agent.sentinel.state import GatewayState
from ibgateway_api.login import LoginState, Sign
from ibgateway_runtime.clock import Clock

CLIENT_IDS: Final = 5
"""A gateway may keep a dead client's id for a while: the next of these is taken."""

_FIRST_QUESTION: Final = 9001
_TIME: Final = "49"
"""reqCurrentTime: the Gateway itself answers, and reqIds too; neither proves a login."""

_HALF_WAY: Final = frozenset({ProbeResult.NO_ACCOUNTS, ProbeResult.NO_NEXT_ID})
_LOST: Final = frozenset({"1100", "2110", "502", "504"})
_BACK: Final = frozenset({"1101", "1102"})
_LOGIN_UNDER_WAY: Final = frozenset({LoginState.LOGGING_IN, LoginState.RESTARTING})


@dataclass(frozen=True)
class ProbeTimings:
    """All in seconds."""

    quick: float = 0.1
    """Between probes while a login may finish any moment."""
    half_way: float = 1.0
    """After a handshake that went wrong: each probe costs the gateway one of its 32 clients."""
    slow: float = 30.0
    """Between probes otherwise."""
    quick_for: float = 20.0
    """Quick probes after a line that may mean a finished login, or a lost connection."""
    question_every: float = 2.0
    """reqCurrentTime is not answered when asked twice within a second."""
    silent_after: float = 5.0
    """A question without an answer for this long: the gateway hangs."""
    proof_every: float = 5.0
    """Between questions to IBKR's servers until they answer; one message of the fifty a second."""


class ProbeReceiver(Protocol):
    """Who wants to know what the monitor finds out."""

    def on_evidence(self, sign: Sign, detail: str) -> None:
        """The API, or its silence, says something about the login."""

    def on_probe(self, result: ProbeResult, seconds: float) -> None:
        """A probe has ended after so long."""


class ApiMonitor:
    """One task probes and keeps a connection; what it looks at is the state, as the loop writes it."""

    def __init__(
        self,
        state: GatewayState,
        receiver: ProbeReceiver,
        clock: Clock,
        timings: ProbeTimings = ProbeTimings(),
    ) -> None:
        self._state = state
        self._receiver = receiver
        self._clock = clock
        self._timings = timings
        self.clock_watch = ClockWatch(clock)
        self._wake = asyncio.Event()
        self._quick_until = float("-inf")
        self._client = 0

    def probe_now(self) -> None:
        """Something happened that the API may prove: look now, and often for a while."""
        self._quick_until = self._clock.monotonic() + self._timings.quick_for
        self._wake.set()

    async def run(self) -> None:
        """Probe and keep, for ever."""
        while True:
            if not self._state.api_may_answer:
                await self._pause(self._timings.slow)
                continue
            result = await self._probe()
            if result is not ProbeResult.READY:
                await self._pause(self._pause_after(result))

    async def _probe(self) -> ProbeResult:
        began = self._clock.monotonic()
        probed = await probe(self._state.api_port, client_id=CLIENT_ID + self._client)
        self._receiver.on_probe(probed.result, self._clock.monotonic() - began)
        if probed.result is ProbeResult.CLIENT_ID_IN_USE:
            self._client = (self._client + 1) % CLIENT_IDS
        if probed.connection is None:
            return probed.result
        try:
            return await self._keep(probed, probed.connection)
        finally:
            probed.connection.close()

    async def _keep(self, probed: Probed, connection: ApiConnection) -> ProbeResult:
        named = ",".join(probed.accounts)
        if self._state.account_problem(probed.accounts):
            self._receiver.on_evidence(Sign.API_UNEXPECTED_ACCOUNT, named)
            return ProbeResult.NO_ACCOUNTS
        timings = self._timings
        self.clock_watch.connected()
        kept = KeptConnection(
            connection,
            named,
            state=self._state,
            receiver=self._receiver,
            answers=AnswerWatch(
                self._clock,
                question_every=timings.question_every,
                silent_after=timings.silent_after,
            ),
            clock_watch=self.clock_watch,
        )
        kept.heard(probed.heard)
        await kept.listen(self._wake, timings.proof_every)
        self._receiver.on_evidence(Sign.API_CLOSED, "")
        self.probe_now()
        return ProbeResult.READY

    def _pause_after(self, result: ProbeResult) -> float:
        quick = self._clock.monotonic() < self._quick_until
        opening = self._state.login.state in _LOGIN_UNDER_WAY
        if quick and result in _HALF_WAY:
            return self._timings.half_way
        if quick or (opening and result is ProbeResult.PORT_CLOSED):
            return self._timings.quick
        return self._timings.slow

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return


class KeptConnection:
    """The kept connection: listens until it closes or its process is gone."""

    def __init__(
        self,
        connection: ApiConnection,
        accounts: str,
        *,
        state: GatewayState,
        receiver: ProbeReceiver,
        answers: AnswerWatch,
        clock_watch: ClockWatch,
    ) -> None:
        self._connection = connection
        self._accounts = accounts
        self._state = state
        self._receiver = receiver
        self._answers = answers
        self._clock_watch = clock_watch
        self._question = self._first_that_counts = _FIRST_QUESTION
        self._answered = False
        self._news = asyncio.Event()

    def heard(self, messages: tuple[tuple[str, str], ...]) -> None:
        """What was said during the handshake counts as if it had come after it."""
        for request, code in messages:
            self._on_error_message(request, code)

    async def listen(self, wake: asyncio.Event, proof_every: float) -> None:
        """Receive and ask until the connection is closed; `wake`: have the login proven anew."""
        work = (self._receive(), self._ask_time(), self._prove(wake, proof_every))
        tasks = [asyncio.create_task(part) for part in work]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self) -> None:
        try:
            while True:
                self._on_message(await self._connection.receive())
        except ApiClosedError:
            return

    async def _ask_time(self) -> None:
        while self._state.api_may_answer:
            self._answers.asked()
            self._clock_watch.asked()
            self._connection.send(_TIME, "1")
            if await self._answers.turned_silent():
                self._receiver.on_evidence(Sign.API_SILENT, "")

    async def _prove(self, wake: asyncio.Event, every: float) -> None:
        """Ask IBKR's servers at once, when something has happened, and until they answer."""
        wake.clear()
        self._ask_servers()
        while True:
            if await _set_within(every, wake, self._news):
                self._first_that_counts = self._question + 1
            elif self._proven():
                continue
            elif not self._answered and not self._state.login.link_lost:
                self._receiver.on_evidence(Sign.LINK_LOST, "IBKR's servers do not answer")
            self._ask_servers()

    def _proven(self) -> bool:
        return self._answered and self._state.login.state is LoginState.LOGGED_IN

    def _ask_servers(self) -> None:
        """reqContractDetails of one well-known contract: the Gateway alone can't answer it."""
        self._question += 1
        self._answered = False
        self._connection.send(
            *("9", "8", str(self._question), "756733", "", "", "", "0.0", "", "", "SMART"),
            *("", "", "", "", "0", "", "", ""),
        )

    def _on_message(self, fields: list[str]) -> None:
        if self._answers.received():
            self._news.set()
        if fields[0] == "4" and len(fields) > 3:
            self._on_error_message(fields[2], fields[3])
        elif fields[0] == _TIME and len(fields) > 2:
            self._clock_watch.answered(fields[2])
        elif fields[0] == "10" and any(self._counts(field) for field in fields[1:3]):
            self._on_answer()

    def _counts(self, request: str) -> bool:
        """Whether a request is one of ours since the last news of the link."""
        asked = int(request) if request.isdecimal() else 0
        return self._first_that_counts <= asked <= self._question

    def _on_answer(self) -> None:
        self._answered = True
        self._receiver.on_evidence(Sign.API_READY, self._accounts)

    def _on_error_message(self, request: str, code: str) -> None:
        if code in _LOST:
            self._first_that_counts = self._question + 1
            self._receiver.on_evidence(Sign.LINK_LOST, code)
        elif code in _BACK:
            self._receiver.on_evidence(Sign.LINK_RESTORED, code)
            self._news.set()
        elif code == "200" and self._counts(request) and not self._state.login.link_lost:
            # "No security definition": an answer too, but it has been seen beside an open 2110.
            self._on_answer()


async def _set_within(seconds: float, *events: asyncio.Event) -> bool:
    """Whether one of the events is set within that time; they are cleared."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    for event in events:
        event.clear()
    return bool(done)
