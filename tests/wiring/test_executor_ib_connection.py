"""One API connection against the simulator: what the broker interface promises."""

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from executor_world import ExecutorWorld, until, world
from host_processes import free_port
from ibgateway_executor.broker import ib
from ibgateway_executor.broker.pacing import MessageKind, MessagePacer
from ibgateway_executor.broker.protocol import BrokerEvent, Disconnected, LinkLost, LinkRestored
from ibgateway_executor.errors import (
    ClientIdInUseError,
    NoAnswerError,
    NotConnectedError,
    RequestRefusedError,
)
from ibgateway_executor.orders.broker_reports import OrderStatusReport
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
)
from ibgateway_executor.orders.portfolio import PriceKind, SettlementKind

AAPL = Contract(0, "AAPL")
NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
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


async def test_a_contract_has_its_trading_hours_price_step_and_market_rules(
    here: ExecutorWorld,
) -> None:
    await here.gateway.login()
    broker = await ib.connect(address(here), Heard(), pacer(), LONG)
    (found,) = await broker.candidates(AAPL)
    assert (found.trading_hours, found.min_tick) == (found.liquid_hours, Decimal("0.01"))
    assert found.market_rules == (("SMART", 26),)
    broker.close()


async def test_a_connection_tells_what_an_account_holds_and_is_worth(here: ExecutorWorld) -> None:
    await here.gateway.login()
    broker = await ib.connect(address(here), Heard(), pacer(), LONG)
    assert await broker.positions() == ()
    value = await broker.account("DU1234567")
    million = Decimal(1_000_000)
    assert (value.net_liquidation, value.total_cash, value.currency) == (million, million, "USD")
    assert (value.settled_cash, value.available_funds, value.buying_power) == (million,) * 3
    assert (value.account_type, value.settlement) == ("INDIVIDUAL", SettlementKind.CASH)
    assert value.cash == {"USD": million}
    order = Order("o1", 1, OrderTerms("DU1234567", AAPL, Side.BUY, 10, OrderType.MARKET), NOW, NOW)
    broker.place(replace(order, order_id=1))
    held = await until("a position", broker.positions)
    assert [(p.account, p.contract.con_id, p.quantity) for p in held] == [
        ("DU1234567", 265598, Decimal(10))
    ]
    assert (held[0].contract.exchange, held[0].contract.symbol) == ("SMART", "AAPL")
    spent = await broker.account("DU1234567")
    assert spent.total_cash < Decimal(998_101)
    broker.close()


async def test_keys_by_currency_may_have_a_prefix(here: ExecutorWorld) -> None:
    await here.gateway.login()
    await here.ibkr.send("PATCH", "/v1/faults", {"ledger_prefix": True})
    broker = await ib.connect(address(here), Heard(), pacer(), LONG)
    value = await broker.account("DU1234567")
    assert value.cash == {"USD": Decimal(1_000_000)}
    broker.close()


async def test_positions_and_values_that_are_not_told_are_not_none_at_all(
    here: ExecutorWorld,
) -> None:
    await here.gateway.login()
    broker = await ib.connect(address(here), Heard(), pacer(), SHORT)
    await here.ibkr.send("PATCH", "/v1/faults", {"silent_requests": [61, 76]})
    first, second = asyncio.create_task(broker.positions()), asyncio.create_task(broker.positions())
    with pytest.raises(NoAnswerError):
        await first
    with pytest.raises(NoAnswerError):
        await second
    with pytest.raises(NoAnswerError):
        await broker.account("DU1234567")
    broker.close()


async def test_a_quote_says_which_prices_there_are(here: ExecutorWorld) -> None:
    await here.gateway.login()
    broker = await ib.connect(address(here), Heard(), pacer(), LONG)
    (found,) = await broker.candidates(AAPL)
    quote = await broker.quote(found.contract)
    assert (quote.last, quote.ask, quote.bid) == (
        Decimal(190),
        Decimal("190.01"),
        Decimal("189.99"),
    )
    assert quote.price == (Decimal(190), PriceKind.LAST)
    await here.ibkr.send("PATCH", "/v1/faults", {"no_last_price": True})
    assert (await broker.quote(found.contract)).price == (Decimal("190.01"), PriceKind.ASK)
    broker.close()


async def test_delayed_prices_are_asked_for_by_request_alone(here: ExecutorWorld) -> None:
    await here.gateway.login()
    broker = await ib.connect(address(here), Heard(), pacer(), LONG)
    (found,) = await broker.candidates(AAPL)
    for delayed in (False, True, True, False):
        await broker.quote(found.contract, delayed=delayed)
    _, frames = await here.ibkr.ask("GET", "/v1/frames?direction=in")
    asked = [frame["fields"] for frame in frames if frame["fields"][0] in ("1", "59")]
    assert [fields[2] if fields[0] == "59" else "quote" for fields in asked] == [
        *("quote", "3", "quote", "quote", "1", "quote")
    ]
    broker.close()


async def test_working_orders_of_other_clients_are_told_whole(here: ExecutorWorld) -> None:
    await here.gateway.login()
    ours = await ib.connect(address(here), Heard(), pacer(), LONG)
    heard = Heard()
    theirs = await ib.connect(address(here, 5), heard, pacer(), LONG)
    (found,) = await theirs.candidates(AAPL)
    terms = OrderTerms(
        *("DU1234567", found.contract, Side.BUY, 40, OrderType.LIMIT, Decimal(100)),
        time_in_force=TimeInForce.GTC,
    )
    later = NOW + timedelta(days=1)
    theirs.place(Order("theirs", 1, terms, NOW, later, order_id=theirs.next_valid_id, client_id=5))
    await heard.until(lambda e: isinstance(e, OrderStatusReport) and e.status == "Submitted")
    both = await asyncio.gather(ours.open_orders(), ours.open_order_reports(), ours.open_orders())
    (told,) = both[1]
    assert (told.account, told.contract.con_id, told.side, told.order_type) == (
        "DU1234567",
        found.contract.con_id,
        Side.BUY,
        "LMT",
    )
    assert (told.quantity, told.client_id, told.order_ref) == (Decimal(40), 5, "ibg-theirs")
    assert told.perm_id
    ours.close()
    theirs.close()


class Unpaced(MessagePacer):
    """Everything leaves at once."""

    def _wait(self, kind: MessageKind) -> float:
        return 0.0


async def test_no_more_snapshots_are_asked_for_at_once_than_a_user_has_lines_of_data(
    here: ExecutorWorld,
) -> None:
    await here.gateway.login()
    await here.ibkr.send("PATCH", "/v1/faults", {"no_last_price": True, "snapshot_seconds": 10})
    broker = await ib.connect(address(here), Heard(), Unpaced(time.monotonic), LONG)
    (found,) = await broker.candidates(AAPL)
    asking = asyncio.gather(*(broker.quote(found.contract) for _ in range(70)))
    await asyncio.sleep(0)
    await broker.server_time()
    frames = await here.ibkr.get("/v1/frames?direction=in&message=1")
    assert len(frames) == 50
    assert len(await asking) == 70
    broker.close()


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
