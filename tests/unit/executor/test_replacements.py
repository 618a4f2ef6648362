"""An order in place of another one: cancel, wait for the end, send the rest; never two alive."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor_fakes import NOON, TERMS, DispatchWorld, IntakeWorld, entry, open_hooked
from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.orders.broker_reports import FillReport, OrderEvent, OrderStatusReport
from ibgateway_executor.orders.order import (
    TERMINAL,
    UNSENT,
    Order,
    OrderState,
    OrderType,
    reserve,
)
from ibgateway_executor.orders.replacement import begin, settle

LIMIT = replace(TERMS, order_type=OrderType.LIMIT, limit_price=Decimal(190))


def status(text: str, filled: int = 0) -> OrderEvent:
    return OrderStatusReport(
        1, 17, 901, text, order_ref="ibg-a", filled=Decimal(filled), average_price=Decimal(190)
    )


async def working(dispatch: DispatchWorld, filled: int = 0) -> IntakeWorld:
    """An API before an order "a" for ten that the broker has."""
    await dispatch.order("a", LIMIT)
    await dispatch.dispatch()
    await dispatch.ledger.observe(status("Submitted", filled))
    await dispatch.dispatch()
    return IntakeWorld(dispatch.store, dispatch)


async def replaced(intake: IntakeWorld, key: str = "r1", **changes: Any) -> httpx.Response:
    """The answer to the request for another limit price, or with the changes."""
    body = changes or {"limitPrice": "191"}
    headers = {"Idempotency-Key": key}
    return await intake.http.post("/v1/orders/a/replace", json=body, headers=headers)


async def test_the_old_one_is_cancelled_and_the_rest_sent_once_it_has_ended(
    dispatch: DispatchWorld,
) -> None:
    intake = await working(dispatch, filled=4)
    answer = await replaced(intake)
    assert (answer.status_code, answer.headers["location"]) == (202, "/v1/orders/id0")
    told = answer.json()
    assert (told["replaces"], told["quantity"], told["limitPrice"]) == ("a", 10, "191")
    await dispatch.dispatch()
    assert dispatch.broker.cancelled == [1]
    assert await dispatch.states("id0") == [("Waiting", "ReplacedOrderWorks")]
    assert (await intake.http.get("/v1/orders/a")).json()["replacedBy"] == "id0"
    await dispatch.ledger.observe(status("Cancelled", filled=6))
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert dispatch.placed == ["a", "id0"]
    order = dispatch.broker.placed[1]
    assert (order.terms.quantity, order.terms.limit_price) == (4, Decimal(191))


async def test_the_quantity_that_is_wanted_has_what_was_filled_in_it(
    dispatch: DispatchWorld,
) -> None:
    intake = await working(dispatch, filled=4)
    await replaced(intake, quantity=25)
    await dispatch.ledger.observe(status("Cancelled", filled=4))
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert dispatch.broker.placed[1].terms.quantity == 21


@pytest.mark.parametrize("changes", [{"limitPrice": "191"}, {"quantity": 3}])
async def test_nothing_is_sent_where_all_of_it_was_filled(
    dispatch: DispatchWorld, changes: dict[str, Any]
) -> None:
    """The fill crosses the cancel."""
    intake = await working(dispatch)
    await replaced(intake, **changes)
    await dispatch.ledger.observe(
        FillReport(1, 17, 901, "ibg-a", "e", Decimal(10), Decimal("190.01"))
    )
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    assert await dispatch.states("a", "id0") == [("Filled", ""), ("Cancelled", "NothingLeft")]


async def test_a_fill_that_is_told_right_after_the_cancel_counts(dispatch: DispatchWorld) -> None:
    intake = await working(dispatch)
    await replaced(intake)
    await dispatch.ledger.observe(status("Cancelled"))
    await dispatch.dispatch()
    fill = FillReport(1, 17, 901, "ibg-a", "e", Decimal(7), Decimal("190.01"))
    await dispatch.ledger.observe(fill)
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert dispatch.broker.placed[1].terms.quantity == 3


async def test_an_unsent_order_is_replaced_at_once(dispatch: DispatchWorld) -> None:
    dispatch.broker.hours = "20261124:0930-20261124:1600"
    await dispatch.order("a", LIMIT)
    await dispatch.dispatch()
    await replaced(IntakeWorld(dispatch.store, dispatch), quantity=5)
    dispatch.time.set(NOON + timedelta(hours=23))
    dispatch.connection.clock_compared(timedelta(seconds=0.5))
    await dispatch.dispatch()
    assert [(o.id, o.terms.quantity) for o in dispatch.broker.placed] == [("id0", 5)]
    assert await dispatch.states("a") == [("Cancelled", "CancelledByClient")]


async def test_an_order_that_is_not_found_any_more_is_not_replaced(
    dispatch: DispatchWorld,
) -> None:
    """Nobody knows whether it is alive."""
    intake = await working(dispatch)
    await replaced(intake)
    await dispatch.ledger.advance("a", lambda o: replace(o, state=OrderState.UNKNOWN))
    dispatch.time.advance(60)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    await dispatch.ledger.advance("a", lambda o: replace(o, state=OrderState.UNVERIFIED))
    dispatch.time.advance(60)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    assert await dispatch.states("id0") == [("Rejected", "CannotReplace")]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda o: replace(o, state=OrderState.FILLED), "Filled already: place a new one"),
        (lambda o: replace(o, state=OrderState.UNKNOWN), "fate is not known"),
        (lambda o: replace(o, cancel_requested=True), "is being cancelled"),
        (lambda o: replace(o, replaced_by="b"), "order b replaces it already"),
        (
            lambda o: replace(o, rebalance="r1"),
            "cancel the rebalance with DELETE /v1/rebalances/r1",
        ),
    ],
)
async def test_what_can_not_be_replaced_is_refused(
    dispatch: DispatchWorld, step: Callable[[Order], Order], words: str
) -> None:
    intake = await working(dispatch)
    await dispatch.ledger.advance("a", step)
    answer = await replaced(intake)
    assert (answer.status_code, answer.json()["code"]) == (409, "CannotReplace")
    assert words in answer.json()["detail"]
    assert len(await dispatch.ledger.page(after=0, limit=9)) == 1


@pytest.mark.parametrize(
    ("changes", "status_code", "words"),
    [
        ({"note": "x"}, 422, "is not a field of this document"),
        ({"stopPrice": "1"}, 422, "takes no stopPrice"),
        ({"quantity": 0}, 422, "greater than or equal to 1"),
        ({"validUntil": "2026-11-23T16:00:00Z"}, 422, "validUntil is past"),
    ],
)
async def test_a_bad_replacement_is_refused(
    dispatch: DispatchWorld, changes: dict[str, Any], status_code: int, words: str
) -> None:
    answer = await replaced(await working(dispatch), **changes)
    assert (answer.status_code, words in answer.text) == (status_code, True)
    assert (await dispatch.stored("a")).cancel_requested is False


async def test_a_replacement_needs_a_change_and_a_key(dispatch: DispatchWorld) -> None:
    intake = await working(dispatch)
    path, body = "/v1/orders/a/replace", {"limitPrice": "191"}
    empty = await intake.http.post(path, json={}, headers={"Idempotency-Key": "k"})
    assert "say what is to be different" in empty.json()["detail"]
    assert (await intake.http.post(path, json=body)).json()["code"] == "IdempotencyKeyMissing"


async def test_a_repeated_request_is_one_order_and_another_one_under_its_key_is_refused(
    dispatch: DispatchWorld,
) -> None:
    intake = await working(dispatch)
    first, second = await replaced(intake), await replaced(intake, limitPrice="191.00")
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    other = await replaced(intake, limitPrice="192")
    assert (other.status_code, other.json()["code"]) == (422, "IdempotencyKeyReused")


async def test_two_replacements_at_once_are_one(dispatch: DispatchWorld) -> None:
    """Both have looked before either has stored."""
    intake = await working(dispatch)
    old = await dispatch.stored("a")
    await replaced(intake)
    late = replace(old, id="late", replaces="a", awaits_end=True, state=OrderState.ACCEPTED)
    late = replace(late, order_id=0, client_id=0, perm_id=0, sent_at=None)
    await dispatch.ledger.accept(replace(entry("late"), order=late))
    await dispatch.ledger.observe(status("Cancelled"))
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert dispatch.placed == ["a", "id0"]
    assert await dispatch.states("late") == [("Rejected", "CannotReplace")]


@pytest.mark.parametrize("point", ["stored", "linked", "cancel asked", "ended"])
async def test_a_crash_at_any_point_goes_on_where_it_was(tmp_path: Path, point: str) -> None:
    path = tmp_path / "ledger.db"
    before = DispatchWorld(open_hooked(path))
    await before.order("a", LIMIT)
    await before.dispatch()
    await before.ledger.observe(status("Submitted", 4))
    new = replace(entry("b", LIMIT).order, replaces="a", awaits_end=True)
    await before.ledger.accept(replace(entry("b"), order=new))
    if point != "stored":
        await before.ledger.advance("a", lambda o: begin(o, "b"))
    if point in ("cancel asked", "ended"):
        await before.dispatch()
    if point == "ended":
        await before.ledger.observe(status("Cancelled", 4))
    before.ledger.close()

    after = DispatchWorld(open_hooked(path))
    await after.ledger.begin("paper")
    await after.dispatch()
    assert after.placed == []
    if point != "ended":
        assert after.broker.cancelled == [1]
        await after.ledger.observe(status("Cancelled", 4))
    after.time.advance(1)
    await after.dispatch()
    assert [(o.id, o.terms.quantity) for o in after.broker.placed] == [("b", 6)]
    after.ledger.close()


STATES = st.sampled_from(OrderState)


@given(STATES, st.integers(0, 12), st.integers(1, 12), st.sampled_from(["", "b", "c"]))
def test_it_may_be_sent_only_when_the_old_one_has_ended_and_then_for_the_rest(
    state: OrderState, filled: int, wanted: int, by: str
) -> None:
    old = replace(
        entry("a").order, state=state, filled=Decimal(filled), replaced_by=by, updated_at=NOON
    )
    new = replace(entry("b", replace(TERMS, quantity=wanted)).order, replaces="a", awaits_end=True)
    with pytest.raises(IllegalMoveError):
        reserve(new, order_id=1, client_id=17, at=NOON)
    assert settle(new, old, NOON) == new or by == "c"
    after = settle(new, old, NOON + timedelta(seconds=1))
    if after.state in UNSENT and not after.awaits_end:
        assert state in TERMINAL - {OrderState.UNVERIFIED}
        assert by != "c"
        done = max(filled, old.terms.quantity) if state is OrderState.FILLED else filled
        assert after.terms.quantity == wanted - done > 0


async def test_no_more_than_twenty_orders_of_a_side_are_active(dispatch: DispatchWorld) -> None:
    for number in range(1, 21):
        await dispatch.order(f"o{number}", LIMIT)
        await dispatch.dispatch()
        dispatch.time.advance(1)
        await dispatch.ledger.observe(
            OrderStatusReport(number, 17, 900 + number, "Submitted", order_ref=f"ibg-o{number}")
        )
    await dispatch.order("o21", LIMIT)
    await dispatch.dispatch()
    assert len(dispatch.placed) == 20
    assert await dispatch.states("o21") == [("Waiting", "ActiveOrderLimit")]
    await dispatch.ledger.observe(
        OrderStatusReport(7, 17, 907, "Cancelled", order_ref="ibg-o7", filled=Decimal(0))
    )
    await dispatch.dispatch()
    assert dispatch.placed[-1] == "o21"


async def test_an_order_that_waits_for_another_ones_end_can_not_be_replaced(
    dispatch: DispatchWorld,
) -> None:
    """Its own end would say nothing about the first one, which may be alive."""
    intake = await working(dispatch)
    await replaced(intake)
    headers = {"Idempotency-Key": "r2"}
    answer = await intake.http.post(
        "/v1/orders/id0/replace", json={"limitPrice": "192"}, headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "CannotReplace")
    await dispatch.dispatch()
    dispatch.time.advance(60)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]


async def test_what_is_left_is_counted_when_the_broker_has_told_every_fill(
    dispatch: DispatchWorld,
) -> None:
    """The last fill is missed while the link is away, and told by the next reconciliation."""
    intake = await working(dispatch)
    await replaced(intake)
    await dispatch.ledger.observe(status("Cancelled"))
    dispatch.connection.link_lost("1100")
    dispatch.time.advance(60)
    await dispatch.dispatch()
    await dispatch.ledger.observe(
        FillReport(1, 17, 901, "ibg-a", "e", Decimal(7), Decimal("190.01"))
    )
    dispatch.connection.link_restored()
    dispatch.connection.reconciled()
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert [order.terms.quantity for order in dispatch.broker.placed] == [10, 3]


@pytest.mark.parametrize("skew", [-5.0, 5.0])
async def test_the_moment_for_the_last_fill_is_measured_by_one_clock(
    dispatch: DispatchWorld, skew: float
) -> None:
    intake = await working(dispatch)
    dispatch.connection.clock_compared(timedelta(seconds=skew))
    await replaced(intake)
    await dispatch.ledger.observe(status("Cancelled"))
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert dispatch.placed == ["a", "id0"]
