"""One API connection against the simulator: what the broker interface promises."""

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from executor_world import ExecutorWorld, world
from host_processes import free_port
from ibgateway_executor.broker import ib
from ibgateway_executor.broker.pacing import MessagePacer
from ibgateway_executor.broker.protocol import BrokerEvent, Disconnected, LinkLost, LinkRestored
from ibgateway_executor.errors import (
    ClientIdInUseError,
    NoAnswerError,
    NotConnectedError,
    RequestRefusedError,
)
from ibgateway_executor.orders.order import Contract

AAPL = Contract(0, "AAPL")
LONG = ib.RequestLimits(connect=600, answer=600, ping=600)
SHORT = ib.RequestLimits(connect=60, answer=0.3, ping=0.3)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(tmp_path) as made:
        yield made


class Heard:
    """What the listener heard, and waiting for it."""

    def __init__(self) -> None:
        self.events: list[BrokerEvent] = []
        self._news = asyncio.Event()

    def __call__(self, event: BrokerEvent) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, wanted: Callable[[BrokerEvent], bool]) -> BrokerEvent:
        async with asyncio.timeout(60):
            while not any(wanted(event) for event in self.events):
                await self._news.wait()
                self._news.clear()
        return next(event for event in self.events if wanted(event))


def address(here: ExecutorWorld, client_id: int = 17) -> ib.GatewayAddress:
    return ib.GatewayAddress("127.0.0.1", here.gateway.port, client_id)


def pacer() -> MessagePacer:
    return MessagePacer(time.monotonic)


async def test_a_port_that_accepts_and_closes_is_noticed_before_any_time_limit(
    here: ExecutorWorld,
) -> None:
    async with asyncio.timeout(60):
        with pytest.raises(NotConnectedError, match="closed the connection"):
            await ib.connect(address(here), Heard(), pacer(), LONG)


async def test_a_port_nobody_listens_on_is_not_connected() -> None:
    with pytest.raises(NotConnectedError, match="does not answer"):
        await ib.connect(ib.GatewayAddress("127.0.0.1", free_port(), 17), Heard(), pacer(), LONG)


async def test_a_client_id_in_use_is_told_apart_at_once(here: ExecutorWorld) -> None:
    await here.gateway.login()
    first = await ib.connect(address(here), Heard(), pacer(), LONG)
    async with asyncio.timeout(60):
        with pytest.raises(ClientIdInUseError, match="client id 17 is in use"):
            await ib.connect(address(here), Heard(), pacer(), LONG)
    assert first.connected
    first.close()


async def test_a_connection_tells_accounts_contract_hours_price_and_time(
    here: ExecutorWorld,
) -> None:
    await here.gateway.login()
    broker = await ib.connect(address(here), Heard(), pacer(), LONG)
    assert (broker.accounts, broker.next_valid_id, broker.connected) == (("DU1234567",), 1, True)
    (found,) = await broker.candidates(AAPL)
    assert (found.contract.con_id, found.contract.primary_exchange) == (265598, "NASDAQ")
    assert (found.time_zone_id, found.liquid_hours[8:14]) == ("US/Eastern", ":0000-")
    assert await broker.candidates(Contract(0, "NOPE")) == ()
    assert await broker.price(found.contract) == Decimal(190)
    assert (await broker.server_time()).tzinfo is not None
    assert await broker.open_orders() == ()
    assert await broker.executions() == ()
    assert await broker.completed_orders() == ()
    broker.close()
    assert not broker.connected


async def test_a_question_without_an_answer_is_not_an_empty_answer(here: ExecutorWorld) -> None:
    await here.gateway.login()
    broker = await ib.connect(address(here), Heard(), pacer(), SHORT)
    await here.ibkr.send("PATCH", "/v1/faults", {"silent_requests": [7, 49]})
    with pytest.raises(NoAnswerError):
        await broker.executions()
    with pytest.raises(NoAnswerError):
        await broker.server_time()
    assert broker.connected
    broker.close()


async def test_a_read_only_api_refuses_instead_of_hanging(here: ExecutorWorld) -> None:
    await here.gateway.login()
    await here.ibkr.send("PATCH", "/v1/faults", {"read_only": True})
    broker = await ib.connect(address(here), Heard(), pacer(), LONG)
    async with asyncio.timeout(60):
        with pytest.raises(RequestRefusedError, match="Read-Only"):
            await broker.open_orders()
    broker.close()


async def test_a_reset_fails_what_is_asked_and_is_told_once(here: ExecutorWorld) -> None:
    heard = Heard()
    await here.gateway.login()
    broker = await ib.connect(address(here), heard, pacer(), LONG)
    await here.ibkr.send("PATCH", "/v1/faults", {"silent_requests": [7]})
    asking = asyncio.create_task(broker.executions())
    await asyncio.sleep(0)
    await here.ibkr.send("POST", "/v1/connections/drop", {})
    async with asyncio.timeout(60):
        with pytest.raises(NotConnectedError):
            await asking
    await heard.until(lambda event: isinstance(event, Disconnected))
    assert [type(event) for event in heard.events] == [Disconnected]
    with pytest.raises(NotConnectedError):
        await broker.executions()


async def test_hanging_up_closes_the_socket_even_where_the_library_fails_to(
    here: ExecutorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.gateway.login()
    broker = await ib.connect(address(here), Heard(), pacer(), LONG)
    transport = broker._client.conn.transport

    def reset() -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr(transport, "write_eof", reset)
    broker.close()
    assert not broker.connected
    assert transport.is_closing()


async def test_a_lost_and_restored_link_is_told_on_the_open_connection(here: ExecutorWorld) -> None:
    heard = Heard()
    await here.gateway.login()
    broker = await ib.connect(address(here), heard, pacer(), LONG)
    await here.ibkr.send("POST", "/v1/connectivity", {"state": "lost"})
    lost = await heard.until(lambda event: isinstance(event, LinkLost))
    assert isinstance(lost, LinkLost)
    assert lost.message.startswith("1100: Connectivity")
    await here.ibkr.send("POST", "/v1/connectivity", {"state": "restored", "code": 1102})
    await heard.until(lambda event: isinstance(event, LinkRestored))
    assert broker.connected
    broker.close()
