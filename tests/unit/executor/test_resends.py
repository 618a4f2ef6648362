"""From the answers of the broker to the second write of a lost order, and what comes in between."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from executor_fakes import AAPL, NOON, TERMS, DispatchWorld, entry, report
from ibgateway_api.executor_spec import ResendPolicy
from ibgateway_api.gate import Closed, GateReason
from ibgateway_executor.broker.inquiry import BrokerInquiry
from ibgateway_executor.errors import NotConnectedError
from ibgateway_executor.orders.broker_reports import FillReport, OrderStatusReport
from ibgateway_executor.orders.order import Order, OrderReason, OrderState, move
from ibgateway_executor.orders.portfolio import ExecutionReport, PositionReport

HELD = PositionReport("DU1234567", AAPL, Decimal(30), Decimal(190))


def park_it(order: Order) -> Order:
    return move(order, OrderState.UNKNOWN, reason=OrderReason.NOT_FOUND_AT_BROKER, message="parked")


async def lose(dispatch: DispatchWorld) -> None:
    """An order was sent over an earlier connection and is parked; everything else is proven."""
    dispatch.settings = dispatch.settings.model_copy(update={"resend": ResendPolicy.PROVEN})
    dispatch.sentinel.report = report().model_copy(update={"resubmits_orders": False})
    await dispatch.ledger.recover()
    dispatch.time.advance(1)
    dispatch.broker.held = (HELD,)
    await dispatch.order("a")
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    await dispatch.ledger.advance("a", park_it)
    dispatch.time.advance(5)
    dispatch.connection.closed("reset")
    dispatch.connection.connected(dispatch.broker)
    dispatch.connection.clock_compared(timedelta(seconds=0.5))
    dispatch.connection.reconciled()
    dispatch.time.advance(61)


def inquire(dispatch: DispatchWorld, **changes: Any) -> None:
    """The broker was asked a moment ago."""
    made = BrokerInquiry(
        dispatch.broker,
        61.0,
        dispatch.time.clock.monotonic(),
        dispatch.connection.heard,
        answer=(),
        positions=(HELD,),
        executions=(),
    )
    dispatch.connection.inquired(replace(made, **changes))


async def missing(dispatch: DispatchWorld) -> list[str]:
    """The proofs that the last line of the history says do not hold."""
    order = await dispatch.stored("a")
    lines = await dispatch.ledger.history(order.sequence, after=0, limit=99)
    proofs = lines[-1].evidence["resend"]
    return [name for name, proof in proofs.items() if not proof["holds"]]


async def test_what_is_proven_is_written_again_with_its_ids(dispatch: DispatchWorld) -> None:
    await lose(dispatch)
    inquire(dispatch)
    await dispatch.dispatch()
    assert [(o.id, o.order_id) for o in dispatch.broker.placed] == [("a", 1), ("a", 1)]
    again = await dispatch.stored("a")
    assert (again.state, again.position_at_sending) == ("Sending", Decimal(30))
    assert again.resent_at == dispatch.time.now
    assert await missing(dispatch) == []


async def test_once_is_once(dispatch: DispatchWorld) -> None:
    await lose(dispatch)
    inquire(dispatch)
    await dispatch.dispatch()
    await dispatch.ledger.advance("a", park_it)
    dispatch.time.advance(61)
    inquire(dispatch)
    await dispatch.dispatch()
    assert dispatch.placed == ["a", "a"]


async def test_by_default_nothing_is_asked_and_nothing_is_sent_again(
    dispatch: DispatchWorld,
) -> None:
    await lose(dispatch)
    dispatch.settings = dispatch.settings.model_copy(update={"resend": ResendPolicy.NEVER})
    inquire(dispatch)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    order = await dispatch.stored("a")
    lines = await dispatch.ledger.history(order.sequence, after=0, limit=99)
    assert all("resend" not in line.evidence for line in lines)


MINE = OrderStatusReport(0, 0, 900, "Submitted", con_id=AAPL.con_id, account="DU1234567")
TRADED = ExecutionReport(
    "DU1234567", AAPL, TERMS.side, Decimal(5), Decimal(190), NOON, "e1", "", 0, 0, 901
)


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({"healthy_seconds": 59.0}, ["settled"]),
        ({"positions": ()}, ["samePosition"]),
        ({"positions": (replace(HELD, quantity=Decimal(40)),)}, ["samePosition"]),
        ({"answer": (replace(MINE, order_ref="ibg-a"),)}, ["notShown"]),
        ({"answer": (replace(MINE, order_ref="ibg", con_id=None),)}, ["notShown"]),
        (
            {"answer": (OrderStatusReport(1, 17, 900, "Submitted"),)},
            ["notShown", "acknowledgedId"],
        ),
        (
            {"answer": (FillReport(7, 17, 900, "ibg-z", "e", Decimal(1), Decimal(1)),)},
            ["acknowledgedId"],
        ),
        ({"answer": (MINE,)}, ["noForeignOrders"]),
        ({"answer": (replace(MINE, con_id=0, account=""),)}, ["noForeignOrders"]),
        ({"answer": (replace(MINE, status="Cancelled"),)}, []),
        ({"answer": (replace(MINE, con_id=1),)}, []),
        ({"answer": (replace(MINE, account="DU7654321"),)}, []),
        ({"executions": (TRADED,)}, ["nothingTraded"]),
        ({"executions": (replace(TRADED, at=NOON - timedelta(seconds=59)),)}, ["nothingTraded"]),
        ({"executions": (replace(TRADED, at=NOON - timedelta(seconds=61)),)}, []),
        ({"executions": (replace(TRADED, account="DU7654321"),)}, []),
        ({"executions": (replace(TRADED, order_ref="ibg-"),)}, ["notShown", "nothingTraded"]),
    ],
)
async def test_what_the_broker_shows_may_forbid_it(
    dispatch: DispatchWorld, changes: dict[str, Any], failing: list[str]
) -> None:
    await lose(dispatch)
    inquire(dispatch, **changes)
    await dispatch.dispatch()
    assert await missing(dispatch) == failing
    assert dispatch.placed == ["a"] + ["a"] * (not failing)


async def test_why_not_is_written_down_once(dispatch: DispatchWorld) -> None:
    await lose(dispatch)
    dispatch.sentinel.report = report()
    for _ in range(3):
        inquire(dispatch)
        await dispatch.dispatch()
        dispatch.time.advance(1)
    order = await dispatch.stored("a")
    lines = await dispatch.ledger.history(order.sequence, after=0, limit=99)
    assert ["resend" in line.evidence for line in lines].count(True) == 1
    assert await missing(dispatch) == ["resubmitOff"]
    assert (order.state, order.reason, order.message) == ("Unknown", "NotFoundAtBroker", "parked")


async def test_answers_that_are_old_are_no_answers(dispatch: DispatchWorld) -> None:
    await lose(dispatch)
    inquire(dispatch)
    dispatch.time.advance(10.5)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    assert dispatch.connection.inquiry is None


async def test_what_was_told_since_makes_the_answers_worthless(dispatch: DispatchWorld) -> None:
    await lose(dispatch)
    inquire(dispatch)
    dispatch.connection.told()
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    assert await missing(dispatch) == ["answered"]


async def test_a_lost_link_makes_the_answers_worthless(dispatch: DispatchWorld) -> None:
    await lose(dispatch)
    inquire(dispatch)
    dispatch.connection.link_lost("1100")
    dispatch.connection.link_restored()
    dispatch.connection.reconciled()
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]


async def test_an_order_that_left_over_this_connection_is_not_sent_over_it_again(
    dispatch: DispatchWorld,
) -> None:
    await lose(dispatch)
    dispatch.connection.wrote("a")
    inquire(dispatch)
    await dispatch.dispatch()
    assert await missing(dispatch) == ["reconnected"]
    assert dispatch.placed == ["a"]


@pytest.mark.parametrize("between", ["gate", "told", "reset", "other connection", "setting"])
async def test_what_comes_between_the_mark_and_the_bytes_parks_it_for_good(
    dispatch: DispatchWorld, between: str
) -> None:
    await lose(dispatch)

    def happens() -> None:
        if between == "gate":
            dispatch.gate = Closed(GateReason.PAUSED, "R. has paused trading")
        elif between == "told":
            dispatch.connection.told()
        elif between == "reset":
            dispatch.broker.error = NotConnectedError("reset by peer")
        elif between == "other connection":
            dispatch.connection.connected(replace(dispatch.broker))
        else:
            never = {"resend": ResendPolicy.NEVER}
            dispatch.settings = dispatch.settings.model_copy(update=never)

    dispatch.store.after_prove = happens
    inquire(dispatch)
    await dispatch.dispatch()
    parked = await dispatch.stored("a")
    assert dispatch.placed == ["a"]
    assert (parked.state, parked.reason) == ("Unknown", "NotFoundAtBroker")
    assert parked.resent_at is not None
    assert "not tried once more" in parked.message


async def test_a_report_that_comes_during_the_commit_is_not_undone(dispatch: DispatchWorld) -> None:
    await lose(dispatch)
    seen = OrderStatusReport(1, 17, 900, "Submitted", "ibg-a")

    def report_comes() -> None:
        dispatch.store.observe([seen], NOON)
        dispatch.connection.told()

    dispatch.store.after_prove = report_comes
    inquire(dispatch)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    assert (await dispatch.stored("a")).state == "Working"


async def test_of_two_lost_orders_the_lower_id_goes_first_and_each_needs_answers_of_its_own(
    dispatch: DispatchWorld,
) -> None:
    await lose(dispatch)
    await dispatch.ledger.accept(entry("b", replace(TERMS, contract=replace(AAPL, con_id=1))))
    await dispatch.ledger.reserve("b", client_id=17, next_valid_id=1, position=Decimal(0))
    await dispatch.ledger.advance("b", park_it)
    inquire(dispatch)
    await dispatch.dispatch()
    assert dispatch.placed == ["a", "a"]
    assert dispatch.connection.inquiry is None


async def test_the_position_is_noted_where_lost_orders_may_be_sent_again(
    dispatch: DispatchWorld,
) -> None:
    dispatch.settings = dispatch.settings.model_copy(update={"resend": ResendPolicy.PROVEN})
    dispatch.broker.held = (HELD,)
    await dispatch.order("a")
    await dispatch.dispatch()
    assert (await dispatch.stored("a")).position_at_sending == Decimal(30)


async def test_by_default_no_position_is_asked_for_a_purchase(dispatch: DispatchWorld) -> None:
    dispatch.broker.held = (HELD,)
    await dispatch.order("a")
    await dispatch.dispatch()
    assert (await dispatch.stored("a")).position_at_sending is None
    assert dispatch.broker.positions_asked == 0


async def test_a_position_that_is_not_told_holds_up_no_purchase(dispatch: DispatchWorld) -> None:
    dispatch.settings = dispatch.settings.model_copy(update={"resend": ResendPolicy.PROVEN})
    dispatch.broker.no_positions = True
    await dispatch.order("a")
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    assert (await dispatch.stored("a")).position_at_sending is None
