"""What the broker told about orders that are not in the ledger: kept for as long as it may matter."""

import sqlite3
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from executor_fakes import NOON, ConnectionWorld, accept, entry, observe
from ibgateway_executor.ledger.sqlite import SqliteStore, open_sqlite
from ibgateway_executor.orders.broker_reports import FillReport, OrderEvent, OrderStatusReport

MONTH = timedelta(days=30)
FILL = FillReport(7, 17, 5, "ibg-a", "e", Decimal(10), Decimal("190.3"))
VERSION_2 = """
DROP INDEX jobs_by_acceptance;
DROP TABLE sightings;
CREATE TABLE sightings (sequence INTEGER PRIMARY KEY AUTOINCREMENT, order_ref VARCHAR NOT NULL,
  report VARCHAR NOT NULL, UNIQUE (order_ref, report));
INSERT INTO sightings (order_ref, report) VALUES ('ibg-a', '{"kind": "OrderStatusReport", "order_id": 7,
  "client_id": 17, "perm_id": 5, "status": "Filled", "filled": "10", "order_ref": "ibg-a"}');
UPDATE facts SET value = '2' WHERE name = 'schema-version';
"""
"""What makes a ledger of now one of the version before sightings had a time."""


def status(text: str, *, ended: bool = False) -> OrderStatusReport:
    return OrderStatusReport(7, 17, 5, text, order_ref="ibg-a", ended=ended)


def kept(store: SqliteStore) -> int:
    with store._file.engine.connect() as connection:
        rows: int = connection.exec_driver_sql("SELECT count(*) FROM sightings").scalar_one()
        return rows


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ((status("Submitted"), status("Filled")), 0),
        ((status("Cancelled"),), 0),
        ((status("ApiCancelled"),), 0),
        ((status("Inactive", ended=True),), 0),
        ((status("Inactive"),), 1),
        ((status("Submitted"),), 1),
        ((FILL,), 1),
        ((status("PendingCancel"), FILL), 2),
    ],
    ids=str,
)
def test_only_orders_that_were_told_to_have_ended_are_forgotten(
    store: SqliteStore, told: tuple[OrderEvent, ...], left: int
) -> None:
    for event in told:
        observe(store, event, NOON)
    store.forget_sightings(NOON)
    assert kept(store) == len(told)
    store.forget_sightings(NOON + timedelta(seconds=1))
    assert kept(store) == left


def test_a_later_word_about_an_ended_order_keeps_all_of_it(store: SqliteStore) -> None:
    observe(store, status("Cancelled"), NOON)
    observe(store, FILL, NOON + MONTH)
    store.forget_sightings(NOON + MONTH)
    assert kept(store) == 2
    assert accept(store, entry("a"))[0].state == "Filled"


def test_what_was_folded_into_an_order_is_evidence_no_more(store: SqliteStore) -> None:
    observe(store, FILL, NOON)
    assert accept(store, entry("a"))[0].state == "Filled"
    assert kept(store) == 0


@pytest.mark.parametrize(("away", "left"), [(MONTH - timedelta(minutes=1), 1), (MONTH * 2, 0)])
async def test_a_connection_forgets_by_ibkrs_time(
    gateway: ConnectionWorld, away: timedelta, left: int
) -> None:
    await gateway.ledger.observe(status("Cancelled"))
    gateway.time.advance(away.total_seconds())
    await gateway.connect()
    store = gateway.ledger._store
    assert isinstance(store, SqliteStore)
    assert kept(store) == left


def test_sightings_of_the_version_before_are_as_old_as_the_change(tmp_path: Path) -> None:
    path = tmp_path / "second.db"
    first = open_sqlite(path)
    first.stamp("paper")
    first.close()
    with sqlite3.connect(path) as file:
        file.executescript(VERSION_2)
    file.close()
    before = datetime.now().astimezone()
    store = open_sqlite(path)
    store.stamp("paper")
    store.forget_sightings(before - timedelta(seconds=1))
    assert kept(store) == 1
    assert accept(store, entry("a"))[0].state == "Filled"
    store.close()
