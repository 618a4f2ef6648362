"""New orders in the ledger's file: each with an outcome of its own, whoever is in the same transaction."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from executor_fakes import NOON, accept, entry
from ibgateway_executor.errors import LedgerUnavailableError, OrderRefusedError
from ibgateway_executor.ledger.session import BAD_ROW
from ibgateway_executor.ledger.sqlite import OrderStore, SqliteStore
from ibgateway_executor.ledger.store import Answer, Entry, EntryResult
from ibgateway_executor.orders.broker_reports import OrderStatusReport


def named(name: str, **changes: object) -> Entry:
    return replace(entry(name), **changes)  # type: ignore[arg-type] # fields of an entry


def kinds(answers: Sequence[Answer]) -> list[str]:
    """Each answer in a word: its order's id, or what it was refused for."""
    return [_kind(answer) for answer in answers]


def _kind(answer: Answer) -> str:
    if isinstance(answer, OrderRefusedError):
        return answer.code
    if isinstance(answer, Exception):
        return "refused row" if isinstance(answer, BAD_ROW) else type(answer).__name__
    return f"{answer.order.id}{'' if answer.new else ' again'}"


def test_an_entry_that_fails_in_a_shared_commit_fails_alone(store: OrderStore) -> None:
    accept(store, entry("old"))
    surrogate = entry("bad").order
    surrogate = replace(surrogate, message="\ud800")
    told = store.accept(
        [
            entry("a"),
            named("old", hash="other"),
            named("refused", refusal=OrderRefusedError(422, "OrderValueLimit", "too large")),
            named("b", day_limit=3),
            named("bad", order=surrogate),
            named("c", order=replace(entry("c").order, id="a")),
            entry("old"),
            named("d", day_limit=4),
            entry("b"),
            named("b", hash="other"),
            entry("bad"),
        ],
        NOON,
    )
    assert kinds(told) == [
        "a",
        "IdempotencyKeyReused",
        "OrderValueLimit",
        "b",
        "refused row",
        "refused row",
        "old again",
        "DailyOrderLimit",
        "b again",
        "IdempotencyKeyReused",
        "refused row",
    ]
    assert [order.id for order in store.active()] == ["old", "a", "b"]
    assert kinds([accept(store, entry("next"))]) == ["next"]


def test_a_day_has_room_for_as_many_as_its_limit_says(store: OrderStore) -> None:
    limited = [named(f"o{n}", day_limit=5) for n in range(8)]
    assert kinds(store.accept(limited[:3], NOON)) == ["o0", "o1", "o2"]
    assert kinds(store.accept(limited, NOON)) == [
        *("o0 again", "o1 again", "o2 again", "o3", "o4"),
        *["DailyOrderLimit"] * 3,
    ]
    tomorrow = NOON + timedelta(days=1)
    late = replace(entry("t").order, accepted_at=tomorrow)
    fresh = named("t", order=late, day_start=tomorrow, day_limit=1)
    assert kinds(store.accept([fresh], tomorrow)) == ["t"]
    assert kinds(store.accept([named("o9", day_limit=7), named("o10", day_limit=7)], NOON)) == [
        "o9",
        "DailyOrderLimit",
    ]


def test_orders_that_were_not_committed_do_not_count(store: SqliteStore) -> None:
    assert kinds(store.accept([named("a", day_limit=3)], NOON)) == ["a"]
    cursor = store._file.engine.raw_connection().cursor()
    cursor.execute("PRAGMA query_only=ON")
    with pytest.raises(LedgerUnavailableError):
        store.accept([named("b", day_limit=3)], NOON)
    cursor.execute("PRAGMA query_only=OFF")
    again = [named(f"c{n}", day_limit=3) for n in range(3)]
    assert kinds(store.accept(again, NOON)) == ["c0", "c1", "DailyOrderLimit"]


