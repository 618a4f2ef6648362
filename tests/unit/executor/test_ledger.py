"""The ledger on a real file."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ibgateway_executor.errors import IllegalMoveError, OrderRefusedError, StartRefusedError
from ibgateway_executor.ledger.sqlite import Entry, Ledger, open_ledger
from ibgateway_executor.orders.broker_reports import FillReport, OrderError, OrderStatusReport
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderState,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
    move,
)

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


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path / "ledger.db")
    opened.stamp("paper")
    yield opened
    opened.close()


def entry(name: str, *, key: str = "", hashed: str = "h", limit: int | None = None) -> Entry:
    order = Order(name, 0, TERMS, accepted_at=NOON, valid_until=NOON + timedelta(hours=4))
    return Entry(key or name, hashed, order, None, NOON - timedelta(hours=12), limit)


def accepted(ledger: Ledger, name: str) -> Order:
    return ledger.accept(entry(name), NOON)[0]


def test_a_job_comes_back_exactly_as_it_went_in(ledger: Ledger) -> None:
    stored = accepted(ledger, "a")
    assert stored == replace(entry("a").order, sequence=1, updated_at=NOON)
    assert ledger.find("a") == stored
    assert stored.terms.limit_price == Decimal("190.2500")
    assert ledger.find("b") is None


def test_one_key_is_one_order(ledger: Ledger) -> None:
    first, new = ledger.accept(entry("a", key="k"), NOON)
    again, repeated = ledger.accept(entry("b", key="k"), NOON)
    assert (new, repeated) == (True, False)
    assert again == first
    with pytest.raises(OrderRefusedError, match="which was a different request") as refused:
        ledger.accept(entry("c", key="k", hashed="other"), NOON)
    assert refused.value.status == 409
    assert [order.id for order in ledger.active()] == ["a"]


def test_a_refusal_stops_new_orders_but_not_the_answer_to_an_old_one(ledger: Ledger) -> None:
    ledger.accept(entry("a", key="k"), NOON)
    refusal = OrderRefusedError(422, "OrderValueLimit", "too large")
    again, new = ledger.accept(replace(entry("b", key="k"), refusal=refusal), NOON)
    assert (again.id, new) == ("a", False)
    with pytest.raises(OrderRefusedError, match="too large"):
        ledger.accept(replace(entry("c"), refusal=refusal), NOON)


def test_the_daily_limit_counts_todays_orders(ledger: Ledger) -> None:
    yesterday = replace(entry("old").order, accepted_at=NOON - timedelta(hours=13))
    ledger.accept(replace(entry("old"), order=yesterday), NOON)
    ledger.accept(entry("a", limit=1), NOON)
    with pytest.raises(OrderRefusedError, match="maxOrdersPerDay is 1") as refused:
        ledger.accept(entry("b", limit=1), NOON)
    assert refused.value.status == 429


@pytest.mark.parametrize(
    ("next_valid_ids", "reserved"),
    [([1, 1, 1], [1, 2, 3]), ([5, 3, 9], [5, 6, 9]), ([38103, 38099], [38103, 38104])],
)
def test_an_order_id_is_never_reserved_twice(
    ledger: Ledger, next_valid_ids: list[int], reserved: list[int]
) -> None:
    ids = []
    for number, next_valid_id in enumerate(next_valid_ids):
        accepted(ledger, f"j{number}")
        order = ledger.reserve(f"j{number}", client_id=17, next_valid_id=next_valid_id, at=NOON)
        ids.append(order.order_id)
    assert ids == reserved


def test_a_cancel_that_came_first_keeps_an_order_from_being_reserved(ledger: Ledger) -> None:
    accepted(ledger, "a")
    ledger.change("a", lambda order: move(order, OrderState.CANCELLED), NOON)
    with pytest.raises(IllegalMoveError):
        ledger.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    assert ledger.active() == []
    accepted(ledger, "b")
    assert ledger.reserve("b", client_id=17, next_valid_id=1, at=NOON).order_id == 1


def test_what_was_being_sent_is_unknown_after_a_restart(ledger: Ledger, tmp_path: Path) -> None:
    accepted(ledger, "a")
    accepted(ledger, "b")
    ledger.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    ledger.close()
    reopened = open_ledger(tmp_path / "ledger.db")
    lost = reopened.recover(NOON)
    assert [(order.id, order.state, order.reason) for order in lost] == [
        ("a", OrderState.UNKNOWN, "ExecutorRestarted")
    ]
    assert [order.state.value for order in reopened.active()] == ["Unknown", "Accepted"]
    reopened.close()


def test_broker_events_find_their_job(ledger: Ledger) -> None:
    accepted(ledger, "a")
    ledger.reserve("a", client_id=17, next_valid_id=7, at=NOON)
    assert ledger.observe(OrderStatusReport(7, 18, 5, "Submitted"), NOON) is None
    assert ledger.observe(OrderError(8, 17, 201, "other"), NOON) is None
    told = ledger.observe(OrderStatusReport(7, 17, 5, "Submitted", order_ref="ibg-a"), NOON)
    assert told is not None
    assert (told[0].state, told[1].state) == (OrderState.SENDING, OrderState.WORKING)
    assert ledger.observe(OrderStatusReport(7, 17, 5, "Submitted"), NOON) is None
    ended = OrderStatusReport(0, 0, 5, "Filled", order_ref="ibg-a", filled=Decimal(10))
    told = ledger.observe(ended, NOON)
    assert told is not None
    assert (told[1].state, told[1].filled) == (OrderState.FILLED, Decimal(10))
    assert ledger.active() == []
    fill = FillReport(7, 17, 5, "ibg-a", "e", Decimal(10), Decimal("190.3"))
    assert ledger.observe(fill, NOON) is None


def test_many_steps_are_one_transaction_and_a_forbidden_one_is_skipped(ledger: Ledger) -> None:
    for name in ("a", "b"):
        accepted(ledger, name)
    ledger.change("a", lambda order: move(order, OrderState.CANCELLED), NOON)
    changed = ledger.change_all(
        {
            name: lambda order: move(order, OrderState.WAITING, reason="NoNews")
            for name in ("a", "b")
        },
        NOON,
    )
    assert [order.id for order in changed] == ["b"]
    assert ledger.counts() == {"Cancelled": 1, "Waiting": 1}


def test_pages_go_on_where_the_last_one_ended(ledger: Ledger) -> None:
    for name in ("a", "b", "c"):
        accepted(ledger, name)
    assert [order.id for order in ledger.page(after=0, limit=2, state=None)] == ["a", "b"]
    assert [order.id for order in ledger.page(after=2, limit=2, state=None)] == ["c"]
    assert ledger.page(after=0, limit=2, state="Filled") == []


def test_every_commit_is_on_disk_when_it_returns(ledger: Ledger, tmp_path: Path) -> None:
    accepted(ledger, "a")
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert other.execute("SELECT id FROM jobs").fetchall() == [("a",)]
    other.close()
    with ledger._transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


def test_a_ledger_keeps_its_mode_and_its_accounts(ledger: Ledger) -> None:
    ledger.stamp("paper")
    with pytest.raises(StartRefusedError, match="belongs to a paper gateway"):
        ledger.stamp("live")
    assert ledger.accounts() == ()
    assert ledger.claim(("DU1",)) == ("DU1",)
    assert ledger.claim(("DU2",)) == ("DU1",)
    assert ledger.accounts() == ("DU1",)


def test_a_ledger_of_a_later_version_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        other.execute("UPDATE facts SET value = '99' WHERE name = 'schema-version'")
    other.close()
    with pytest.raises(StartRefusedError, match="the ledger has schema 99"):
        ledger.stamp("paper")


def test_a_damaged_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StartRefusedError, match="restore the volume"):
        open_ledger(path)
    with pytest.raises(StartRefusedError, match="can't be used"):
        open_ledger(tmp_path / "missing" / "ledger.db")
