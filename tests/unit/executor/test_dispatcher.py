"""The dispatcher, look by look, on a real ledger and a broker in memory."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from executor_fakes import NOON, DispatchWorld
from ibgateway_api.clock_skew import HALF_A_SECOND
from ibgateway_api.executor_spec import MarketClosedAction
from ibgateway_api.gate import Closed, GateReason
from ibgateway_executor.orders.broker_reports import OrderStatusReport
from ibgateway_executor.orders.order import Order, cancel


async def test_orders_go_one_by_one_in_their_order(dispatch: DispatchWorld) -> None:
    for name in ("a", "b"):
        await dispatch.order(name)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    assert await dispatch.states("a", "b") == [("Sending", ""), ("Accepted", "")]
    dispatch.time.advance(0.25)
    await dispatch.dispatch()
    assert await dispatch.states("a", "b") == [("Sending", ""), ("Waiting", "OneAtATime")]
    await dispatch.fill("a")
    await dispatch.dispatch()
    assert dispatch.placed == ["a", "b"]
    assert [order.order_id for order in dispatch.broker.placed] == [1, 2]


async def test_nothing_is_looked_at_while_a_late_acknowledgement_is_all_there_is_to_wait_for(
    dispatch: DispatchWorld,
) -> None:
    for number in range(60):
        await dispatch.order(f"order-{number}")
    while not dispatch.placed:
        await dispatch.dispatcher.dispatch()
        await dispatch.answers()
    await dispatch.dispatcher.dispatch()
    dispatch.time.advance(0.03)
    assert dispatch.preparation.able, "fifty at a time are completed"
    more = [await dispatch.dispatcher.dispatch() for _ in range(3)]
    assert more == [False, False, False]
    await dispatch.fill("order-0")
    await dispatch.dispatcher.dispatch()
    assert dispatch.placed == ["order-0", "order-1"]


async def test_without_an_acknowledgement_the_order_is_unknown(dispatch: DispatchWorld) -> None:
    await dispatch.order("a")
    await dispatch.dispatch()
    dispatch.time.advance(9)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Sending", "")]
    assert dispatch.reconciliations_wanted == 0
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Unknown", "NoAcknowledgement")]
    assert dispatch.reconciliations_wanted == 1
    assert dispatch.placed == ["a"]


async def test_validity_becomes_the_end_of_the_session_and_ends_behind_a_closed_gate(
    dispatch: DispatchWorld,
) -> None:
    dispatch.time.set(NOON - timedelta(hours=6))
    await dispatch.order("a")
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "MarketClosed")]
    end = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    assert (await dispatch.stored("a")).valid_until == end
    dispatch.gate = Closed(GateReason.NO_NEWS, "silence")
    dispatch.time.set(end)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Expired", "ValidityEnded")]


async def test_a_closed_market_rejects_where_the_settings_say_so(dispatch: DispatchWorld) -> None:
    reject = {"market_closed": MarketClosedAction.REJECT}
    dispatch.settings = dispatch.settings.model_copy(update=reject)
    dispatch.time.set(NOON - timedelta(hours=6))
    await dispatch.order("a")
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Rejected", "MarketClosed")]


async def test_a_working_orders_cancel_is_written_once(dispatch: DispatchWorld) -> None:
    await dispatch.order("a")
    await dispatch.dispatch()
    await dispatch.ledger.observe(OrderStatusReport(1, 17, 900, "Submitted", order_ref="ibg-a"))
    await dispatch.ledger.advance("a", cancel)
    dispatch.gate = Closed(GateReason.RESTART_WINDOW, "closed")
    await dispatch.dispatch()
    await dispatch.dispatch()
    assert dispatch.broker.cancelled == [1]


async def test_a_stopping_executor_sends_nothing_more(dispatch: DispatchWorld) -> None:
    await dispatch.order("a")
    dispatch.dispatcher.stop()
    await dispatch.dispatch()
    await dispatch.dispatcher.run()
    assert dispatch.placed == []


@pytest.mark.parametrize("days", [1, -1])
async def test_a_wrong_clock_expires_nothing_and_the_right_one_does(
    dispatch: DispatchWorld, days: int
) -> None:
    dispatch.gate = Closed(GateReason.NO_NEWS, "silence")
    await dispatch.order("a")
    dispatch.time.now += timedelta(days=days)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "NoNews")]
    dispatch.time.seconds += 24 * 3600
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Expired", "ValidityEnded")]


async def test_nothing_expires_before_ibkrs_time_is_known(dispatch: DispatchWorld) -> None:
    dispatch.gate = Closed(GateReason.NO_NEWS, "silence")
    dispatch.connection._compared = None
    await dispatch.order("a")
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "NoNews")]
    dispatch.time.advance(48 * 3600)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "ValidityEnded")]
    assert "expires once IBKR's time is known" in (await dispatch.stored("a")).message
    dispatch.time.now -= timedelta(hours=48)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "NoNews")]
    dispatch.time.now += timedelta(hours=48)
    dispatch.connection.clock_compared(HALF_A_SECOND)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Expired", "ValidityEnded")]


async def test_an_order_carries_the_client_id_of_its_connection(dispatch: DispatchWorld) -> None:
    dispatch.settings = dispatch.settings.model_copy(update={"client_id": 99})
    await dispatch.order("a")
    await dispatch.dispatch()
    assert (await dispatch.stored("a")).client_id == 17


async def test_a_clock_that_goes_back_holds_no_silent_order_up(dispatch: DispatchWorld) -> None:
    await dispatch.order("a")
    await dispatch.dispatch()
    dispatch.time.now -= timedelta(hours=1)
    dispatch.time.seconds += 9
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Sending", "")]
    dispatch.time.seconds += 1
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Unknown", "NoAcknowledgement")]


async def test_an_order_behind_an_earlier_one_or_a_closed_market_says_so(
    dispatch: DispatchWorld,
) -> None:
    for name in ("a", "b", "c"):
        await dispatch.order(name)
    await dispatch.dispatch()
    assert await dispatch.states("c") == [("Accepted", "")], "an acknowledgement may come"
    dispatch.time.advance(0.021)
    await dispatch.dispatch()
    assert await dispatch.states("c") == [("Waiting", "BehindEarlierOrder")]
    dispatch.time.advance(5 * 3600)
    dispatch.connection.clock_compared(HALF_A_SECOND)
    dispatch.broker.hours = "20261124:0930-20261124:1600"
    for name in ("d", "e", "f"):
        await dispatch.order(name)
    await dispatch.fill("a")
    await dispatch.dispatch()
    assert await dispatch.states("d", "e", "f") == [("Waiting", "MarketClosed")] * 3
    dispatch.broker.hours = "20261123:0930-20261123:2300"
    dispatch.time.advance(3700)
    await dispatch.dispatch()
    assert (await dispatch.stored("d")).state == "Sending"
    dispatch.time.advance(0.021)
    await dispatch.dispatch()
    assert await dispatch.states("f") == [("Waiting", "BehindEarlierOrder")]


async def test_many_orders_that_wait_are_one_line_of_the_log(
    dispatch: DispatchWorld, caplog: pytest.LogCaptureFixture
) -> None:
    dispatch.gate = Closed(GateReason.NO_NEWS, "silence")
    for number in range(51):
        await dispatch.order(f"o{number}")
    with caplog.at_level("INFO"):
        caplog.clear()
        await dispatch.dispatch()
    assert [r.message for r in caplog.records] == ["51 orders are Waiting NoNews"]
    assert dispatch.moves("Waiting") == 51


async def test_why_orders_wait_is_not_written_anew_for_each_one_that_comes(
    dispatch: DispatchWorld,
) -> None:
    dispatch.gate = Closed(GateReason.NO_NEWS, "silence")
    dispatch.waits._apart_seconds = 0.25
    waiting = []
    for number in range(6):
        await dispatch.order(f"o{number}")
        await dispatch.dispatch()
        waiting.append(dispatch.moves("Waiting"))
        dispatch.time.advance(0.1)
    assert waiting == [1, 1, 1, 4, 4, 4]
    await dispatch.dispatch()
    assert dispatch.moves("Waiting") == 6
    assert await dispatch.states("o5") == [("Waiting", "NoNews")]


async def test_a_crowd_of_reasons_is_written_without_a_pause(dispatch: DispatchWorld) -> None:
    dispatch.gate = Closed(GateReason.NO_NEWS, "silence")
    dispatch.waits._apart_seconds = 0.25
    for number in range(501):
        await dispatch.order(f"o{number}")
    await dispatch.dispatch()
    assert dispatch.moves("Waiting") == 501


async def test_what_a_look_costs_does_not_grow_with_the_orders_that_wait(
    dispatch: DispatchWorld,
) -> None:
    for number in range(300):
        await dispatch.order(f"o{number}")
    await dispatch.dispatch()
    asked: list[int] = []

    class Watched(dict[int, Order]):
        def get(self, key: int, default: Any = None) -> Any:
            asked.append(key)
            return super().get(key, default)

    dispatch.ledger.active.unsent = Watched(dispatch.ledger.active.unsent)
    for number in range(5):
        await dispatch.fill(f"o{number}")
        await dispatch.dispatch()
    assert dispatch.placed == [f"o{number}" for number in range(6)]
    assert len(asked) < 300, "five orders are sent for less than one look at all of them"