class FailingCommit:
    """A driver that can't commit while `full`; the rest is the real one's."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        self.full = True
        self._driver = driver

    @property
    def in_transaction(self) -> bool:
        return self._driver.in_transaction

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        if statement == "COMMIT" and self.full:
            raise sqlite3.OperationalError("database or disk is full")
        return self._driver.execute(statement, values)


def test_orders_whose_commit_failed_do_not_count(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kinds(store.accept([named("a", day_limit=3)], NOON)) == ["a"]
    driver = FailingCommit(store._file.driver)
    monkeypatch.setattr(store._file, "_driver", driver)
    with pytest.raises(LedgerUnavailableError):
        store.accept([named("b", day_limit=3)], NOON)
    driver.full = False
    again = [named(f"c{n}", day_limit=3) for n in range(3)]
    assert kinds(store.accept(again, NOON)) == ["c0", "c1", "DailyOrderLimit"]


def test_an_order_of_the_day_before_does_not_count_today(store: OrderStore) -> None:
    tomorrow = NOON + timedelta(days=1)

    def new(name: str) -> Entry:
        order = replace(entry(name).order, accepted_at=tomorrow)
        return named(name, order=order, day_start=tomorrow, day_limit=2)

    assert kinds(store.accept([new("a")], tomorrow)) == ["a"]
    assert kinds(store.accept([entry("late")], tomorrow)) == ["late"]
    assert kinds(store.accept([new("b"), new("c")], tomorrow)) == ["b", "DailyOrderLimit"]


def test_nobody_else_can_take_a_key_that_was_found_to_be_free(
    store: SqliteStore, tmp_path: Path
) -> None:
    told: list[str] = []
    other = sqlite3.connect(tmp_path / "ledger.db", timeout=0, isolation_level=None)

    def look(statement: str) -> None:
        if statement.startswith("INSERT INTO jobs"):
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                told.append(str(error))

    store._file.driver.set_trace_callback(look)
    assert kinds(store.accept([entry("a")], NOON)) == ["a"]
    store._file.driver.set_trace_callback(None)
    other.close()
    assert told == ["database is locked"]


def test_the_answer_is_what_will_be_read_later(store: OrderStore) -> None:
    new_york = timezone(timedelta(hours=-5))
    until = datetime(2026, 11, 23, 16, 0, tzinfo=new_york)
    made = accept(store, named("a", order=replace(entry("a").order, valid_until=until))).order
    assert (made, made.valid_until.tzinfo) == (store.find("a"), UTC)


def test_what_the_broker_told_of_some_is_in_the_answers(store: OrderStore) -> None:
    told = OrderStatusReport(7, 17, 5, "Submitted", order_ref="ibg-b")
    store.observe([told, replace(told, order_ref="ibg-other")], NOON)
    answers = store.accept([entry("a"), entry("b"), entry("c")], NOON)
    orders = [answer.order for answer in answers if isinstance(answer, EntryResult)]
    assert [(o.state.value, o.order_id) for o in orders] == [
        ("Accepted", 0),
        ("Working", 7),
        ("Accepted", 0),
    ]
    assert store.active() == orders


def test_what_the_broker_told_counts_also_beside_an_entry_that_fails(store: OrderStore) -> None:
    told = OrderStatusReport(7, 17, 5, "Submitted", order_ref="ibg-a")
    store.observe([told], NOON)
    bad = replace(entry("bad").order, message="\ud800")
    answers = store.accept([entry("a"), named("bad", order=bad)], NOON)
    assert kinds(answers) == ["a", "refused row"]
    found = store.find("a")
    assert found is not None
    assert (found.state.value, found.order_id) == ("Working", 7)


def test_who_reads_needs_no_transaction_of_the_writers(store: SqliteStore) -> None:
    accept(store, entry("a"))
    store._file.driver.execute("BEGIN IMMEDIATE")
    store._file.driver.execute("UPDATE jobs SET state = 'Waiting'")
    assert [store.find("a")] == store.page(after=0, limit=9, state="Accepted")
    store._file.driver.execute("COMMIT")
    assert [store.find("a")] == store.page(after=0, limit=9, state="Waiting")
