"""What the broker told about orders that are not in the ledger: kept for as long as it may matter."""

from datetime import timedelta
from decimal import Decimal

import pytest

from executor_fakes import NOON, ConnectionWorld, accept, entry, observe
from ibgateway_executor.ledger.sqlite import OrderStore, SqliteStore
from ibgateway_executor.orders.broker_reports import FillReport, OrderEvent, OrderStatusReport

MONTH = timedelta(days=30)
FILL = FillReport(7, 17, 5, "ibg-a", "e", Decimal(10), Decimal("190.3"))


def status(text: str, *, ended: bool = False) -> OrderStatusReport:
    return OrderStatusReport(7, 17, 5, text, order_ref="ibg-a", ended=ended)


def kept(store: OrderStore) -> int:
    with store._database.reading() as connection:
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
    store: OrderStore, told: tuple[OrderEvent, ...], left: int
) -> None:
    for event in told:
        observe(store, event, NOON)
    store.forget_sightings(NOON)
    assert kept(store) == len(told)
    store.forget_sightings(NOON + timedelta(seconds=1))
    assert kept(store) == left


def test_a_later_word_about_an_ended_order_keeps_all_of_it(store: OrderStore) -> None:
    observe(store, status("Cancelled"), NOON)
    observe(store, FILL, NOON + MONTH)
    store.forget_sightings(NOON + MONTH)
    assert kept(store) == 2
    assert accept(store, entry("a"))[0].state == "Filled"


def test_what_was_folded_into_an_order_is_evidence_no_more(store: OrderStore) -> None:
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
