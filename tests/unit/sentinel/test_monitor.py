"""The API probe and the kept connection, against a small server that speaks the API's frames."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ibgateway_agent.sentinel.probe import monitor
from ibgateway_agent.sentinel.probe.handshake import ProbeResult, probe
from ibgateway_agent.sentinel.probe.monitor import ApiMonitor, MonitorInput
from ibgateway_api.accounts import TradingMode, account_problem
from ibgateway_api.login import Login, LoginState, Sign

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
RUNNING = Login(LoginState.LOGGING_IN, NOW, running=True)
LIMIT = 10.0


def frame(*fields: str) -> bytes:
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


class Gateway:
    """The gateway's side; the flags say how far it goes."""

    def __init__(self) -> None:
        self.accounts = "DU1234567,"
        self.greets = self.gives_next_id = self.answers = True
        self.closes = self.id_in_use = False
        self.port = 0
        self.asked: list[list[str]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.contract_asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        if self.closes:
            writer.close()
            return
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            assert await reader.readexactly(4) == b"API\0"
            while True:
                (length,) = struct.unpack(">I", await reader.readexactly(4))
                body = (await reader.readexactly(length)).decode()
                self.answer(body.split("\0")[:-1] or [body], writer)

    def answer(self, fields: list[str], writer: asyncio.StreamWriter) -> None:
        self.asked.append(fields)
        if fields[0].startswith("v") and self.greets:
            writer.write(frame("178", "20261125 10:00:00 EST"))
        elif fields[0] == "71":
            self.start(fields, writer)
        elif fields[0] == "49" and self.answers:
            writer.write(frame("49", "1", "1795618800"))
        elif fields[0] == "8" and self.answers:
            writer.write(frame("9", "1", "1"))
        elif fields[0] == "9":
            self.contract_asked.set()

    def start(self, fields: list[str], writer: asyncio.StreamWriter) -> None:
        if self.id_in_use and fields[2] == "901":
            writer.write(frame("4", "2", "-1", "326", "client id is already in use", ""))
            writer.close()
            return
        if self.accounts:
            writer.write(frame("15", "1", self.accounts))
        if self.gives_next_id:
            writer.write(frame("9", "1", "1"))

    def says(self, code: str) -> None:
        self.writers[-1].write(frame("4", "2", "-1", code, "a message", ""))


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    for writer in made.writers:
        writer.close()
    await asyncio.sleep(0)


async def test_a_closed_port(gateway: Gateway) -> None:
    assert (await probe(1)).result is ProbeResult.PORT_CLOSED


@pytest.mark.parametrize(
    ("flags", "result"),
    [
        ({"closes": True}, ProbeResult.ACCEPTED_THEN_CLOSED),
        ({"greets": False}, ProbeResult.ACCEPTED_BUT_SILENT),
        ({"accounts": ""}, ProbeResult.NO_ACCOUNTS),
        ({"gives_next_id": False}, ProbeResult.NO_NEXT_ID),
        ({"id_in_use": True}, ProbeResult.CLIENT_ID_IN_USE),
        ({}, ProbeResult.READY),
    ],
)
async def test_how_far_a_probe_comes(
    gateway: Gateway, flags: dict[str, object], result: ProbeResult
) -> None:
    for name, value in flags.items():
        setattr(gateway, name, value)
    probed = await probe(gateway.port, seconds=0.3)
    assert probed.result is result
    if probed.connection is not None:
        assert probed.accounts == ("DU1234567",)
        probed.connection.close()


class Ear:
    """What a link tells, and the login that it looks at."""

    def __init__(self, port: int) -> None:
        self.login = RUNNING
        self.mode = TradingMode.PAPER
        self.expected: tuple[str, ...] = ()
        self.told: list[tuple[Sign, str]] = []
        self.counted: list[ProbeResult] = []
        self._news = asyncio.Event()
        self.seen = MonitorInput(
            running=lambda: self.login.running,
            login=lambda: self.login,
            account_problem=lambda seen: account_problem(self.mode, seen, self.expected),
            port=lambda: port,
            tell=self._tell,
            count=self._count,
        )

    def _tell(self, sign: Sign, detail: str) -> None:
        self.told.append((sign, detail))
        self._news.set()

    def _count(self, result: ProbeResult) -> None:
        self.counted.append(result)
        self._news.set()

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not wanted():
                self._news.clear()
                await self._news.wait()

    async def hears(self, sign: Sign, detail: str = "") -> None:
        await self.until(lambda: (sign, detail) in self.told)


@contextlib.asynccontextmanager
async def linked(ear: Ear) -> AsyncIterator[ApiMonitor]:
    made = ApiMonitor(ear.seen)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_port_that_opens_with_the_login_is_found(gateway: Gateway) -> None:
    gateway.closes = True
    ear = Ear(gateway.port)
    async with linked(ear) as probing:
        probing.nudge()
        await ear.until(lambda: ear.counted.count(ProbeResult.ACCEPTED_THEN_CLOSED) > 2)
        gateway.closes = False
        await ear.hears(Sign.API_READY, "DU1234567")


async def test_nothing_is_probed_without_a_process(gateway: Gateway) -> None:
    ear = Ear(gateway.port)
    ear.login = Login(LoginState.WAITING_FOR_PERMIT, NOW)
    async with linked(ear) as probing:
        await asyncio.sleep(0.2)
        assert ear.counted == []
        ear.login = RUNNING
        probing.nudge()
        await ear.hears(Sign.API_READY, "DU1234567")


async def test_the_kept_connection_hears_the_link(gateway: Gateway) -> None:
    ear = Ear(gateway.port)
    async with linked(ear):
        await ear.hears(Sign.API_READY, "DU1234567")
        for code, sign in (
            ("1100", Sign.LINK_LOST),
            ("1102", Sign.LINK_RESTORED),
            ("2110", Sign.LINK_LOST),
            ("1101", Sign.LINK_RESTORED),
        ):
            gateway.says("2104")
            gateway.says(code)
            await ear.hears(sign, code)
    assert len(ear.told) == 5


async def test_a_closed_connection_is_told_and_found_again(gateway: Gateway) -> None:
    ear = Ear(gateway.port)
    async with linked(ear):
        await ear.hears(Sign.API_READY, "DU1234567")
        gateway.writers[-1].close()
        await ear.hears(Sign.API_CLOSED)
        await ear.until(lambda: ear.told.count((Sign.API_READY, "DU1234567")) == 2)


async def test_a_nudge_has_the_gateway_prove_itself_anew(gateway: Gateway) -> None:
    ear = Ear(gateway.port)
    async with linked(ear) as kept:
        await ear.hears(Sign.API_READY, "DU1234567")
        kept.nudge()
        await ear.until(lambda: ear.told.count((Sign.API_READY, "DU1234567")) == 2)
    assert ["8", "1", "1"] in gateway.asked


async def test_a_silent_gateway_is_told_and_one_that_wakes_too(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "QUESTION_EVERY", 0.02)
    monkeypatch.setattr(monitor, "SILENT_AFTER", 0.1)
    ear = Ear(gateway.port)
    async with linked(ear):
        await ear.hears(Sign.API_READY, "DU1234567")
        gateway.answers = False
        await ear.hears(Sign.API_SILENT)
        gateway.answers = True
        await ear.until(lambda: ear.told[-1] == (Sign.API_READY, "DU1234567"))
    assert ear.told.count((Sign.API_SILENT, "")) == 1


async def test_another_account_than_expected_is_no_login(gateway: Gateway) -> None:
    ear = Ear(gateway.port)
    ear.expected = ("DU7654321",)
    async with linked(ear):
        await ear.hears(Sign.API_UNEXPECTED_ACCOUNT, "DU1234567")
    assert (Sign.API_READY, "DU1234567") not in ear.told


async def test_more_accounts_than_expected_are_a_login(gateway: Gateway) -> None:
    gateway.accounts = "DU1234567,DU7654321,"
    ear = Ear(gateway.port)
    ear.expected = ("DU7654321",)
    async with linked(ear):
        await ear.hears(Sign.API_READY, "DU1234567,DU7654321")


async def test_a_live_account_in_paper_mode_is_no_login(gateway: Gateway) -> None:
    gateway.accounts = "U1234567,"
    ear = Ear(gateway.port)
    async with linked(ear):
        await ear.hears(Sign.API_UNEXPECTED_ACCOUNT, "U1234567")


async def test_the_next_client_id_is_taken_where_one_is_held(gateway: Gateway) -> None:
    gateway.id_in_use = True
    ear = Ear(gateway.port)
    async with linked(ear) as probing:
        probing.nudge()
        await ear.hears(Sign.API_READY, "DU1234567")
    assert ear.counted[0] is ProbeResult.CLIENT_ID_IN_USE


async def test_after_a_lost_link_a_new_connection_asks_ibkr_itself(gateway: Gateway) -> None:
    ear = Ear(gateway.port)
    ear.login = replace(RUNNING, link_lost=True)
    async with linked(ear):
        await ear.hears(Sign.API_READY, "DU1234567")
        await asyncio.wait_for(gateway.contract_asked.wait(), LIMIT)
        gateway.writers[-1].write(frame("10", "9001", "SPY"))
        await ear.hears(Sign.LINK_RESTORED)
