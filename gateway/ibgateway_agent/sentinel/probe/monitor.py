"""The sentinel's own API connection: probes until it is proven, then keeps one and listens.

While a login is under way a closed port is asked again at once, because the API opens with the
login; anything else is asked rarely. The kept connection hears 1100 and its end, and a question
every few seconds tells a silent gateway from a quiet one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from ibgateway_agent.errors import ApiClosedError
from ibgateway_agent.sentinel.probe.handshake import CLIENT_ID, ApiConnection, ProbeResult, probe
from ibgateway_api.login import Login, LoginState, Sign

EAGER_PAUSE: Final = 0.1
HALF_WAY_PAUSE: Final = 1.0
"""After a handshake that went wrong: each probe costs the gateway one of its 32 clients."""
LAZY_PAUSE: Final = 30.0
EAGER_FOR: Final = 20.0
"""Seconds of quick probes after a line that may mean a finished login, or a lost connection."""
QUESTION_EVERY: Final = 2.0
"""reqCurrentTime is not answered when asked twice within a second."""
SILENT_AFTER: Final = 5.0
CLIENT_IDS: Final = 5
"""A gateway may keep a dead client's id for a while: the next of these is taken."""

_LINK_ID: Final = "9001"
_LINK_CONTRACT: Final = (
    *("9", "8", _LINK_ID, "756733", "", "", "", "0.0", "", "", "SMART"),
    *("", "", "", "", "0", "", "", ""),
)
"""reqContractDetails of one well-known contract: only IBKR's servers can answer it."""

_HALF_WAY: Final = frozenset({ProbeResult.NO_ACCOUNTS, ProbeResult.NO_NEXT_ID})
_LOST: Final = frozenset({"1100", "2110"})
_BACK: Final = frozenset({"1101", "1102"})
_LOGIN_UNDER_WAY: Final = frozenset({LoginState.LOGGING_IN, LoginState.RESTARTING})


@dataclass(frozen=True)
class MonitorInput:
    """What the link looks at (process, login, what is wrong with accounts, port) and two receivers."""

    running: Callable[[], bool]
    login: Callable[[], Login]
    account_problem: Callable[[tuple[str, ...]], str]
    port: Callable[[], int]
    tell: Callable[[Sign, str], None]
    count: Callable[[ProbeResult], None]


class ApiMonitor:
    """One task probes and keeps; `nudge` says that now is a good moment to look."""

    def __init__(self, seen: MonitorInput) -> None:
        self._seen = seen
        self._nudged = asyncio.Event()
        self._eager_until = 0.0
        self._client = 0

    def nudge(self) -> None:
        """Something happened that the API may prove: look now, and often for a while."""
        self._eager_until = monotonic() + EAGER_FOR
        self._nudged.set()

    async def run(self) -> None:
        """Probe and keep, for ever."""
        while True:
            if not self._seen.running():
                await self._pause(LAZY_PAUSE)
                continue
            result = await self._probe()
            if result is not ProbeResult.READY:
                await self._pause(self._rest_after(result))

    async def _probe(self) -> ProbeResult:
        probed = await probe(self._seen.port(), client_id=CLIENT_ID + self._client)
        self._seen.count(probed.result)
        if probed.result is ProbeResult.CLIENT_ID_IN_USE:
            self._client = (self._client + 1) % CLIENT_IDS
        if probed.connection is None:
            return probed.result
        try:
            return await self._proven(probed.connection, probed.accounts)
        finally:
            probed.connection.close()

    async def _proven(self, connection: ApiConnection, accounts: tuple[str, ...]) -> ProbeResult:
        if self._seen.account_problem(accounts):
            self._seen.tell(Sign.API_UNEXPECTED_ACCOUNT, ",".join(accounts))
            return ProbeResult.NO_ACCOUNTS
        self._seen.tell(Sign.API_READY, ",".join(accounts))
        await KeptConnection(connection, self._seen, self._nudged, accounts).listen()
        self._seen.tell(Sign.API_CLOSED, "")
        self.nudge()
        return ProbeResult.READY

    def _rest_after(self, result: ProbeResult) -> float:
        eager = monotonic() < self._eager_until
        opening = self._seen.login().state in _LOGIN_UNDER_WAY
        if eager and result in _HALF_WAY:
            return HALF_WAY_PAUSE
        if eager or (opening and result is ProbeResult.PORT_CLOSED):
            return EAGER_PAUSE
        return LAZY_PAUSE

    async def _pause(self, seconds: float) -> None:
        self._nudged.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._nudged.wait()
        except TimeoutError:
            return


class KeptConnection:
    """The kept connection: listens until it closes or its process is gone."""

    def __init__(
        self,
        connection: ApiConnection,
        seen: MonitorInput,
        nudged: asyncio.Event,
        accounts: tuple[str, ...],
    ) -> None:
        self._connection = connection
        self._seen = seen
        self._nudged = nudged
        self._accounts = ",".join(accounts)
        self._asked_at = 0.0
        self._heard_at = monotonic()
        self._silent = False

    async def listen(self) -> None:
        """Hear and ask until the connection is closed."""
        if self._seen.login().link_lost:
            self._connection.send(*_LINK_CONTRACT)
        tasks = [asyncio.create_task(job()) for job in (self._hear, self._ask, self._verify)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self) -> None:
        try:
            while True:
                self._heard(await self._connection.receive())
        except ApiClosedError:
            return

    async def _ask(self) -> None:
        """reqCurrentTime now and then: a gateway that hangs keeps its sockets open."""
        while self._seen.running():
            await asyncio.sleep(QUESTION_EVERY)
            if self._asked_at <= self._heard_at:
                self._asked_at = monotonic()
            elif monotonic() - self._asked_at > SILENT_AFTER and not self._silent:
                self._silent = True
                self._seen.tell(Sign.API_SILENT, "")
            self._connection.send("49", "1")

    async def _verify(self) -> None:
        """After a nudge the gateway is asked for its next valid id: the answer proves it anew."""
        while True:
            await self._nudged.wait()
            self._nudged.clear()
            self._connection.send("8", "1", "1")

    def _heard(self, fields: list[str]) -> None:
        self._heard_at = monotonic()
        if fields[0] == "4" and len(fields) > 3:
            self._told(fields[2], fields[3])
        elif fields[0] == "9" or self._silent:
            self._seen.tell(Sign.API_READY, self._accounts)
        elif fields[0] == "10" and self._seen.login().link_lost:
            self._seen.tell(Sign.LINK_RESTORED, "")
        self._silent = False

    def _told(self, request: str, code: str) -> None:
        if code in _LOST:
            self._seen.tell(Sign.LINK_LOST, code)
        elif code in _BACK or (code == "200" and request == _LINK_ID):
            self._seen.tell(Sign.LINK_RESTORED, code)
