"""The dispatcher, turn by turn, on a real ledger and a broker in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ibgateway_api.gate import Closed, Gate, GateReason, Open
from ibgateway_api.login import LoginState
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.connection_state import ConnectionState
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.protocol import Candidate
from ibgateway_executor.dispatch.dispatcher import Dispatcher
from ibgateway_executor.dispatch.preparation import Preparation
from ibgateway_executor.dispatch.submit import OrderSubmitter, Tools
from ibgateway_executor.errors import BrokerError, NoAnswerError, NotConnectedError
from ibgateway_executor.ledger.sqlite import Entry, open_ledger
from ibgateway_executor.ledger.thread import LedgerThread
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.broker_reports import FillReport, OrderStatusReport
from ibgateway_executor.orders.order import Contract, Order, OrderTerms, OrderType, Side, cancel

START = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
PROVEN = ConnectionState(connected=True, reconciled=True)
SETTINGS = ExecutorSettings(namespace="n", gateway="g", api_host="h", api_port=1, sentinel_url="u")
AAPL = Contract(265598, "AAPL", primary_exchange="NASDAQ")


@dataclass
class FakeBroker:
    """Knows AAPL; keeps what was placed."""

    placed: list[Order] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    hours: str = "20261123:0930-20261123:1600;20261124:0930-20261124:1600"
    known: tuple[Contract, ...] = (AAPL,)
    told_price: Decimal | None = None
    down: BrokerError | None = None
    next_valid_id: int = 1

    def place(self, order: Order) -> None:
        if self.down:
            raise self.down
        self.placed.append(order)

    def cancel(self, order_id: int) -> None:
        self.cancelled.append(order_id)

    async def candidates(self, named: Contract) -> tuple[Candidate, ...]:
        if self.down:
            raise self.down
        return tuple(
            Candidate(i, self.hours, "US/Eastern")
            for i in self.known
            if named.con_id in (0, i.con_id) and named.symbol in ("", i.symbol)
        )

    async def price(self, _: Contract) -> Decimal | None:
        return self.told_price


@dataclass
class Room:
    """Settings, gate and clock that a test turns; stands for desk and link at once."""

    ledger: LedgerThread
    broker: FakeBroker | None = field(default_factory=FakeBroker)
    verdict: Gate = field(default_factory=Open)
    now: datetime = START
    known: tuple[str, ...] = ("DU1234567",)
    doubts: int = 0
    proof: ConnectionState = PROVEN
    settings: ExecutorSettings = SETTINGS

    def gate(self) -> Gate:
        return self.verdict

    def accounts(self) -> tuple[str, ...]:
        return self.known

    def doubt(self) -> None:
        self.doubts += 1

    def __post_init__(self) -> None:
        room: Any = self
        contracts = Contracts(lambda: self.now)
        tools = Tools(self.ledger, room, room, contracts, ExecutorMetrics())
        preparation = Preparation(self.ledger, room, contracts, lambda: self.now)
        sender = OrderSubmitter(tools, lambda: self.now)
        self.dispatcher = Dispatcher(tools, preparation, sender, lambda: self.now)

    async def order(self, name: str, **terms: Any) -> None:
        wanted = OrderTerms("DU1234567", AAPL, Side.BUY, 10, OrderType.MARKET)
        order = Order(
            name,
            0,
            replace(wanted, **terms),
            accepted_at=self.now,
            valid_until=self.now + timedelta(hours=24),
            valid_by_default=True,
        )
        entry = Entry(name, "h", order, None, START, None)
        await self.ledger.call(self.ledger.ledger.accept, entry, self.now)

    async def turn(self) -> None:
        while await self.dispatcher._turn():
            pass

    async def stored(self, name: str) -> Order:
        found = await self.ledger.call(self.ledger.ledger.find, name)
        assert found is not None
        return found

    async def states(self, *names: str) -> list[tuple[str, str]]:
        orders = [await self.stored(name) for name in names]
        return [(order.state.value, str(order.reason)) for order in orders]

    async def fill(self, name: str) -> None:
        order = await self.stored(name)
        seen = FillReport(
            order.order_id, 17, 900, order.order_ref, "e", Decimal(10), Decimal("190.01")
        )
        await self.ledger.call(self.ledger.ledger.observe, seen, self.now)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    ledger = LedgerThread(open_ledger(tmp_path / "ledger.db"))
    ledger.ledger.stamp("paper")
    yield Room(ledger)
    ledger.close()


def placed(room: Room) -> list[str]:
    assert room.broker is not None
    return [order.id for order in room.broker.placed]


async def test_orders_go_one_by_one_in_their_order(room: Room) -> None:
    for name in ("a", "b"):
        await room.order(name)
    await room.turn()
    assert placed(room) == ["a"]
    assert await room.states("a", "b") == [("Sending", ""), ("Waiting", "OneAtATime")]
    await room.fill("a")
    await room.turn()
    assert placed(room) == ["a", "b"]
    assert [order.order_id for order in room.broker.placed] == [1, 2]  # type: ignore[union-attr]


async def test_sending_is_on_disk_before_the_write(room: Room) -> None:
    await room.order("a")
    assert room.broker is not None
    seen: list[str] = []
    write = room.broker.place

    def place(order: Order) -> None:
        found = room.ledger.ledger.find("a")
        seen.append(found.state.value if found else "")
        write(order)

    room.broker.place = place  # type: ignore[method-assign]
    await room.turn()
    assert seen == ["Sending"]


async def test_a_gate_that_closes_during_the_commit_keeps_the_order_back(room: Room) -> None:
    await room.order("a")
    ledger = room.ledger.ledger
    reserve = ledger.reserve

    def closing(*args: Any, **kwargs: Any) -> Order:
        room.verdict = Closed(LoginState.CONNECTION_LOST, "the link is lost")
        return reserve(*args, **kwargs)

    ledger.reserve = closing  # type: ignore[method-assign]
    await room.turn()
    assert placed(room) == []
    assert await room.states("a") == [("Waiting", "ConnectionLost")]
    ledger.reserve = reserve  # type: ignore[method-assign]
    room.verdict = Open()
    await room.turn()
    assert [order.order_id for order in room.broker.placed] == [2]  # type: ignore[union-attr]


async def test_a_connection_that_is_gone_at_the_write_costs_nothing_but_the_id(room: Room) -> None:
    await room.order("a")
    assert room.broker is not None
    room.broker.known = (AAPL,)
    await room.dispatcher._preparation.prepare(room.broker, [await room.stored("a")])  # type: ignore[arg-type]
    room.broker.down = NotConnectedError("closed")
    await room.dispatcher._turn()
    assert (await room.stored("a")).order_id == 0
    assert await room.states("a") == [("Waiting", "ConnectionLost")]


async def test_without_an_acknowledgement_the_order_is_doubted(room: Room) -> None:
    await room.order("a")
    await room.turn()
    room.now += timedelta(seconds=9)
    await room.turn()
    assert (await room.states("a"), room.doubts) == ([("Sending", "")], 0)
    room.now += timedelta(seconds=1)
    await room.turn()
    assert (await room.states("a"), room.doubts) == ([("Unknown", "NoAcknowledgement")], 1)
    assert placed(room) == ["a"]


async def test_validity_becomes_the_end_of_the_session_and_is_swept_behind_a_closed_gate(
    room: Room,
) -> None:
    room.now = START - timedelta(hours=6)
    await room.order("a")
    await room.turn()
    assert await room.states("a") == [("Waiting", "MarketClosed")]
    assert (await room.stored("a")).valid_until == datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    room.verdict = Closed(GateReason.NO_NEWS, "silence")
    room.now = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    await room.turn()
    assert await room.states("a") == [("Expired", "ValidityEnded")]


async def test_unknown_hours_send_nothing(room: Room) -> None:
    assert room.broker is not None
    room.broker.hours = ""
    await room.order("a")
    await room.turn()
    assert await room.states("a") == [("Waiting", "HoursUnknown")]
    room.broker.hours = "20261123:0930-20261123:1600"
    room.now += timedelta(seconds=16)
    await room.turn()
    assert placed(room) == ["a"]


async def test_a_closed_market_rejects_where_the_settings_say_so(room: Room) -> None:
    room.settings = room.settings.model_copy(update={"market_closed": "reject"})
    room.now = START - timedelta(hours=6)
    await room.order("a")
    await room.turn()
    assert await room.states("a") == [("Rejected", "MarketClosed")]


@pytest.mark.parametrize(
    ("named", "known", "state"),
    [
        (Contract(0, "NOPE"), (AAPL,), ("Rejected", "UnknownContract")),
        (
            Contract(0, "AAPL"),
            (AAPL, replace(AAPL, con_id=1)),
            ("Rejected", "AmbiguousContract"),
        ),
        (Contract(0, "AAPL"), (AAPL,), ("Sending", "")),
        (Contract(265598), (AAPL,), ("Sending", "")),
    ],
)
async def test_a_contract_must_be_exactly_one(
    room: Room, named: Contract, known: tuple[Contract, ...], state: tuple[str, str]
) -> None:
    assert room.broker is not None
    room.broker.known = known
    await room.order("a", contract=named)
    await room.turn()
    assert await room.states("a") == [state]


async def test_a_contract_the_broker_does_not_tell_about_waits(room: Room) -> None:
    assert room.broker is not None
    room.broker.down = NoAnswerError("silence")
    await room.order("a", contract=Contract(0, "AAPL"))
    await room.turn()
    assert await room.states("a") == [("Waiting", "ContractUnresolved")]


@pytest.mark.parametrize(
    ("accounts", "named", "state", "account"),
    [
        (("DU1234567",), "", ("Sending", ""), "DU1234567"),
        (("DU1", "DU2"), "DU2", ("Sending", ""), "DU2"),
        (("DU1", "DU2"), "", ("Rejected", "UnknownAccount"), ""),
        (("DU1",), "DU9", ("Rejected", "UnknownAccount"), "DU9"),
    ],
)
async def test_the_account_is_settled_before_sending(
    room: Room, accounts: tuple[str, ...], named: str, state: tuple[str, str], account: str
) -> None:
    room.known = accounts
    await room.order("a", account=named)
    await room.turn()
    assert await room.states("a") == [state]
    assert (await room.stored("a")).terms.account == account


@pytest.mark.parametrize(
    ("price", "terms", "state"),
    [
        (Decimal("190"), {}, ("Sending", "")),
        (Decimal("200.01"), {}, ("Rejected", "OrderValueLimit")),
        (None, {}, ("Waiting", "NoPrice")),
        (
            None,
            {"order_type": OrderType.LIMIT, "limit_price": Decimal("200")},
            ("Sending", ""),
        ),
        (
            None,
            {"order_type": OrderType.LIMIT, "limit_price": Decimal("200.01")},
            ("Rejected", "OrderValueLimit"),
        ),
    ],
)
async def test_the_value_limit_fails_closed(
    room: Room, price: Decimal | None, terms: dict[str, Any], state: tuple[str, str]
) -> None:
    assert room.broker is not None
    room.broker.told_price = price
    room.settings = room.settings.model_copy(update={"max_order_value": "2000"})
    await room.order("a", **terms)
    await room.turn()
    assert await room.states("a") == [state]


async def test_a_working_orders_cancel_is_written_once(room: Room) -> None:
    await room.order("a")
    await room.turn()
    seen = OrderStatusReport(1, 17, 900, "Submitted", order_ref="ibg-a")
    await room.ledger.call(room.ledger.ledger.observe, seen, room.now)
    await room.ledger.call(room.ledger.ledger.change, "a", cancel, room.now)
    room.verdict = Closed(GateReason.RESTART_WINDOW, "closed")
    await room.turn()
    await room.turn()
    assert room.broker is not None
    assert room.broker.cancelled == [1]


async def test_no_more_than_twenty_orders_leave_in_a_second(room: Room) -> None:
    for number in range(25):
        await room.order(f"o{number}")
    for number in range(25):
        await room.turn()
        if len(placed(room)) == number + 1:
            await room.fill(f"o{number}")
    assert len(placed(room)) == 20
    room.now += timedelta(seconds=1)
    await room.turn()
    assert len(placed(room)) == 21


async def test_a_stopping_executor_sends_nothing_more(room: Room) -> None:
    await room.order("a")
    room.dispatcher.stop()
    await room.turn()
    await room.dispatcher.run()
    assert placed(room) == []
