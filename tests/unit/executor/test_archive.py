"""Orders that ended long ago: out of the way, and never forgotten."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from executor_fakes import NOON, IntakeWorld, entry, observe
from ibgateway_executor.errors import IllegalMoveError, OrderRefusedError
from ibgateway_executor.ledger.housekeeping import keep_archiving
from ibgateway_executor.ledger.sqlite import OrderStore
from ibgateway_executor.ledger.store import EntryResult
from ibgateway_executor.orders.broker_reports import FillReport, OrderStatusReport
from ibgateway_executor.orders.order import Order, OrderState, cancel, expire, move

MONTH = timedelta(days=30)
LATER = NOON + timedelta(days=40)


def ended(store: OrderStore, name: str, state: OrderState = OrderState.CANCELLED) -> Order:
    """An order that was sent on that day, and has ended."""
    store.accept([entry(name)], NOON)
    store.reserve(name, client_id=17, next_valid_id=1, at=NOON)
    store.advance({name: lambda order: move(order, OrderState.WORKING)}, NOON)
    return store.advance({name: lambda order: move(order, state)}, NOON)[0].after


def rows(store: OrderStore, table: str) -> list[str]:
    """Ids in a table."""
    with store._database.writing() as connection:
        found = connection.execute(text(f"SELECT id FROM {table} ORDER BY sequence"))  # noqa: S608
        return [row[0] for row in found]


def archive(store: OrderStore) -> int:
    return store.archive(LATER - MONTH)


def test_what_has_ended_long_ago_is_in_no_list_and_is_found_by_its_id(store: OrderStore) -> None:
    order = ended(store, "a")
    store.accept([entry("b")], NOON)
    assert archive(store) == 1
    assert archive(store) == 0
    assert (rows(store, "jobs"), rows(store, "archived_jobs")) == (["b"], ["a"])
    assert store.find("a") == order
    assert sorted(o.id for o in store.find_all(["a", "b", "c"])) == ["a", "b"]
    assert store.find_all([]) == []
    assert [o.id for o in store.page(after=0, limit=9, state=None)] == ["b"]


@pytest.mark.parametrize(
    ("state", "away"),
    [
        (OrderState.FILLED, True),
        (OrderState.CANCELLED, True),
        (OrderState.REJECTED, True),
        (OrderState.WORKING, False),
        (OrderState.UNKNOWN, False),
        (OrderState.UNVERIFIED, False),
    ],
)
def test_only_what_has_ended_without_a_doubt_is_put_away(
    store: OrderStore, state: OrderState, away: bool
) -> None:
    ended(store, "a", state)
    assert archive(store) == int(away)


def test_what_has_expired_is_put_away(store: OrderStore) -> None:
    store.accept([entry("a")], NOON)
    store.advance({"a": lambda order: expire(order, order.valid_until)}, NOON)
    assert archive(store) == 1


def test_what_has_ended_since_is_not_put_away(store: OrderStore) -> None:
    ended(store, "a")
    store.advance({"a": lambda order: replace(order, note="seen")}, LATER)
    assert archive(store) == 0


def test_a_key_finds_its_archived_order_and_no_other_request_gets_it(store: OrderStore) -> None:
    order = ended(store, "a")
    archive(store)
    again, other = store.accept([entry("a"), replace(entry("a"), hash="other")], LATER)
    assert again == EntryResult(order, new=False)
    assert isinstance(other, OrderRefusedError)
    assert other.code == "IdempotencyKeyReused"
    assert rows(store, "jobs") == []


def test_a_number_is_never_given_twice(store: OrderStore) -> None:
    ended(store, "a")
    archive(store)
    store.accept([entry("b")], LATER)
    found = store.find("b")
    assert found is not None
    assert found.sequence == 2


def test_a_fill_that_is_told_late_brings_the_order_back(store: OrderStore) -> None:
    order = ended(store, "a")
    archive(store)
    fill = FillReport(order.order_id, 17, 900, "ibg-a", "e", Decimal(10), Decimal("190.01"))
    told = observe(store, fill, LATER)
    assert told is not None
    assert told.after == store.find("a")
    assert (told.after.state, told.after.sequence) == (OrderState.FILLED, 1)
    assert (rows(store, "jobs"), rows(store, "archived_jobs")) == (["a"], [])
    again, fresh = store.accept([entry("a"), entry("b")], LATER)
    assert isinstance(again, EntryResult)
    assert isinstance(fresh, EntryResult)
    assert (again.new, fresh.new) == (False, True)


def test_a_report_that_says_nothing_new_leaves_it_there(store: OrderStore) -> None:
    ended(store, "a")
    archive(store)
    report = OrderStatusReport(0, 0, 0, "Cancelled", order_ref="ibg-a")
    told = observe(store, report, LATER)
    assert told is not None
    assert told.after == told.before
    assert rows(store, "archived_jobs") == ["a"]
    with store._database.writing() as connection:
        assert connection.execute(text("SELECT count(*) FROM sightings")).scalar_one() == 0


def test_a_step_that_is_forbidden_leaves_it_there(store: OrderStore) -> None:
    order = ended(store, "a")
    archive(store)
    (change,) = store.advance({"a": cancel}, LATER)
    assert (change.before, change.after) == (order, order)
    assert rows(store, "archived_jobs") == ["a"]


def test_an_archived_order_is_never_sent(store: OrderStore) -> None:
    ended(store, "a")
    archive(store)
    with pytest.raises(IllegalMoveError):
        store.reserve("a", client_id=17, next_valid_id=1, at=LATER)
    assert rows(store, "archived_jobs") == ["a"]


def test_what_is_archived_counts_among_its_days_orders(store: OrderStore) -> None:
    ended(store, "a")
    store.accept([entry("b")], NOON)
    day = (NOON - timedelta(hours=12), NOON + timedelta(hours=12))
    before = store.day_tally(*day, 1), store.day_tally(*day, 2)
    archive(store)
    assert (store.day_tally(*day, 1), store.day_tally(*day, 2)) == before
    assert (before[0].accepted, before[0].left, before[0].last) == (2, 1, 1)
    assert before[1].last == 2


async def test_over_http_an_archived_order_is_there_and_can_not_be_cancelled(
    intake: IntakeWorld,
) -> None:
    placed = (await intake.place()).json()["id"]
    assert (await intake.http.delete(f"/v1/orders/{placed}")).status_code == 200
    await intake.ledger.archive(NOON + MONTH)
    found = await intake.http.get(f"/v1/orders/{placed}")
    assert (found.status_code, found.json()["state"]) == (200, "Cancelled")
    assert (await intake.http.get("/v1/orders")).json()["orders"] == []
    assert (await intake.http.delete(f"/v1/orders/{placed}")).status_code == 200
    again = await intake.place()
    assert (again.status_code, again.json()["id"]) == (200, placed)


@pytest.mark.parametrize(("days", "left"), [(0, 1), (30, 0), (60, 1)])
async def test_orders_are_put_away_after_a_time_of_ones_choice(
    intake: IntakeWorld, days: int, left: int
) -> None:
    placed = (await intake.place()).json()["id"]
    await intake.http.delete(f"/v1/orders/{placed}")
    intake.time.advance(40 * 24 * 3600)
    done = asyncio.Event()

    async def sleep(seconds: float) -> None:
        if seconds >= 3600:
            done.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(
        keep_archiving(intake.ledger, lambda: days, intake.time.clock, sleep)
    )
    await done.wait()
    task.cancel()
    assert len((await intake.http.get("/v1/orders")).json()["orders"]) == left
