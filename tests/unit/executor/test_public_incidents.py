"""What has happened to other people's orders at IBKR, told in public, and what would become of ours.

The table in docs/decisions/0042-incidents.md says where else each of them is tested, over the wire too.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from executor_fakes import (
    NOON,
    TERMS,
    ConnectionWorld,
    DispatchWorld,
    FakeBroker,
    entry,
    open_hooked,
)
from ibgateway_api.gate import Closed, GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.order_ids import order_uid
from ibgateway_executor.broker.connection_state import objections
from ibgateway_executor.broker.protocol import Disconnected, LinkLost, LinkRestored
from ibgateway_executor.errors import NotConnectedError
from ibgateway_executor.orders.broker_reports import FillReport, OrderError, OrderStatusReport
from ibgateway_executor.orders.order import Order, OrderState, TimeInForce, order_ref

AWAY = Closed(GateReason.NOT_RECONCILED, "the gateway has lost IBKR")
PRESET = "10349: Order TIF was set to DAY based on order preset."


def status(order: Order, text: str, perm_id: int = 900, filled: int = 0) -> OrderStatusReport:
    return OrderStatusReport(
        order.order_id,
        order.client_id,
        perm_id,
        text,
        order_ref=order.order_ref,
        filled=Decimal(filled),
    )


def fill(order: Order, shares: int, perm_id: int = 900) -> FillReport:
    ids = (order.order_id, order.client_id, perm_id, order.order_ref)
    return FillReport(*ids, f"exec-{shares}", Decimal(shares), Decimal("190.01"))


async def reconnect(gateway: ConnectionWorld, broker: FakeBroker) -> None:
    """The connection goes, and the next one is to this gateway."""
    if gateway.current.broker is not None:
        assert isinstance(gateway.current.broker, FakeBroker)
        gateway.current.broker.connected = False
        gateway.receive(Disconnected("restart"))
    gateway.outcomes.append(broker)
    gateway.login()
    await gateway.connection.check()
    await gateway.connection.check()


def next_gateway(gateway: ConnectionWorld, next_valid_id: int = 1) -> FakeBroker:
    return FakeBroker(clock=lambda: gateway.time.now, next_valid_id=next_valid_id)


async def test_lean_242_ids_that_come_again_after_a_restart_are_not_given_to_new_orders(
    gateway: ConnectionWorld,
) -> None:
    """Orders written right before the nightly restart never arrived, and the gateway began to count from before them."""
    await reconnect(gateway, next_gateway(gateway, 38103))
    await gateway.order("lost", OrderState.SENDING)
    await gateway.ledger.advance("lost", lambda o: replace(o, order_id=38103))
    await gateway.order("next", OrderState.SENDING)
    reserved = (await gateway.stored("next")).order_id
    await reconnect(gateway, next_gateway(gateway, reserved - 1))
    lost = await gateway.stored("lost")
    assert (lost.state, lost.reason) == (OrderState.UNKNOWN, "NotFoundAtBroker")
    new = await gateway.order("new", OrderState.SENDING)
    assert new.order_id == reserved + 1


async def test_lean_246_and_247_a_gateway_that_stays_away_is_said_and_no_order_is_refused(
    gateway: ConnectionWorld,
) -> None:
    """The Sunday restart failed; for three days every order was rejected, and nobody was told."""
    broker = await gateway.connect()
    broker.connected = False
    gateway.login(LoginState.STARTING)
    await gateway.connection.check()
    await gateway.ledger.accept(entry("a"))
    gateway.login()
    for _ in range(3):
        gateway.outcomes.append(NotConnectedError("the port is closed"))
        with pytest.raises(NotConnectedError):
            await gateway.connection.check()
        gateway.current.failed("the port is closed")
        gateway.time.advance(86400)
        said = objections(gateway.state, gateway.settings.trading_mode, ())
        assert [objection.reason for objection in said] == [GateReason.NOT_RECONCILED]
        assert "the port is closed" in said[0].message
    assert (await gateway.stored("a")).state is OrderState.ACCEPTED
    await reconnect(gateway, next_gateway(gateway))
    assert gateway.state.reconciled


@pytest.mark.parametrize("told", ["during 1100", "never", "twice"])
async def test_lean_249_a_fill_during_1100_is_counted_once(
    gateway: ConnectionWorld, told: str
) -> None:
    """Fills that came while the link was lost were dropped, and nobody asked for executions afterwards."""
    broker = await gateway.connect()
    order = await gateway.order("a", OrderState.SENDING)
    await gateway.ledger.observe(status(order, "Submitted"))
    gateway.receive(LinkLost("1100: lost"))
    if told != "never":
        await gateway.recorder.record([fill(order, 4)])
        assert (await gateway.stored("a")).filled == 4
    if told != "during 1100":
        broker.rounds = [(fill(order, 4),)]
    broker.working = (status(order, "Submitted", filled=4),)
    gateway.receive(LinkRestored())
    await gateway.connection.check()
    after = await gateway.stored("a")
    assert (after.state, after.filled, gateway.state.reconciled) == (
        OrderState.WORKING,
        Decimal(4),
        True,
    )


async def test_nautilus_3176_a_restart_with_a_kept_ledger_makes_no_second_order(
    tmp_path: Path,
) -> None:
    """Each restart made new orders of other types from what the broker told about the old ones."""
    before = ConnectionWorld(open_hooked(tmp_path / "ledger.db"))
    await before.ledger.begin("paper")
    order = await before.order("a", OrderState.SENDING)
    await before.ledger.observe(status(order, "Submitted"), fill(order, 10))
    before.ledger.close()
    for _ in range(3):
        after = ConnectionWorld(open_hooked(tmp_path / "ledger.db"))
        await after.ledger.begin("paper")
        broker = next_gateway(after)
        broker.rounds, broker.completed = (
            [(fill(order, 10),)],
            (replace(status(order, "Filled", filled=10), order_id=0, client_id=0, ended=True),),
        )
        await reconnect(after, broker)
        (kept,) = await after.ledger.page(after=0, limit=9)
        assert (kept.id, kept.state, kept.filled) == ("a", OrderState.FILLED, Decimal(10))
        assert (kept.terms, len(after.ledger.active), broker.placed) == (TERMS, 0, [])
        after.ledger.close()


async def test_nautilus_4564_nothing_is_written_and_no_order_changed_while_the_link_is_away(
    dispatch: DispatchWorld,
) -> None:
    """A change that was sent during 1100 became a second live order under the same order id."""
    await dispatch.order("a")
    await dispatch.dispatch()
    order = await dispatch.stored("a")
    await dispatch.ledger.observe(status(order, "Submitted"))
    dispatch.connection.link_lost("1100: lost")
    dispatch.gate = AWAY
    await dispatch.ledger.advance("a", lambda o: replace(o, cancel_requested=True))
    await dispatch.order("b")
    await dispatch.dispatch()
    assert (dispatch.placed, dispatch.broker.cancelled) == (["a"], [])


async def test_nautilus_4564_a_second_order_under_one_reference_is_said_and_ends_nothing(
    gateway: ConnectionWorld,
) -> None:
    order = await gateway.order("a", OrderState.SENDING)
    await gateway.ledger.observe(status(order, "Submitted", 900))
    await gateway.ledger.observe(status(order, "Cancelled", 901), fill(order, 10, 902))
    after = await gateway.stored("a")
    assert (after.state, after.filled, after.perm_id) == (OrderState.WORKING, Decimal(0), 900)
    assert "second order with this orderRef: permanent id 902, 10 filled" in after.broker_message


async def test_nautilus_4970_an_execution_that_comes_before_anything_else_is_the_orders(
    gateway: ConnectionWorld,
) -> None:
    """The execution's own ids took the place of the order's, and a second order was made of it."""
    order = await gateway.order("a", OrderState.SENDING)
    early = replace(fill(order, 10), order_id=0, client_id=0)
    await gateway.ledger.observe(early, status(order, "PreSubmitted"), status(order, "Filled"))
    (after,) = await gateway.ledger.page(after=0, limit=9)
    assert (after.state, after.filled, after.perm_id) == (OrderState.FILLED, Decimal(10), 900)
    assert (after.order_id, after.client_id) == (order.order_id, 17)


async def test_pysystemtrade_1580_a_false_cancel_is_not_answered_with_another_order(
    dispatch: DispatchWorld,
) -> None:
    """10349 was taken for a cancel, the order was sent fifteen times, and all of them were filled."""
    await dispatch.order("a")
    await dispatch.dispatch()
    order = await dispatch.stored("a")
    for _ in range(15):
        await dispatch.ledger.observe(OrderError(order.order_id, 17, 10349, PRESET))
        dispatch.time.advance(1)
        await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    await dispatch.ledger.observe(status(order, "Filled", filled=10))
    assert await dispatch.states("a") == [("Filled", "")]
    assert dispatch.broker.placed[0].terms.time_in_force is TimeInForce.DAY


@pytest.mark.parametrize("kept", [12, 20, 27])
async def test_an_order_ref_that_comes_back_cut_off_is_still_ours(
    gateway: ConnectionWorld, kept: int
) -> None:
    name = order_uid("key", gateway="paper", namespace="trading")
    order = await gateway.order(name, OrderState.SENDING)
    cut = replace(status(order, "Submitted"), order_ref=order_ref(name)[:kept])
    await gateway.ledger.observe(cut)
    assert (await gateway.stored(name)).state is OrderState.WORKING
    broker = await gateway.connect()
    broker.working, gateway.time.now = (cut,), NOON + timedelta(minutes=2)
    await gateway.connection.reconcile(broker)
    assert (await gateway.stored(name)).state is OrderState.WORKING
    ended = replace(cut, order_id=0, client_id=0, status="Filled", ended=True, filled=Decimal(10))
    await gateway.ledger.observe(ended)
    assert (await gateway.stored(name)).state is OrderState.FILLED


@pytest.mark.parametrize("told", ["ibg-", "ibg-0000000000000000", "manual"])
async def test_a_reference_that_is_not_ours_is_not_taken_for_it(
    gateway: ConnectionWorld, told: str
) -> None:
    """Manual trades, another executor's orders: the ids of another client may be the same."""
    name = order_uid("key", gateway="paper", namespace="trading")
    order = await gateway.order(name, OrderState.SENDING)
    await gateway.ledger.observe(replace(status(order, "Filled", filled=10), order_ref=told))
    assert (await gateway.stored(name)).state is OrderState.SENDING


