"""`POST /v1/cancel-all`: everything that has not ended, paused or not."""

from dataclasses import replace

import pytest

from executor_fakes import AAPL, TERMS, DispatchWorld, IntakeWorld
from ibgateway_api.gate import Closed, GateReason
from ibgateway_executor.orders.broker_reports import OrderStatusReport

BY = {"by": "R."}


async def world(dispatch: DispatchWorld) -> IntakeWorld:
    """One order works, one has an unknown fate, one is on its way, one is filled, two are unsent."""
    names = ("working", "lost", "filled", "sending", "unsent", "later")
    dispatch.broker.known = tuple(
        replace(AAPL, con_id=n, symbol=name.upper()) for n, name in enumerate(names, start=1)
    )
    for number, name in enumerate(names[:3], start=1):
        await dispatch.order(name, replace(TERMS, contract=dispatch.broker.known[number - 1]))
        await dispatch.dispatch()
        status = {"working": "Submitted", "filled": "Filled"}.get(name)
        if status:
            report = OrderStatusReport(number, 17, 900 + number, status, order_ref=f"ibg-{name}")
            await dispatch.ledger.observe(report)
        else:
            dispatch.time.advance(11)
            await dispatch.dispatch()
            dispatch.connection.reconciled()
    for number, name in enumerate(names[3:], start=3):
        await dispatch.order(name, replace(TERMS, contract=dispatch.broker.known[number]))
    await dispatch.dispatch()
    assert [state for state, _ in await dispatch.states(*names)] == [
        *("Working", "Unknown", "Filled", "Sending", "Accepted", "Accepted")
    ]
    return IntakeWorld(dispatch.store, dispatch)


async def test_it_cancels_what_is_unsent_and_asks_the_broker_about_the_rest(
    dispatch: DispatchWorld,
) -> None:
    intake = await world(dispatch)
    dispatch.gate = Closed(GateReason.PAUSED, "by R.")
    answer = await intake.http.post("/v1/cancel-all", json=BY)
    assert (answer.status_code, answer.json()) == (200, {"cancelled": 2, "asked": 2, "inDoubt": 1})
    await dispatch.dispatch()
    assert dispatch.broker.cancelled == [1]
    assert await dispatch.states("unsent", "later", "filled") == [
        ("Cancelled", "CancelledByClient"),
        ("Cancelled", "CancelledByClient"),
        ("Filled", ""),
    ]


@pytest.mark.parametrize(("number", "name"), [(2, "lost"), (4, "sending")])
async def test_an_order_that_turns_up_later_is_cancelled_then(
    dispatch: DispatchWorld, number: int, name: str
) -> None:
    intake = await world(dispatch)
    await intake.http.post("/v1/cancel-all", json=BY)
    order = await dispatch.stored(name)
    await dispatch.ledger.observe(
        OrderStatusReport(order.order_id, 17, 990, "Submitted", order_ref=f"ibg-{name}")
    )
    await dispatch.dispatch()
    assert order.order_id in dispatch.broker.cancelled


async def test_a_second_one_writes_the_cancels_again(dispatch: DispatchWorld) -> None:
    intake = await world(dispatch)
    told = []
    for _ in range(2):
        told.append((await intake.http.post("/v1/cancel-all", json=BY)).json())
        dispatch.time.advance(1)
        await dispatch.dispatch()
    assert told[1] == {"cancelled": 0, "asked": 2, "inDoubt": 1}
    assert dispatch.broker.cancelled == [1, 1]


async def test_the_history_says_that_a_client_cancelled_them(dispatch: DispatchWorld) -> None:
    intake = await world(dispatch)
    await intake.http.post("/v1/cancel-all", json=BY)
    for name in ("working", "lost", "unsent"):
        lines = (await intake.http.get(f"/v1/orders/{name}/history")).json()["history"]
        assert lines[-1]["cause"] == "client"


async def test_with_nothing_to_cancel_it_says_so(intake: IntakeWorld) -> None:
    answer = await intake.http.post("/v1/cancel-all", json=BY)
    assert answer.json() == {"cancelled": 0, "asked": 0, "inDoubt": 0}
    assert (await intake.http.post("/v1/cancel-all", json={})).status_code == 422
