"""What the executor's metrics say of gate and queue."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from executor_fakes.values import NOON, TERMS
from ibgateway_api.gate import Closed, Gate, GateReason, Open
from ibgateway_api.login import LoginState
from ibgateway_executor.figures import FIGURES, ExecutorView
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.active import ActiveOrders
from ibgateway_executor.orders.order import Order, OrderState, Side
from ibgateway_executor.rebalance.last_runs import LatestRebalances
from ibgateway_executor.rebalance.plan import PlannedTrade
from ibgateway_executor.rebalance.progress import (
    RebalanceReport,
    RebalanceRun,
    RebalanceState,
    TradeOutcome,
)
from ibgateway_runtime.figures import Series, VolumeSize

VIEW = ExecutorView(
    now=NOON,
    gate=Open(),
    active=ActiveOrders(),
    rebalances=LatestRebalances(),
    news_age=0.5,
    connected=True,
    skew=-0.25,
)
LOST = Closed(LoginState.CONNECTION_LOST, "gone")


def figure(view: ExecutorView, name: str) -> Series:
    (found,) = (one for one in FIGURES if one.name == f"ibgateway_executor_{name}")
    return found.read(view)


def order(number: int, state: OrderState = OrderState.ACCEPTED, reason: str = "") -> Order:
    at = NOON + timedelta(seconds=number)
    return Order(f"o{number}", number, TERMS, at, at, state=state, reason=reason)


@pytest.mark.parametrize(
    ("gate", "opened", "closed"),
    [(Open(), 1.0, {}), (LOST, 0.0, {("ConnectionLost",): 1.0})],
)
def test_the_gate_is_open_or_closed_for_a_reason(gate: Gate, opened: float, closed: Series) -> None:
    view = replace(VIEW, gate=gate)
    assert (figure(view, "gate_open"), figure(view, "gate_closed")) == ({(): opened}, closed)


def test_the_queue_by_state_and_by_reason() -> None:
    orders = (
        order(1, OrderState.WAITING, "MarketClosed"),
        order(2),
        order(3, OrderState.SENDING),
        order(4, OrderState.WORKING),
        order(5, OrderState.UNKNOWN),
        order(6, OrderState.WAITING, "MarketClosed"),
        order(7, OrderState.WAITING, "a reason of long ago"),
    )
    view = replace(VIEW, active=ActiveOrders(orders))
    assert figure(view, "orders") == {
        ("Unsent",): 4,
        ("Sending",): 1,
        ("Working",): 1,
        ("Unknown",): 1,
    }
    assert figure(view, "unsent_orders") == {("MarketClosed",): 2, ("",): 1, ("Other",): 1}


def test_the_oldest_order_stays_the_oldest_whatever_happens_to_it() -> None:
    active = ActiveOrders([order(1), order(2)])
    active.put(replace(order(1), cancel_requested=True))
    oldest = figure(replace(VIEW, active=active), "oldest_unsent_order_timestamp_seconds")
    assert oldest == {(): (NOON + timedelta(seconds=1)).timestamp()}
    assert figure(VIEW, "oldest_unsent_order_timestamp_seconds") == {}


def test_connection_clock_ledger_and_volume() -> None:
    full = replace(VIEW, ledger_problem="full", volume=VolumeSize(1000.0, 0.0), skew=None)
    names = ("broker_connected", "clock_skew_seconds", "ledger_writable", "volume_available_bytes")
    assert [figure(VIEW, name) for name in names] == [{(): 1.0}, {(): -0.25}, {(): 1.0}, {}]
    assert [figure(full, name) for name in names] == [{(): 1.0}, {}, {(): 0.0}, {(): 0.0}]


@pytest.mark.parametrize(
    ("hours", "trading"),
    [(-3.0, 0.0), (-2.5, 1.0), (0.0, 1.0), (3.9, 1.0), (4.0, 0.0), (-24.0, 0.0)],
    ids=["nine", "half past nine", "noon", "shortly before four", "four", "Sunday"],
)
def test_new_yorks_regular_hours(hours: float, trading: float) -> None:
    view = replace(VIEW, now=NOON + timedelta(hours=hours))
    assert figure(view, "regular_session") == {(): trading}


def test_each_reason_has_the_seconds_that_it_lasted() -> None:
    counted, seconds, views = ExecutorMetrics(), [100.0], [VIEW]
    counted.gate(LOST)
    counted.watch(lambda: views[-1], lambda: seconds[-1])

    def spent(reason: str) -> float | None:
        name = "ibgateway_executor_gate_seconds_total"
        return counted.registry.get_sample_value(name, {"reason": reason})

    counted.gate(Open())
    seconds.append(160.0)
    views.append(replace(VIEW, gate=Closed(GateReason.NO_NEWS, "silence")))
    assert spent("GateOpen") == 60.0
    seconds.append(165.0)
    assert spent("NoNews") == 5.0


def rebalance(number: int, state: RebalanceState, **changes: object) -> RebalanceRun:
    made = RebalanceRun(f"r{number}", number, f"DU{number:07}", "{}", NOON, NOON, state=state)
    return replace(made, **changes)  # type: ignore[arg-type] # fields by name


def ended_with(drift: str, *states: str) -> RebalanceReport:
    trade, none = PlannedTrade(1, "AAPL", Side.BUY, 10, Decimal(10)), Decimal(0)
    outcomes = tuple(TradeOutcome(trade, "", s, "no", none, None, None, None) for s in states)
    return RebalanceReport(outcomes, (), none, Decimal(drift), none, none, none, None)


def test_rebalances_by_state_and_since_when_the_first_of_them_is_in_it() -> None:
    minute = timedelta(minutes=1)
    runs = (
        rebalance(1, RebalanceState.BUYING, state_since=NOON + minute),
        rebalance(2, RebalanceState.BUYING, state_since=NOON),
        rebalance(3, RebalanceState.SELLING, updated_at=NOON - minute),
        rebalance(4, RebalanceState.COMPLETED, state_since=NOON - minute),
    )
    view = replace(VIEW, rebalances=LatestRebalances(runs))
    assert figure(view, "rebalances") == {
        ("Accepted",): 0.0,
        ("Waiting",): 0.0,
        ("Clearing",): 0.0,
        ("Selling",): 1.0,
        ("AwaitingSettlement",): 0.0,
        ("Buying",): 2.0,
    }
    assert figure(view, "rebalance_state_since_timestamp_seconds") == {
        ("Buying",): NOON.timestamp(),
        ("Selling",): NOON.timestamp() - 60,
    }


def test_the_drift_is_that_of_the_account_that_is_furthest_off() -> None:
    runs = [
        rebalance(n, RebalanceState.COMPLETED, report=ended_with(drift))
        for n, drift in enumerate(("0.01", "0.25", "0.002"))
    ]
    assert figure(replace(VIEW, rebalances=LatestRebalances(runs)), "rebalance_drift_ratio") == {
        (): 0.25
    }
    assert figure(VIEW, "rebalance_drift_ratio") == {}


def test_rebalances_that_need_a_person_are_counted() -> None:
    stopped = rebalance(1, RebalanceState.STOPPED, reason="NotSettled", state_since=NOON)
    assert figure(VIEW, "rebalances_stuck") == {(): 0.0}
    assert figure(replace(VIEW, rebalances=LatestRebalances([stopped])), "rebalances_stuck") == {
        (): 1.0
    }


def test_the_end_of_a_rebalance_is_counted_with_its_length_and_what_was_refused() -> None:
    counted = ExecutorMetrics()
    ended = rebalance(
        1,
        RebalanceState.COMPLETED,
        reason="NotAllFilled",
        began_at=NOON,
        state_since=NOON + timedelta(seconds=45),
        report=ended_with("0.1", "Filled", "Refused", "Rejected"),
    )
    counted.rebalance_ended(ended)
    counted.rebalance_ended(rebalance(2, RebalanceState.STOPPED, reason="of long ago"))

    def value(name: str, **labels: str) -> float | None:
        return counted.registry.get_sample_value(f"ibgateway_executor_{name}", labels)

    assert value("rebalances_ended_total", state="Completed", reason="NotAllFilled") == 1
    assert value("rebalances_ended_total", state="Stopped", reason="Other") == 1
    assert value("rebalance_refused_orders_total") == 2
    assert value("rebalance_seconds_bucket", le="30.0") == 0
    assert value("rebalance_seconds_bucket", le="60.0") == 1
    assert value("rebalance_seconds_count") == 1