@pytest.mark.parametrize(
    ("shown", "states"),
    [
        (False, [("Unknown", 4), ("Unknown", 4), ("Unverified", 4)]),
        (True, [("Working", 4), ("Working", 4), ("Working", 4)]),
    ],
)
async def test_a_partial_fill_then_a_disconnect_then_midnight_loses_no_fill(
    gateway: ConnectionWorld, shown: bool, states: list[tuple[str, int]]
) -> None:
    """After midnight the broker has no executions of the day before: what it told then stays."""
    await gateway.connect()
    order = await gateway.order("a", OrderState.SENDING)
    await gateway.ledger.observe(status(order, "Submitted"), fill(order, 4))
    gateway.time.advance(14 * 3600)
    broker = next_gateway(gateway)
    broker.working = (replace(status(order, "Submitted"), order_ref=""),) if shown else ()
    await reconnect(gateway, broker)
    found = []
    for _ in range(3):
        after = await gateway.stored("a")
        found.append((after.state.value, int(after.filled)))
        gateway.time.advance(60)
        await gateway.connection.check()
    assert found == states


async def test_a_gtc_order_is_compared_by_its_permanent_id_once_a_new_day_has_begun(
    gateway: ConnectionWorld,
) -> None:
    """Without a reconnect nothing else would notice that it is gone."""
    broker = await gateway.connect()
    order = await gateway.order("a", OrderState.SENDING)
    await gateway.ledger.observe(status(order, "Submitted"))
    bare = OrderStatusReport(0, 0, 900, "Submitted")
    broker.working, broker.asked = (bare,), 0
    gateway.time.set(datetime(2026, 11, 24, 5, 59, tzinfo=UTC))
    await gateway.connection.check()
    assert broker.asked == 0
    gateway.time.set(datetime(2026, 11, 24, 6, 0, tzinfo=UTC))
    await gateway.connection.check()
    assert (broker.asked, (await gateway.stored("a")).state) == (2, OrderState.WORKING)
    gateway.time.advance(10)
    await gateway.connection.check()
    assert broker.asked == 2
    broker.working = ()
    gateway.time.advance(86400)
    states = []
    for _ in range(3):
        await gateway.connection.check()
        states.append((await gateway.stored("a")).state.value)
        gateway.time.advance(60)
    assert states == ["Unknown", "Unknown", "Unverified"]
