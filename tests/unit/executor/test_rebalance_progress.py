"""A rebalance's state machine: what is done next, from what the ledger has."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from executor_fakes import NOON, TERMS
from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.orders.order import Contract, Order, OrderState, Side
from ibgateway_executor.rebalance.plan import PlannedTrade, RebalancePlan
from ibgateway_executor.rebalance.progress import (
    ENDED,
    MOVES,
    RebalanceReason,
    RebalanceRun,
    RebalanceState,
    RebalanceStep,
    RebalanceView,
    cancel,
    ending,
    move,
    next_step,
    outcome,
    wait,
)

SELL = PlannedTrade(1, "OLD", Side.SELL, 5, Decimal(10))
BUY = PlannedTrade(2, "NEW", Side.BUY, 4, Decimal(20))
PLAN = RebalancePlan((SELL, BUY), (), (), Decimal(1000), Decimal(10), Decimal(5))
LATER = NOON + timedelta(hours=4)
OPEN = RebalanceView(NOON, gate_open=True, late=False)


def run(state: RebalanceState, **changes: object) -> RebalanceRun:
    made = RebalanceRun("r1", 1, "DU1234567", "{}", NOON, LATER, state=state)
    traded = {
        "plan": PLAN,
        "session_end": LATER,
        "contracts": {1: Contract(1, "OLD"), 2: Contract(2, "NEW")},
        "buys": (BUY,) if state is RebalanceState.BUYING else None,
    }
    begun = state in {
        RebalanceState.SELLING,
        RebalanceState.BUYING,
        RebalanceState.AWAITING_SETTLEMENT,
    }
    return replace(made, **{**(traded if begun else {}), **changes})  # type: ignore[arg-type] # fields by name


def order(state: OrderState, filled: int = 0) -> Order:
    return Order(
        "o1", 1, TERMS, NOON, LATER, state=state, filled=Decimal(filled), average_price=Decimal(11)
    )


def orders(trade: PlannedTrade, state: OrderState, filled: int = 0) -> dict[str, Order]:
    return {f"rebalance-r1-{trade.side}-{trade.con_id}": order(state, filled)}


@pytest.mark.parametrize(
    ("state", "around", "step"),
    [
        (RebalanceState.ACCEPTED, OPEN, RebalanceStep.LOOK),
        (RebalanceState.WAITING, OPEN, RebalanceStep.LOOK),
        (RebalanceState.WAITING, replace(OPEN, gate_open=False), RebalanceStep.NOTHING),
        (RebalanceState.WAITING, replace(OPEN, now=LATER), RebalanceStep.EXPIRE),
        (RebalanceState.CLEARING, OPEN, RebalanceStep.CLEAR),
        (RebalanceState.CLEARING, replace(OPEN, gate_open=False), RebalanceStep.NOTHING),
        (RebalanceState.CLEARING, replace(OPEN, now=LATER), RebalanceStep.EXPIRE),
        (RebalanceState.SELLING, OPEN, RebalanceStep.SEND),
        (RebalanceState.SELLING, replace(OPEN, gate_open=False), RebalanceStep.NOTHING),
        (RebalanceState.SELLING, replace(OPEN, now=LATER), RebalanceStep.FINISH),
        (RebalanceState.AWAITING_SETTLEMENT, OPEN, RebalanceStep.FUND),
        (RebalanceState.AWAITING_SETTLEMENT, replace(OPEN, now=LATER), RebalanceStep.FINISH),
        (RebalanceState.AWAITING_SETTLEMENT, replace(OPEN, gate_open=False), RebalanceStep.NOTHING),
        *((state, OPEN, RebalanceStep.NOTHING) for state in sorted(ENDED)),
    ],
)
def test_what_is_done_before_its_orders(
    state: RebalanceState, around: RebalanceView, step: RebalanceStep
) -> None:
    assert next_step(run(state), {}, around) is step


@pytest.mark.parametrize(
    ("state", "late", "step"),
    [
        (OrderState.ACCEPTED, False, RebalanceStep.NOTHING),
        (OrderState.WORKING, False, RebalanceStep.NOTHING),
        (OrderState.WORKING, True, RebalanceStep.CANCEL_ORDERS),
        (OrderState.UNKNOWN, False, RebalanceStep.DOUBT),
        (OrderState.UNKNOWN, True, RebalanceStep.DOUBT),
        (OrderState.FILLED, False, RebalanceStep.FUND),
        (OrderState.REJECTED, False, RebalanceStep.FUND),
        (OrderState.CANCELLED, True, RebalanceStep.FUND),
        (OrderState.UNVERIFIED, False, RebalanceStep.FINISH),
    ],
)
def test_what_follows_a_sell(state: OrderState, late: bool, step: RebalanceStep) -> None:
    selling = run(RebalanceState.SELLING)
    assert next_step(selling, orders(SELL, state), replace(OPEN, late=late)) is step


def test_a_refused_trade_is_not_tried_again() -> None:
    selling = run(RebalanceState.SELLING, refused={"rebalance-r1-SELL-1": "no"})
    assert next_step(selling, {}, OPEN) is RebalanceStep.FUND


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (OrderState.WORKING, RebalanceStep.CANCEL_ORDERS),
        (OrderState.FILLED, RebalanceStep.FINISH),
    ],
)
def test_after_a_cancel_nothing_follows(state: OrderState, step: RebalanceStep) -> None:
    cancelled = run(RebalanceState.SELLING, cancel_requested=True)
    assert next_step(cancelled, orders(SELL, state), OPEN) is step
    assert next_step(cancelled, {}, OPEN) is RebalanceStep.FINISH


def test_buys_end_in_the_report() -> None:
    buying = run(RebalanceState.BUYING)
    assert next_step(buying, {}, OPEN) is RebalanceStep.SEND
    assert next_step(buying, orders(BUY, OrderState.FILLED), OPEN) is RebalanceStep.FINISH
    assert next_step(replace(buying, buys=()), {}, OPEN) is RebalanceStep.FINISH


def test_a_cancel_ends_what_has_not_traded_and_is_noted_for_what_has() -> None:
    ended = cancel(run(RebalanceState.CLEARING))
    assert (ended.state, ended.reason) == (RebalanceState.CANCELLED, "CancelledByClient")
    assert cancel(run(RebalanceState.BUYING)).cancel_requested
    done = run(RebalanceState.COMPLETED)
    assert cancel(done) is done


def test_no_state_is_left_in_a_way_that_is_not_in_the_table() -> None:
    for before, allowed in MOVES.items():
        for after in RebalanceState:
            if after in allowed:
                assert move(run(before), after).state is after
            else:
                with pytest.raises(IllegalMoveError):
                    move(run(before), after)
    assert wait(run(RebalanceState.CLEARING), "Paused", "by R.").state is RebalanceState.WAITING
    assert wait(run(RebalanceState.SELLING), "Paused", "by R.").state is RebalanceState.SELLING


def ends(made: RebalanceRun, known: dict[str, Order], now: datetime = NOON) -> tuple[str, str]:
    state, reason, _ = ending(made, known, now)
    return state.value, reason


def test_how_it_ends() -> None:
    filled = orders(SELL, OrderState.FILLED, 5)
    selling, buying = run(RebalanceState.SELLING), run(RebalanceState.BUYING)
    assert ends(selling, filled, LATER) == ("Stopped", "SessionEnded")
    assert ends(selling, orders(SELL, OrderState.UNVERIFIED)) == ("Stopped", "UnknownOrder")
    assert ends(replace(buying, cancel_requested=True), filled)[0] == "Cancelled"
    assert ends(run(RebalanceState.AWAITING_SETTLEMENT), filled) == ("Stopped", "NotSettled")
    everything = filled | orders(BUY, OrderState.FILLED, 4)
    assert ends(buying, everything) == ("Completed", "")
    part = filled | orders(BUY, OrderState.CANCELLED, 3)
    assert ending(buying, part, NOON) == (
        RebalanceState.COMPLETED,
        RebalanceReason.NOT_ALL_FILLED,
        "filled: BUY NEW 3 of 4",
    )


def test_what_a_trade_cost_more_than_it_was_decided_at() -> None:
    buying = run(RebalanceState.BUYING, refused={"rebalance-r1-BUY-2": "DailyOrderLimit: no"})
    ref = order(OrderState.FILLED).order_ref
    sold = outcome(buying, SELL, orders(SELL, OrderState.FILLED, 5), {ref: Decimal(1)})
    assert (sold.filled, sold.slippage, sold.commission) == (Decimal(5), Decimal(-5), Decimal(1))
    assert outcome(buying, BUY, {}, {}).state == "Refused"
    bought = outcome(buying, replace(BUY, price=Decimal(10)), orders(BUY, OrderState.FILLED, 4), {})
    assert (bought.slippage, bought.commission) == (Decimal(4), None)
    assert outcome(run(RebalanceState.SELLING), SELL, {}, {}).state == "NotSent"
