"""From the last checks to the write: what leaves, and what keeps an order back."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from executor_fakes import AAPL, NOON, TERMS, DispatchWorld, entry
from ibgateway_api.gate import Closed, GateReason, Open
from ibgateway_api.login import LoginState
from ibgateway_executor.errors import NotConnectedError
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderState,
    OrderTerms,
    OrderType,
    cancel,
    move,
)

MSFT = Contract(272093, "MSFT", primary_exchange="NASDAQ")
LIMIT = replace(TERMS, order_type=OrderType.LIMIT, limit_price=Decimal("200"))
LIMIT_ABOVE = replace(LIMIT, limit_price=Decimal("200.01"))


async def test_sending_is_on_disk_before_the_write(dispatch: DispatchWorld, tmp_path: Path) -> None:
    await dispatch.order("a")
    seen: list[str] = []

    def look(_: Order) -> None:
        with sqlite3.connect(tmp_path / "ledger.db") as other:
            seen.extend(state for (state,) in other.execute("SELECT state FROM jobs"))
        other.close()

    dispatch.broker.on_place = look
    await dispatch.dispatch()
    assert seen == ["Sending"]


async def test_a_gate_that_closes_during_the_commit_keeps_the_order_back(
    dispatch: DispatchWorld,
) -> None:
    await dispatch.order("a")

    def close() -> None:
        dispatch.gate = Closed(LoginState.CONNECTION_LOST, "the link is lost")

    dispatch.store.after_reserve = close
    await dispatch.dispatch()
    assert dispatch.placed == []
    assert await dispatch.states("a") == [("Waiting", "ConnectionLost")]
    dispatch.store.after_reserve = lambda: None
    dispatch.gate = Open()
    await dispatch.dispatch()
    assert [order.order_id for order in dispatch.broker.placed] == [2]


async def test_a_connection_that_is_gone_at_the_write_costs_nothing_but_the_id(
    dispatch: DispatchWorld,
) -> None:
    await dispatch.order("a")
    dispatch.gate = Closed(GateReason.RESTART_WINDOW, "closed")
    await dispatch.dispatch()
    dispatch.gate = Open()
    dispatch.broker.error = NotConnectedError("closed")
    await dispatch.dispatcher.dispatch()
    assert (await dispatch.stored("a")).order_id == 0
    assert await dispatch.states("a") == [("Waiting", "ConnectionLost")]


async def test_an_order_called_unknown_during_the_commit_stays_unknown(
    dispatch: DispatchWorld,
) -> None:
    await dispatch.order("a")

    def lose() -> None:
        dispatch.connection.closed("reset by peer")
        dispatch.store.advance({"a": lambda order: move(order, OrderState.UNKNOWN)}, NOON)

    dispatch.store.after_reserve = lose
    await dispatch.dispatch()
    assert dispatch.placed == []
    assert await dispatch.states("a") == [("Unknown", "")]


@pytest.mark.parametrize(
    ("price", "terms", "state"),
    [
        (Decimal("190"), TERMS, ("Sending", "")),
        (Decimal("200.01"), TERMS, ("Rejected", "OrderValueLimit")),
        (None, TERMS, ("Waiting", "NoPrice")),
        (None, LIMIT, ("Sending", "")),
        (None, LIMIT_ABOVE, ("Rejected", "OrderValueLimit")),
    ],
)
async def test_the_value_limit_fails_closed(
    dispatch: DispatchWorld, price: Decimal | None, terms: OrderTerms, state: tuple[str, str]
) -> None:
    dispatch.broker.last = price
    dispatch.settings = dispatch.settings.model_copy(update={"max_order_value": "2000"})
    await dispatch.order("a", terms)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [state]


async def test_a_price_is_asked_for_again_after_a_while(dispatch: DispatchWorld) -> None:
    dispatch.settings = dispatch.settings.model_copy(update={"max_order_value": "2000"})
    await dispatch.order("a")
    await dispatch.dispatch()
    dispatch.broker.last = Decimal("190")
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "NoPrice")]
    dispatch.time.advance(5)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Sending", "")]
    assert dispatch.broker.prices_asked == ["AAPL", "AAPL"]


async def test_a_price_is_believed_for_half_a_minute(dispatch: DispatchWorld) -> None:
    dispatch.settings = dispatch.settings.model_copy(update={"max_order_value": "2000"})
    dispatch.broker.last = Decimal("190")
    for name, passes, asked in (("a", 0, 1), ("b", 29, 1), ("c", 1, 2)):
        dispatch.time.advance(passes)
        await dispatch.order(name)
        await dispatch.dispatch()
        await dispatch.fill(name)
        assert (dispatch.placed[-1], len(dispatch.broker.prices_asked)) == (name, asked)


async def test_a_price_that_does_not_come_holds_up_its_own_order_only(
    dispatch: DispatchWorld,
) -> None:
    dispatch.settings = dispatch.settings.model_copy(update={"max_order_value": "2000"})
    dispatch.broker.known = (AAPL, MSFT)
    dispatch.broker.last = Decimal("190")
    await dispatch.order("a")
    await dispatch.order("m", replace(TERMS, contract=MSFT))
    dispatch.broker.mute_prices.add("AAPL")
    await dispatch.dispatch()
    assert dispatch.placed == ["m"]
    dispatch.broker.give_up()
    dispatch.time.advance(0.021)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "NoPrice")]


async def test_a_limit_lowered_after_acceptance_holds_for_stored_orders(
    dispatch: DispatchWorld,
) -> None:
    dispatch.gate = Closed(LoginState.AWAITING_APPROVAL, "a push waits")
    await dispatch.order("a", LIMIT)
    await dispatch.dispatch()
    dispatch.settings = dispatch.settings.model_copy(update={"max_order_value": "1999.99"})
    dispatch.gate = Open()
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Rejected", "OrderValueLimit")]


@pytest.mark.parametrize("narrower", [{"max_order_value": "1999.99"}, {"accounts": ("DU7654321",)}])
async def test_what_is_narrowed_during_the_commit_keeps_the_order_back(
    dispatch: DispatchWorld, narrower: dict[str, object]
) -> None:
    await dispatch.order("a", LIMIT)

    def narrow() -> None:
        dispatch.settings = dispatch.settings.model_copy(update=narrower)

    dispatch.store.after_reserve = narrow
    await dispatch.dispatcher.dispatch()
    await dispatch.answers()
    await dispatch.dispatcher.dispatch()
    assert dispatch.placed == []
    assert (await dispatch.stored("a")).state is OrderState.WAITING


@pytest.mark.parametrize(
    ("passes", "settings"),
    [
        pytest.param(31, {}, id="the price became too old"),
        pytest.param(0, {"max_orders_per_day": 5}, id="the day is to be counted"),
        pytest.param(3600 + 301, {}, id="the hours became too old"),
    ],
)
async def test_what_is_not_known_any_more_after_the_commit_is_asked_again_before_the_write(
    dispatch: DispatchWorld, passes: float, settings: dict[str, object]
) -> None:
    dispatch.settings = dispatch.settings.model_copy(update={"max_order_value": "2000"})
    dispatch.broker.last = Decimal("190")
    await dispatch.order("a", TERMS if passes < 3600 else LIMIT)

    def once() -> None:
        dispatch.store.after_reserve = lambda: None
        dispatch.time.advance(passes)
        dispatch.settings = dispatch.settings.model_copy(update=settings)

    dispatch.store.after_reserve = once
    for _ in range(3):
        await dispatch.dispatch()
    assert [order.order_id for order in dispatch.broker.placed] == [2]


async def test_a_validity_that_ends_during_the_commit_keeps_the_order_back(
    dispatch: DispatchWorld,
) -> None:
    short = entry("a")
    end = dispatch.time.now + timedelta(seconds=5)
    await dispatch.ledger.accept(replace(short, order=replace(short.order, valid_until=end)))
    dispatch.store.after_reserve = lambda: dispatch.time.advance(5)
    await dispatch.dispatch()
    assert dispatch.placed == []
    assert await dispatch.states("a") == [("Expired", "ValidityEnded")]


async def test_a_rejection_by_the_value_limit_is_logged_and_counted(
    dispatch: DispatchWorld, caplog: pytest.LogCaptureFixture
) -> None:
    dispatch.settings = dispatch.settings.model_copy(update={"max_order_value": "2000"})
    await dispatch.order("a", LIMIT_ABOVE)
    with caplog.at_level("INFO"):
        await dispatch.dispatch()
    assert [r.message for r in caplog.records] == [
        "order a is Rejected (0 of 10 filled) OrderValueLimit"
    ]
    assert dispatch.moves("Rejected") == 1


async def test_a_cancel_while_the_price_is_asked_for_stands(dispatch: DispatchWorld) -> None:
    dispatch.settings = dispatch.settings.model_copy(update={"max_order_value": "2000"})
    dispatch.broker.last = Decimal("200.01")

    cancels: list[asyncio.Task[Order]] = []

    def cancel_it() -> None:
        cancels.append(asyncio.create_task(dispatch.ledger.advance("a", cancel)))

    dispatch.broker.on_price = cancel_it
    await dispatch.order("a")
    await dispatch.dispatch()
    await cancels[0]
    assert await dispatch.states("a") == [("Cancelled", "CancelledByClient")]
    assert dispatch.placed == []


async def test_twenty_orders_leave_at_once_and_the_next_ones_one_by_one(
    dispatch: DispatchWorld,
) -> None:
    for number in range(25):
        await dispatch.order(f"o{number}")
    for number in range(25):
        await dispatch.dispatch()
        if len(dispatch.placed) == number + 1:
            await dispatch.fill(f"o{number}")
    assert len(dispatch.placed) == 20
    dispatch.time.advance(0.023)
    await dispatch.dispatch()
    await dispatch.fill("o20")
    await dispatch.dispatch()
    assert len(dispatch.placed) == 21
