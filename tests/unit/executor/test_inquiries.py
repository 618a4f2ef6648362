"""When the broker is asked for what a second sending needs, and what becomes of its answers."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from executor_fakes import ConnectionWorld, FakeBroker, open_hooked
from ibgateway_api.executor_spec import ResendPolicy
from ibgateway_executor.broker.protocol import Disconnected, LinkLost, LinkRestored
from ibgateway_executor.orders.order import OrderReason, OrderState, move
from ibgateway_executor.orders.resend import resend

NOT_FOUND = partial(move, state=OrderState.UNKNOWN, reason=OrderReason.NOT_FOUND_AT_BROKER)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[ConnectionWorld]:
    world = ConnectionWorld(open_hooked(tmp_path / "ledger.db"))
    proven = {"resend": ResendPolicy.PROVEN}
    world.settings = world.settings.model_copy(update=proven)
    yield world
    world.ledger.close()


async def lost(gateway: ConnectionWorld) -> FakeBroker:
    """An order is parked, and the connection was made after that."""
    await gateway.order("a", OrderState.SENDING)
    await gateway.ledger.advance("a", NOT_FOUND)
    return await gateway.connect()


async def test_it_is_asked_once_the_link_has_been_good_for_a_minute(
    gateway: ConnectionWorld,
) -> None:
    broker = await lost(gateway)
    assert gateway.current.inquiry is None
    gateway.time.advance(61)
    await gateway.connection.check()
    inquiry = gateway.current.inquiry
    assert inquiry is not None
    assert (inquiry.healthy_seconds, inquiry.broker) == (61.0, broker)
    assert broker.positions_asked == 1


async def test_the_minute_begins_anew_with_each_loss_of_the_link(gateway: ConnectionWorld) -> None:
    broker = await lost(gateway)
    gateway.time.advance(50)
    gateway.receive(LinkLost("1100"))
    gateway.receive(LinkRestored())
    gateway.time.advance(15)
    await gateway.connection.check()
    assert (gateway.current.inquiry, broker.positions_asked) == (None, 0)
    gateway.time.advance(60)
    await gateway.connection.check()
    inquiry = gateway.current.inquiry
    assert inquiry is not None
    assert inquiry.healthy_seconds == 75.0


async def test_by_default_nothing_more_is_asked(gateway: ConnectionWorld) -> None:
    gateway.settings = gateway.settings.model_copy(update={"resend": ResendPolicy.NEVER})
    broker = await lost(gateway)
    gateway.time.advance(61)
    await gateway.connection.check()
    assert (gateway.current.inquiry, broker.positions_asked) == (None, 0)


async def test_nothing_is_asked_for_an_order_that_was_sent_twice(gateway: ConnectionWorld) -> None:
    broker = await lost(gateway)
    await gateway.ledger.advance("a", partial(resend, at=gateway.time.now))
    await gateway.ledger.advance("a", NOT_FOUND)
    gateway.time.advance(61)
    await gateway.connection.check()
    assert broker.positions_asked == 0


async def test_positions_that_are_not_told_cost_the_proof_and_nothing_else(
    gateway: ConnectionWorld,
) -> None:
    broker = await lost(gateway)
    broker.no_positions = True
    gateway.time.advance(61)
    await gateway.connection.check()
    assert gateway.current.inquiry is None
    assert gateway.state.reconciled
    assert not broker.closed


@pytest.mark.parametrize("event", [LinkLost("1100"), Disconnected("reset")])
async def test_the_answers_are_worth_nothing_once_the_link_is_gone(
    gateway: ConnectionWorld, event: LinkLost | Disconnected
) -> None:
    await lost(gateway)
    gateway.time.advance(61)
    await gateway.connection.check()
    gateway.receive(event)
    assert gateway.current.inquiry is None
    assert gateway.current.healthy_seconds() is None
