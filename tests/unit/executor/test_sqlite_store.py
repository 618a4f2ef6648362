"""The SQLite store on a real file."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from executor_fakes import accept, observe
from ibgateway_executor.errors import IllegalMoveError, OrderRefusedError, StartRefusedError
from ibgateway_executor.ledger.sqlite import OrderStore, SqliteStore, open_sqlite
from ibgateway_executor.ledger.store import Entry
from ibgateway_executor.orders.broker_reports import FillReport, OrderError, OrderStatusReport
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderState,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
    cancel,
    move,
)
from ibgateway_executor.orders.resend import park, resend
from ibgateway_executor.orders.restored import LedgerSnapshot

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
TERMS = OrderTerms(
    "DU1234567",
    Contract(265598, "AAPL", primary_exchange="NASDAQ"),
    Side.SELL,
    10,
    OrderType.LIMIT,
    Decimal("190.2500"),
    TimeInForce.GTC,
)


def entry(name: str, *, key: str = "", hashed: str = "h", limit: int | None = None) -> Entry:
    order = Order(name, 0, TERMS, accepted_at=NOON, valid_until=NOON + timedelta(hours=4))
    return Entry(key or name, hashed, order, None, NOON - timedelta(hours=12), limit)


def accepted(store: OrderStore, name: str) -> Order:
    return accept(store, entry(name))[0]


def test_an_order_comes_back_exactly_as_it_went_in(store: OrderStore) -> None:
    stored = accepted(store, "a")
    assert stored == replace(entry("a").order, sequence=1, updated_at=NOON)
    assert store.find("a") == stored
    assert stored.terms.limit_price == Decimal("190.2500")
    assert store.find("b") is None


def test_one_key_is_one_order(store: OrderStore) -> None:
    first, new = accept(store, entry("a", key="k"))
    again, repeated = accept(store, entry("b", key="k"))
    assert (new, repeated) == (True, False)
    assert again == first
    with pytest.raises(OrderRefusedError, match="which was a different request") as refused:
        accept(store, entry("c", key="k", hashed="other"))
    assert refused.value.status == 422
    assert [order.id for order in store.active()] == ["a"]


def test_a_refusal_stops_new_orders_but_not_the_answer_to_an_old_one(store: OrderStore) -> None:
    accept(store, entry("a", key="k"))
    refusal = OrderRefusedError(422, "OrderValueLimit", "too large")
    again, new = accept(store, replace(entry("b", key="k"), refusal=refusal))
    assert (again.id, new) == ("a", False)
    with pytest.raises(OrderRefusedError, match="too large"):
        accept(store, replace(entry("c"), refusal=refusal))


def test_the_daily_limit_counts_todays_orders(store: OrderStore) -> None:
    yesterday = replace(entry("old").order, accepted_at=NOON - timedelta(hours=13))
    accept(store, replace(entry("old"), order=yesterday))
    accept(store, entry("a", limit=1))
    with pytest.raises(OrderRefusedError, match="maxOrdersPerDay is 1") as refused:
        accept(store, entry("b", limit=1))
    assert refused.value.status == 429


@pytest.mark.parametrize(
    ("next_valid_ids", "reserved"),
    [([1, 1, 1], [1, 2, 3]), ([5, 3, 9], [5, 6, 9]), ([38103, 38099], [38103, 38104])],
)
def test_an_order_id_is_never_reserved_twice(
    store: OrderStore, next_valid_ids: list[int], reserved: list[int]
) -> None:
    ids = []
    for number, next_valid_id in enumerate(next_valid_ids):
        accepted(store, f"j{number}")
        change = store.reserve(f"j{number}", client_id=17, next_valid_id=next_valid_id, at=NOON)
        ids.append(change.after.order_id)
    assert ids == reserved


def test_a_cancel_that_came_first_keeps_an_order_from_being_reserved(store: OrderStore) -> None:
    accepted(store, "a")
    store.advance({"a": lambda order: move(order, OrderState.CANCELLED)}, NOON)
    with pytest.raises(IllegalMoveError):
        store.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    assert store.active() == []
    accepted(store, "b")
    assert store.reserve("b", client_id=17, next_valid_id=1, at=NOON).after.order_id == 1


def test_what_was_being_sent_is_unknown_after_a_restart(store: SqliteStore, tmp_path: Path) -> None:
    accepted(store, "a")
    accepted(store, "b")
    store.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    store.close()
    reopened = open_sqlite(tmp_path / "ledger.db")
    lost = reopened.recover(NOON)
    assert [(order.id, order.state, order.reason) for _, order in lost] == [
        ("a", OrderState.UNKNOWN, "ExecutorRestarted")
    ]
    assert [order.state.value for order in reopened.active()] == ["Unknown", "Accepted"]
    reopened.close()


def test_broker_events_find_their_order(store: OrderStore) -> None:
    accepted(store, "a")
    store.reserve("a", client_id=17, next_valid_id=7, at=NOON)
    assert observe(store, OrderStatusReport(7, 18, 5, "Submitted"), NOON) is None
    assert observe(store, OrderError(8, 17, 201, "other"), NOON) is None
    told = observe(store, OrderStatusReport(7, 17, 5, "Submitted", order_ref="ibg-a"), NOON)
    assert told is not None
    assert (told[0].state, told[1].state) == (OrderState.SENDING, OrderState.WORKING)
    told = observe(store, OrderStatusReport(7, 17, 5, "Submitted"), NOON)
    assert told is not None
    assert told.after == told.before
    ended = OrderStatusReport(0, 0, 5, "Filled", order_ref="ibg-a", filled=Decimal(10))
    told = observe(store, ended, NOON)
    assert told is not None
    assert (told[1].state, told[1].filled) == (OrderState.FILLED, Decimal(10))
    assert store.active() == []
    fill = FillReport(7, 17, 5, "ibg-a", "e", Decimal(10), Decimal("190.3"))
    told = observe(store, fill, NOON)
    assert told is not None
    assert told.after == told.before


def test_a_copy_of_the_ledger_learns_what_was_sent_since(
    store: SqliteStore, tmp_path: Path
) -> None:
    accepted(store, "a")
    copy = tmp_path / "copy.db"
    with sqlite3.connect(tmp_path / "ledger.db") as here, sqlite3.connect(copy) as there:
        here.backup(there)
    store.reserve("a", client_id=17, next_valid_id=7, at=NOON)
    restored = open_sqlite(copy)
    fill = FillReport(7, 17, 5, "ibg-a", "e", Decimal(10), Decimal("190.3"))
    told = observe(restored, fill, NOON)
    assert told is not None
    assert (told.before.state.value, told.after.state.value) == ("Accepted", "Filled")
    assert (told.after.order_id, told.after.client_id) == (7, 17)
    with pytest.raises(IllegalMoveError):
        restored.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    restored.close()


def test_what_the_broker_told_before_a_request_came_again_counts(store: OrderStore) -> None:
    fill = FillReport(7, 17, 5, "ibg-a", "e", Decimal(10), Decimal("190.3"))
    working = OrderStatusReport(8, 17, 6, "Submitted", order_ref="ibg-b", filled=Decimal(1))
    for event in (fill, fill, working, replace(working, order_ref="by-hand")):
        assert observe(store, event, NOON) is None
    found = [accepted(store, name) for name in ("a", "b", "c")]
    assert [(o.state.value, o.order_id, o.filled) for o in found] == [
        ("Filled", 7, Decimal(10)),
        ("Working", 8, Decimal(1)),
        ("Accepted", 0, Decimal(0)),
    ]


def test_a_ledger_says_when_it_was_written_last(store: OrderStore) -> None:
    assert store.snapshot() == LedgerSnapshot(None, 0)
    accepted(store, "a")
    assert store.snapshot() == LedgerSnapshot(NOON, 1)
    store.mark_written(NOON + timedelta(minutes=1))
    assert store.snapshot() == LedgerSnapshot(NOON + timedelta(minutes=1), 1)
    store.advance({"a": cancel}, NOON + timedelta(minutes=2))
    assert store.snapshot() == LedgerSnapshot(NOON + timedelta(minutes=2), 1)


def test_a_resolution_and_the_brokers_words_come_back(store: OrderStore) -> None:
    accepted(store, "a")

    def resolved(order: Order) -> Order:
        return replace(order, broker_message="103: duplicate", resolution="giveUp", note="n")

    store.advance({"a": resolved}, NOON)
    assert store.find("a") == replace(resolved(entry("a").order), sequence=1, updated_at=NOON)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda s: s.active(), "jobs_by_state"),
        (
            lambda s: observe(s, OrderStatusReport(7, 17, 5, "Filled", "ibg-a"), NOON),
            "sqlite_autoindex_jobs_3",
        ),
        (lambda s: observe(s, OrderStatusReport(7, 17, 5, "Filled"), NOON), "jobs_by_perm_id"),
        (lambda s: observe(s, OrderStatusReport(7, 17, 5, "Filled"), NOON), "jobs_by_order"),
        (lambda s: observe(s, OrderError(7, 17, 201, "no"), NOON), "jobs_by_order"),
    ],
    ids=["the start", "by orderRef", "by permanent id", "by ids", "an error"],
)
def test_what_is_asked_all_the_time_is_served_by_an_index(
    store: SqliteStore, ask: Callable[[SqliteStore], object], index: str
) -> None:
    asked: list[str] = []
    store._file.driver.set_trace_callback(asked.append)
    ask(store)
    store._file.driver.set_trace_callback(None)
    plans = [
        row[3]
        for statement in asked
        if statement.startswith("SELECT ")
        for row in store._file.driver.execute(f"EXPLAIN QUERY PLAN {statement}")
    ]
    assert any(index in plan for plan in plans)
    assert not any(plan.startswith(("SCAN", "MULTI-INDEX")) for plan in plans)


def test_many_steps_are_one_transaction_and_a_forbidden_one_is_skipped(store: OrderStore) -> None:
    for name in ("a", "b"):
        accepted(store, name)
    store.advance({"a": lambda order: move(order, OrderState.CANCELLED)}, NOON)
    changes = store.advance(
        {
            name: lambda order: move(order, OrderState.WAITING, reason="NoNews")
            for name in ("a", "b")
        },
        NOON,
    )
    assert [after.id for before, after in changes if after != before] == ["b"]
    assert [after.state.value for _, after in changes] == ["Cancelled", "Waiting"]
    assert len(store.page(after=0, limit=9, state="Waiting")) == 1


def test_pages_go_on_where_the_last_one_ended(store: OrderStore) -> None:
    for name in ("a", "b", "c"):
        accepted(store, name)
    assert [order.id for order in store.page(after=0, limit=2, state=None)] == ["a", "b"]
    assert [order.id for order in store.page(after=2, limit=2, state=None)] == ["c"]
    assert store.page(after=0, limit=2, state="Filled") == []


def test_every_commit_is_on_disk_when_it_returns(store: SqliteStore, tmp_path: Path) -> None:
    accepted(store, "a")
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert other.execute("SELECT id FROM jobs").fetchall() == [("a",)]
    other.close()
    with store._file.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


def test_a_ledger_keeps_its_mode_and_its_accounts(store: OrderStore) -> None:
    store.stamp("paper")
    with pytest.raises(StartRefusedError, match="belongs to a paper gateway"):
        store.stamp("live")
    assert store.accounts() == ()
    assert store.claim(("DU1",)) == ("DU1",)
    assert store.claim(("DU2",)) == ("DU1",)
    assert store.accounts() == ("DU1",)


def test_a_damaged_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StartRefusedError, match="restore the volume"):
        open_sqlite(path)
    with pytest.raises(StartRefusedError, match="can't be used"):
        open_sqlite(tmp_path / "missing" / "ledger.db")


def test_a_second_sending_is_written_with_its_proofs_and_only_once(store: OrderStore) -> None:
    accepted(store, "a")
    store.reserve("a", client_id=17, next_valid_id=7, at=NOON, position=Decimal("30"))
    store.advance({"a": partial(park, message="parked")}, NOON)
    later = NOON + timedelta(minutes=2)
    again = store.prove("a", partial(resend, at=later), {"gate": "open"}, later)
    assert (again.before.state, again.after.state) == ("Unknown", "Sending")
    found = store.find("a")
    assert found is not None
    assert (found.position_at_sending, found.resent_at) == (Decimal(30), later)
    assert (found.order_id, found.sent_at, found.updated_at) == (7, NOON, later)
    line = store.history(found.sequence, after=0, limit=9)[-1]
    assert (line.before, line.state, line.cause) == ("Unknown", "Sending", "executor")
    assert line.evidence == {"resentAt": later.isoformat(), "resend": {"gate": "open"}}
    assert [change.after.state for change in store.recover(later)] == ["Unknown"]
    parked_again = partial(move, state=OrderState.UNKNOWN, reason="NotFoundAtBroker")
    store.advance({"a": parked_again}, later)
    with pytest.raises(IllegalMoveError):
        store.prove("a", partial(resend, at=later), {}, later)
    assert len(store.history(found.sequence, after=0, limit=9)) == 6


def test_proofs_that_did_not_do_are_a_line_too(store: OrderStore) -> None:
    accepted(store, "a")
    store.prove("a", lambda order: order, {"gate": "Paused"}, NOON)
    line = store.history(1, after=1, limit=9)[0]
    assert (line.before, line.state) == ("Accepted", "Accepted")
    assert line.evidence == {"resend": {"gate": "Paused"}}


def test_the_highest_id_that_the_broker_has_told_of_is_known_by_client(store: OrderStore) -> None:
    for name in "abcd":
        accepted(store, name)
    assert store.acknowledged_id(17) == 0
    for name, client_id in (("a", 17), ("b", 17), ("c", 17), ("d", 18)):
        store.reserve(name, client_id=client_id, next_valid_id=3, at=NOON)
    assert store.acknowledged_id(17) == 0
    observe(store, OrderStatusReport(4, 17, 901, "Submitted", "ibg-b"), NOON)
    observe(store, OrderStatusReport(6, 18, 902, "Submitted", "ibg-d"), NOON)
    assert (store.acknowledged_id(17), store.acknowledged_id(18)) == (4, 6)
    observe(store, OrderError(5, 17, 103, "Duplicate order id"), NOON)
    assert store.acknowledged_id(17) == 5
    observe(store, OrderStatusReport(4, 17, 901, "Cancelled", "ibg-b"), NOON)
    store.archive(NOON + timedelta(days=40))
    assert store.acknowledged_id(17) == 5
