"""A client's DELETE up to the cancel that is written, and again where the broker has ignored it."""

import asyncio
from decimal import Decimal

import pytest

from executor_fakes import NOON, DispatchWorld, IntakeWorld, observe
from ibgateway_executor.ledger.store import Step
from ibgateway_executor.orders.broker_reports import OrderError, OrderStatusReport
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.orders.order import Order

CANNOT_CANCEL = OrderError(1, 17, 161, "Cancel attempted when order is not in a cancellable state")


async def working(dispatch: DispatchWorld) -> IntakeWorld:
    """An API before an order "a" that the broker has."""
    await dispatch.order("a")
    await dispatch.dispatch()
    await dispatch.ledger.observe(OrderStatusReport(1, 17, 900, "Submitted", order_ref="ibg-a"))
    return IntakeWorld(dispatch.store, dispatch)


async def written(intake: IntakeWorld) -> object:
    """What the order says about its cancel."""
    return (await intake.http.get("/v1/orders/a")).json().get("cancelWritten")


async def test_a_second_delete_writes_the_cancel_again_after_the_broker_ignored_the_first(
    dispatch: DispatchWorld,
) -> None:
    intake = await working(dispatch)
    assert await written(intake) is None
    answer = await intake.http.delete("/v1/orders/a")
    assert (answer.status_code, answer.json()["cancelWritten"]) == (202, False)
    await dispatch.dispatch()
    assert await written(intake) is True
    await dispatch.ledger.observe(CANNOT_CANCEL)
    dispatch.time.advance(1)
    answer = await intake.http.delete("/v1/orders/a")
    assert (answer.status_code, answer.json()["cancelWritten"]) == (202, False)
    await dispatch.dispatch()
    assert await written(intake) is True
    assert dispatch.broker.cancelled == [1, 1]


async def test_a_delete_answers_what_has_become_of_its_cancel(dispatch: DispatchWorld) -> None:
    intake = await working(dispatch)
    dispatch.cancels._answer_seconds = 60
    for times in (1, 2):
        deleting = asyncio.create_task(intake.http.delete("/v1/orders/a"))
        while len(dispatch.broker.cancelled) < times:
            await dispatch.dispatch()
        answer = await deleting
        assert (answer.status_code, answer.json()["cancelWritten"]) == (202, True)
        assert answer.json()["state"] == "Working"
        dispatch.time.advance(1)


async def test_a_delete_that_crosses_the_end_shows_the_end(dispatch: DispatchWorld) -> None:
    intake = await working(dispatch)
    dispatch.cancels._answer_seconds = 60
    filled = OrderStatusReport(1, 17, 900, "Filled", filled=Decimal(10))
    dispatch.broker.on_cancel = lambda: observe(dispatch.store, filled, NOON)
    deleting = asyncio.create_task(intake.http.delete("/v1/orders/a"))
    while not dispatch.broker.cancelled:
        await dispatch.dispatch()
    answer = (await deleting).json()
    assert (answer["state"], answer["cancelWritten"]) == ("Filled", True)


async def test_a_cancel_that_is_written_before_the_delete_waits_for_it_is_the_only_one(
    dispatch: DispatchWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dispatcher sees the wish as soon as it is in the ledger, which may be sooner than its client's request."""
    intake = await working(dispatch)
    advance = dispatch.ledger.advance

    async def dispatched_meanwhile(order_uid: str, step: Step, cause: ChangeCause) -> Order:
        after = await advance(order_uid, step, cause)
        await dispatch.dispatch()
        return after

    with monkeypatch.context() as at_once:
        at_once.setattr(dispatch.ledger, "advance", dispatched_meanwhile)
        answer = await intake.http.delete("/v1/orders/a")
    assert answer.json()["cancelWritten"] is True
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert dispatch.broker.cancelled == [1]
    await intake.http.delete("/v1/orders/a")
    await dispatch.dispatch()
    assert dispatch.broker.cancelled == [1, 1]


async def test_deletes_without_pause_write_one_cancel_a_second(dispatch: DispatchWorld) -> None:
    intake = await working(dispatch)
    for _ in range(20):
        await intake.http.delete("/v1/orders/a")
        await dispatch.dispatch()
    assert dispatch.broker.cancelled == [1]
    assert await written(intake) is False
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert dispatch.broker.cancelled == [1, 1]


async def test_a_cancel_without_a_link_has_not_been_written(dispatch: DispatchWorld) -> None:
    intake = await working(dispatch)
    dispatch.connection.link_lost("1100: lost")
    await intake.http.delete("/v1/orders/a")
    await dispatch.dispatch()
    assert await written(intake) is False
    assert dispatch.broker.cancelled == []
