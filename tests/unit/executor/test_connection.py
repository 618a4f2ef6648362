"""The connection's life: when it is made, what it proves, when it is given up."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from executor_fakes import ConnectionWorld, FakeBroker, entry
from ibgateway_api.login import LoginState
from ibgateway_executor.broker.protocol import Disconnected, LinkLost, LinkRestored
from ibgateway_executor.errors import BrokerError, ClientIdInUseError, NotConnectedError
from ibgateway_executor.ledger.store import Step
from ibgateway_executor.orders.broker_reports import OrderError, OrderStatusReport
from ibgateway_executor.orders.order import Order, OrderState


async def test_nothing_is_dialled_before_the_sentinel_says_logged_in(
    gateway: ConnectionWorld,
) -> None:
    gateway.login(LoginState.AWAITING_APPROVAL)
    await gateway.connection.check()
    assert gateway.attempts == 0


async def test_a_new_connection_is_proven_step_by_step(gateway: ConnectionWorld) -> None:
    broker = FakeBroker(clock=lambda: gateway.time.now)
    gateway.outcomes.append(broker)
    gateway.login()
    await gateway.connection.check()
    assert (gateway.state.connected, gateway.state.reconciled) == (True, False)
    assert gateway.state.skew == -0.5
    await gateway.connection.check()
    assert gateway.state.reconciled
    assert gateway.state.ledger_accounts == ("DU1234567",)


async def test_a_refused_connection_is_tried_again_soon(gateway: ConnectionWorld) -> None:
    assert await gateway.connection.recover_from(NotConnectedError("refused")) == 0.3


async def test_a_client_id_in_use_is_tried_again_later_and_later(gateway: ConnectionWorld) -> None:
    error = ClientIdInUseError("17")
    assert [await gateway.connection.recover_from(error) for _ in range(6)] == [2, 4, 8, 16, 30, 30]
    await gateway.connect()
    assert await gateway.connection.recover_from(error) == 2


async def refused(gateway: ConnectionWorld, error: BrokerError) -> float:
    """One attempt that fails, as soon as one may be made; how long the next has to wait."""
    gateway.time.advance(await gateway.connection.check() if gateway.attempts else 0)
    gateway.outcomes.append(error)
    before = gateway.attempts
    with pytest.raises(type(error)):
        await gateway.connection.check()
    assert gateway.attempts == before + 1
    return await gateway.connection.recover_from(error)


async def test_a_port_that_closes_at_once_is_tried_later_and_later(
    gateway: ConnectionWorld,
) -> None:
    gateway.login()
    pauses = [await refused(gateway, NotConnectedError("closed")) for _ in range(10)]
    assert pauses == [0.3, 0.3, 0.3, 0.6, 1.2, 2.4, 4.8, 9.6, 10, 10]


async def test_no_news_shortens_the_pause_but_a_login(gateway: ConnectionWorld) -> None:
    gateway.login()
    for _ in range(10):
        await refused(gateway, NotConnectedError("closed"))
    gateway.login()
    assert await gateway.connection.check() == 10
    assert gateway.attempts == 10
    gateway.login(LoginState.LOGGING_IN)
    await gateway.connection.check()
    gateway.login()
    gateway.outcomes.append(FakeBroker(clock=lambda: gateway.time.now))
    await gateway.connection.check()
    assert gateway.state.connected


async def test_a_gateway_that_hangs_up_after_the_handshake_is_no_proven_connection(
    gateway: ConnectionWorld,
) -> None:
    gateway.login()
    pauses = []
    for _ in range(6):
        broker = FakeBroker(clock=lambda: gateway.time.now)
        gateway.outcomes.append(broker)
        await gateway.connection.check()
        broker.connected = False
        pauses.append(await gateway.connection.check())
        gateway.time.advance(pauses[-1])
    assert pauses == [0.3, 0.3, 0.3, 0.6, 1.2, 2.4]
    assert gateway.attempts == 6


async def test_a_proven_connection_that_ends_is_made_again_at_once(
    gateway: ConnectionWorld,
) -> None:
    gateway.login()
    for _ in range(10):
        await refused(gateway, NotConnectedError("closed"))
    gateway.time.advance(10)
    broker = await gateway.connect()
    broker.connected = False
    gateway.outcomes.append(FakeBroker(clock=lambda: gateway.time.now))
    await gateway.connection.check()
    assert gateway.state.connected


async def test_a_lost_link_takes_the_proof_away_until_the_broker_was_asked_again(
    gateway: ConnectionWorld,
) -> None:
    broker = await gateway.connect()
    broker.asked = 0
    gateway.receive(LinkLost("1100: lost"))
    assert (gateway.state.link_lost, gateway.state.reconciled) == (True, False)
    await gateway.connection.check()
    assert broker.asked == 0
    gateway.receive(LinkRestored())
    assert (gateway.state.link_lost, gateway.state.reconciled) == (False, False)
    await gateway.connection.check()
    assert (broker.asked, gateway.state.reconciled) == (2, True)


async def test_a_restore_that_was_missed_ends_in_a_new_connection(gateway: ConnectionWorld) -> None:
    broker = await gateway.connect()
    gateway.receive(LinkLost("1100: lost"))
    gateway.login(LoginState.CONNECTION_LOST)
    await gateway.connection.check()
    assert not broker.closed
    gateway.login()
    gateway.time.advance(6)
    await gateway.connection.check()
    assert broker.closed


async def test_what_was_being_sent_when_the_connection_ended_is_unknown(
    gateway: ConnectionWorld,
) -> None:
    broker = await gateway.connect()
    await gateway.order("a", OrderState.SENDING)
    gateway.receive(Disconnected("reset by peer"))
    broker.connected = False
    gateway.login(LoginState.STARTING)
    await gateway.connection.check()
    after = await gateway.stored("a")
    assert (after.state, after.reason) == (OrderState.UNKNOWN, "ConnectionLost")
    assert not gateway.state.connected


async def test_an_order_sent_while_the_broker_was_being_asked_is_not_called_lost(
    gateway: ConnectionWorld,
) -> None:
    broker = await gateway.connect()
    await gateway.order("lost", OrderState.UNKNOWN)
    tasks: list[asyncio.Task[Order]] = []

    def asked() -> None:
        if not tasks:
            tasks.append(asyncio.create_task(gateway.order("new", OrderState.WORKING)))

    broker.on_executions = asked
    await gateway.connection.reconcile(broker)
    await tasks[0]
    assert (await gateway.stored("lost")).reason == "NotFoundAtBroker"
    assert (await gateway.stored("new")).state is OrderState.WORKING


async def test_a_found_order_is_adopted_while_reconciling(
    gateway: ConnectionWorld, caplog: pytest.LogCaptureFixture
) -> None:
    broker = FakeBroker(clock=lambda: gateway.time.now)
    lost = await gateway.order("lost", OrderState.UNKNOWN)
    seen = OrderStatusReport(lost.order_id, 17, 900, "Submitted", order_ref="ibg-lost")
    broker.working = (replace(seen, filled=Decimal(4)),)
    gateway.outcomes.append(broker)
    gateway.login()
    with caplog.at_level(logging.INFO):
        await gateway.connection.check()
        await gateway.connection.check()
    after = await gateway.stored("lost")
    assert (after.state, after.perm_id, after.filled) == (OrderState.WORKING, 900, Decimal(4))
    assert gateway.state.reconciled
    assert "order lost is Working (4 of 10 filled)" in caplog.text


async def test_an_old_report_is_no_login(gateway: ConnectionWorld) -> None:
    gateway.login()
    gateway.sentinel.age = 5.1
    await gateway.connection.check()
    assert gateway.attempts == 0
    gateway.sentinel.age = 0.0
    gateway.outcomes.append(FakeBroker(clock=lambda: gateway.time.now))
    await gateway.connection.check()
    assert gateway.attempts == 1


async def test_each_login_state_is_logged_once(
    gateway: ConnectionWorld, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.login(LoginState.STARTING)
    with caplog.at_level(logging.INFO):
        for state in (LoginState.STARTING, LoginState.STARTING, LoginState.AWAITING_APPROVAL):
            gateway.login(state)
            await gateway.connection.check()
    assert [r.message for r in caplog.records] == [
        "the gateway is Starting",
        "the gateway is AwaitingApproval",
    ]


async def test_a_wrong_account_is_not_reconciled(gateway: ConnectionWorld) -> None:
    gateway.settings = gateway.settings.model_copy(update={"accounts": ("DU7654321",)})
    broker = await gateway.connect()
    assert (gateway.state.connected, gateway.state.reconciled, broker.asked) == (True, False, 0)
    assert await gateway.ledger.accounts() == ()


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (OrderError(1, 17, 10147, "OrderId not found"), 1),
        (OrderError(1, 17, 103, "Duplicate order id"), 1),
        (OrderError(1, 17, 399, "outside of hours"), 0),
    ],
    ids=["a cancel of an order unknown there", "an ambiguous answer", "a notice"],
)
async def test_what_makes_an_order_uncertain_asks_for_a_reconciliation(
    gateway: ConnectionWorld, event: OrderError, wanted: int
) -> None:
    await gateway.connect()
    await gateway.order("a", OrderState.SENDING)
    await gateway.recorder.record((event,))
    assert (gateway.wanted.count, gateway.state.reconciled) == (wanted, wanted == 0)


async def test_an_unknown_order_is_looked_for_again_every_minute(gateway: ConnectionWorld) -> None:
    broker = await gateway.connect()
    await gateway.order("a", OrderState.UNKNOWN)
    broker.asked = 0
    gateway.time.advance(59)
    await gateway.connection.check()
    assert broker.asked == 0
    gateway.time.advance(1)
    await gateway.connection.check()
    assert broker.asked == 2
    assert (await gateway.stored("a")).reason == "NotFoundAtBroker"


async def test_whoever_waits_is_woken_when_the_connection_becomes_usable_or_stops_being_so(
    gateway: ConnectionWorld,
) -> None:
    await gateway.connect()
    counts = [gateway.changed.count]
    gateway.receive(LinkLost("1100: lost"))
    counts.append(gateway.changed.count)
    gateway.receive(LinkRestored())
    counts.append(gateway.changed.count)
    gateway.receive(Disconnected("reset by peer"))
    counts.append(gateway.changed.count)
    assert [count - counts[0] for count in counts] == [0, 1, 1, 2]
    assert gateway.wanted.count == 2


async def test_the_gateways_clock_is_not_asked_for_twice_within_a_second(
    gateway: ConnectionWorld,
) -> None:
    broker = await gateway.connect()
    asked = [broker.clock_asked]
    for seconds in (1.0, 0.1, 0.0, 2.0):
        gateway.time.advance(seconds)
        await gateway.connection.check()
        asked.append(broker.clock_asked)
    assert asked == [1, 1, 2, 2, 3]
    broker.connected = False
    again = await gateway.connect()
    assert again.clock_asked == 1


@pytest.mark.parametrize("cause", ["the link", "an order"])
async def test_what_happens_while_the_broker_is_being_asked_makes_it_be_asked_again(
    gateway: ConnectionWorld, cause: str
) -> None:
    broker = await gateway.connect()
    gateway.current.request_reconciliation()

    def interrupt() -> None:
        broker.on_executions = lambda: None
        if cause == "the link":
            gateway.receive(LinkLost("1100: lost"))
            gateway.receive(LinkRestored())
        else:
            gateway.current.request_reconciliation()

    broker.on_executions = interrupt
    await gateway.connection.check()
    assert not gateway.state.reconciled
    await gateway.connection.check()
    assert gateway.state.reconciled


async def test_what_happens_while_the_answer_is_being_recorded_makes_it_be_asked_again(
    gateway: ConnectionWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.connect()
    gateway.current.request_reconciliation()
    advance_all = gateway.ledger.advance_all

    async def interrupted(steps: Mapping[str, Step]) -> list[Order]:
        monkeypatch.undo()
        gateway.receive(LinkLost("1100: lost"))
        gateway.receive(LinkRestored())
        return await advance_all(steps)

    monkeypatch.setattr(gateway.ledger, "advance_all", interrupted)
    await gateway.connection.check()
    assert not gateway.state.reconciled
    await gateway.connection.check()
    assert gateway.state.reconciled


async def test_an_unsent_order_that_the_broker_has_is_adopted_before_anything_is_sent(
    gateway: ConnectionWorld,
) -> None:
    await gateway.ledger.accept(entry("a"))
    await gateway.ledger.recover()
    broker = FakeBroker(clock=lambda: gateway.time.now)
    broker.completed = (
        OrderStatusReport(0, 0, 900, "Filled", "ibg-a", filled=Decimal(10), ended=True),
    )
    gateway.outcomes.append(broker)
    gateway.login()
    await gateway.connection.check()
    assert not gateway.state.reconciled
    await gateway.connection.check()
    assert gateway.state.reconciled
    assert (await gateway.stored("a")).state is OrderState.FILLED


async def test_a_ledger_that_was_just_opened_is_looked_up_with_patience_once(
    gateway: ConnectionWorld,
) -> None:
    await gateway.ledger.accept(entry("a"))
    await gateway.ledger.recover()
    await gateway.connect()
    gateway.current.request_reconciliation()
    await gateway.connection.check()
    assert gateway.slept == [2.0, 0.05]


@pytest.mark.parametrize(
    ("away", "known", "after"),
    [
        (timedelta(hours=3), False, "Accepted"),
        (timedelta(hours=20), False, "Unverified"),
        (timedelta(hours=20), True, "Working"),
    ],
    ids=["back the same day", "away over midnight", "away, and the broker shows it"],
)
async def test_orders_of_a_ledger_that_may_be_a_copy_are_sent_only_where_the_broker_shows_it_all(
    gateway: ConnectionWorld, away: timedelta, known: bool, after: str
) -> None:
    await gateway.ledger.accept(entry("a"))
    gateway.time.advance(away.total_seconds())
    await gateway.ledger.recover()
    await gateway.ledger.mark_written()
    await gateway.ledger.accept(entry("b"))
    broker = FakeBroker(clock=lambda: gateway.time.now)
    broker.working = (OrderStatusReport(3, 17, 900, "Submitted", "ibg-a"),) if known else ()
    gateway.outcomes.append(broker)
    gateway.login()
    await gateway.connection.check()
    await gateway.connection.check()
    assert (await gateway.stored("a")).state.value == after
    assert (await gateway.stored("b")).state is OrderState.ACCEPTED


async def test_a_copy_is_a_copy_yet_where_the_executor_ended_before_it_could_ask_the_broker(
    gateway: ConnectionWorld,
) -> None:
    await gateway.ledger.accept(entry("a"))
    gateway.time.advance(timedelta(hours=20).total_seconds())
    for _ in range(3):
        await gateway.ledger.recover()
        await gateway.ledger.mark_written()
        gateway.time.advance(60)
    gateway.outcomes.append(FakeBroker(clock=lambda: gateway.time.now))
    gateway.login()
    await gateway.connection.check()
    await gateway.connection.check()
    assert (await gateway.stored("a")).state is OrderState.UNVERIFIED
    await gateway.ledger.recover()
    assert gateway.ledger.found.opened is None, "the broker has been asked: it is settled"


async def test_a_live_order_of_an_earlier_day_survives_a_broker_that_is_quiet_for_a_moment(
    gateway: ConnectionWorld,
) -> None:
    order = await gateway.order("a", OrderState.SENDING)
    seen = OrderStatusReport(order.order_id, 17, 900, "Submitted", order_ref="ibg-a")
    await gateway.ledger.observe(seen)
    gateway.time.advance(3 * 86400)
    broker = await gateway.connect()
    quiet = await gateway.stored("a")
    assert (quiet.state, quiet.reason) == (OrderState.UNKNOWN, "NotFoundAtBroker")
    broker.working = (seen,)
    gateway.time.advance(60)
    await gateway.connection.check()
    assert (await gateway.stored("a")).state is OrderState.WORKING


async def test_an_order_of_an_earlier_day_is_given_up_after_rounds_apart_in_time(
    gateway: ConnectionWorld,
) -> None:
    await gateway.order("a", OrderState.UNKNOWN)
    gateway.time.advance(3 * 86400)
    await gateway.connect()
    states = [(await gateway.stored("a")).state.value]
    for _ in range(2):
        gateway.time.advance(60)
        await gateway.connection.check()
        states.append((await gateway.stored("a")).state.value)
    assert states == ["Unknown", "Unknown", "Unverified"]


async def test_orders_bound_to_another_client_id_are_asked_for_every_minute(
    gateway: ConnectionWorld,
) -> None:
    order = await gateway.order("a", OrderState.SENDING)
    seen = OrderStatusReport(order.order_id, 17, 900, "Submitted", order_ref="ibg-a")
    await gateway.ledger.observe(seen)
    broker = FakeBroker(clock=lambda: gateway.time.now, client_id=18, working=(seen,))
    gateway.outcomes.append(broker)
    gateway.login()
    await gateway.connection.check()
    await gateway.connection.check()
    broker.completed = (replace(seen, order_id=0, client_id=0, status="Filled"),)
    gateway.time.advance(60)
    await gateway.connection.check()
    assert (await gateway.stored("a")).state is OrderState.FILLED


async def test_ibkrs_time_goes_on_whatever_our_clock_is_set_to(gateway: ConnectionWorld) -> None:
    assert gateway.current.time() is None
    await gateway.connect()
    start = gateway.current.time()
    assert start == gateway.time.now + timedelta(seconds=0.5)
    gateway.time.advance(30)
    gateway.time.now += timedelta(days=1)
    assert gateway.current.time() == start + timedelta(seconds=30)
