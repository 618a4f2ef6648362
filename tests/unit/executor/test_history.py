"""What became of an order, line by line: in the transaction of the change, and never touched again."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from executor_fakes import NOON, IntakeWorld, accept, entry, observe
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.sqlite import OrderStore, SqliteStore, open_sqlite
from ibgateway_executor.ledger.store import Delay
from ibgateway_executor.orders.broker_reports import FillReport, OrderError, OrderStatusReport
from ibgateway_executor.orders.history import ChangeCause, HistoryLine
from ibgateway_executor.orders.order import Order, OrderState, cancel, move

LATER = NOON + timedelta(minutes=1)


def lines(store: OrderStore, name: str = "a") -> list[HistoryLine]:
    order = store.find(name)
    assert order is not None
    return store.history(order.sequence, after=0, limit=100)


def told(store: OrderStore, name: str = "a") -> list[tuple[str, str, str]]:
    return [(line.state, line.reason, line.cause) for line in lines(store, name)]


def test_each_change_has_its_time_cause_and_evidence(store: OrderStore) -> None:
    accept(store, entry("a"))
    store.delay([Delay("NoNews", "the sentinel is silent", (1,))], NOON)
    store.reserve("a", client_id=17, next_valid_id=7, at=LATER)
    working = OrderStatusReport(7, 17, 5, "Submitted", "ibg-a", Decimal(4), Decimal("190.3"))
    observe(store, working, LATER)
    store.advance({"a": cancel}, LATER, ChangeCause.CLIENT)
    observe(store, OrderError(7, 17, 202, "Order Canceled"), LATER + timedelta(seconds=1))
    assert lines(store) == [
        HistoryLine(1, NOON, "", "Accepted", "", "", "client", {}),
        HistoryLine(
            *(2, NOON, "Accepted", "Waiting", "NoNews", "the sentinel is silent", "executor", {})
        ),
        HistoryLine(3, LATER, "Waiting", "Sending", "", "", "executor", {"orderId": 7}),
        HistoryLine(
            *(4, LATER, "Sending", "Working", "", "", "broker"),
            {
                "permId": 5,
                "filledQuantity": "4",
                "averagePrice": "190.3",
                "report": "OrderStatusReport",
                "status": "Submitted",
                "orderRef": "ibg-a",
            },
        ),
        HistoryLine(*(5, LATER, "Working", "Working", "", "", "client", {"cancelRequested": True})),
        HistoryLine(
            *(6, LATER + timedelta(seconds=1), "Working", "Cancelled", "CancelledByClient"),
            *("cancelled at the client's request", "broker"),
            {
                "brokerMessage": "202: Order Canceled",
                "report": "OrderError",
                "code": 202,
                "text": "Order Canceled",
            },
        ),
    ]


def test_each_of_several_reports_in_one_transaction_has_its_line(store: OrderStore) -> None:
    accept(store, entry("a"))
    store.reserve("a", client_id=17, next_valid_id=7, at=NOON)
    fills = [
        FillReport(7, 17, 5, "ibg-a", f"e{n}", Decimal(n), Decimal("190.3")) for n in (2, 6, 10)
    ]
    store.observe([*fills, fills[0]], NOON)
    broker = lines(store)[2:]
    assert [(line.before, line.state, line.evidence["execId"]) for line in broker] == [
        ("Sending", "Working", "e2"),
        ("Working", "Working", "e6"),
        ("Working", "Filled", "e10"),
    ]


def test_what_the_broker_told_before_the_order_came_follows_its_acceptance(
    store: OrderStore,
) -> None:
    fill = FillReport(7, 17, 5, "ibg-b", "e", Decimal(10), Decimal("190.3"))
    observe(store, fill, NOON)
    store.accept([entry("a"), entry("b"), entry("c")], LATER)
    assert told(store, "a") == told(store, "c") == [("Accepted", "", "client")]
    assert told(store, "b") == [("Accepted", "", "client"), ("Filled", "", "broker")]
    assert [line.at for line in lines(store, "b")] == [LATER, LATER]


def test_a_restart_and_a_person_are_causes(store: OrderStore) -> None:
    accept(store, entry("a"))
    store.reserve("a", client_id=17, next_valid_id=7, at=NOON)
    store.recover(LATER)

    def resolved(order: Order) -> Order:
        ended = move(order, OrderState.CANCELLED, reason="ResolvedByPerson")
        return replace(ended, resolution="notAtBroker", note="not in TWS, R.")

    store.advance({"a": resolved}, LATER, ChangeCause.PERSON)
    assert told(store)[2:] == [
        ("Unknown", "ExecutorRestarted", "restart"),
        ("Cancelled", "ResolvedByPerson", "person"),
    ]
    assert lines(store)[-1].evidence == {"resolution": "notAtBroker", "note": "not in TWS, R."}


def test_a_crowd_that_waits_for_two_things_in_turn_has_a_line_for_each(store: OrderStore) -> None:
    store.accept([entry("a"), entry("b")], NOON)
    for turn in range(6):
        reason = ("MarketClosed", "NoNews")[turn % 2]
        store.delay([Delay(reason, f"turn {turn}", (1, 2))], NOON)
    for name in ("a", "b"):
        assert [(line.reason, line.message) for line in lines(store, name)[1:]] == [
            ("MarketClosed", "turn 0"),
            ("NoNews", "turn 1"),
        ]
    store.reserve("a", client_id=17, next_valid_id=7, at=NOON)
    store.delay([Delay("Paused", "by R.", (1, 2))], NOON)
    assert [line.reason for line in lines(store, "a")[3:]] == [""]
    assert [line.reason for line in lines(store, "b")[3:]] == ["Paused"]


def test_a_change_that_says_nothing_has_no_line(store: OrderStore) -> None:
    accept(store, entry("a"))

    def completed(order: Order) -> Order:
        return replace(order, message="AAPL is 265598", valid_until=LATER)

    store.advance({"a": completed}, NOON)
    store.advance({"a": lambda order: order}, NOON)
    assert told(store) == [("Accepted", "", "client")]


def test_a_change_that_is_not_committed_has_no_line(store: SqliteStore) -> None:
    accept(store, entry("a"))
    file = store._file.driver
    file.execute(f"PRAGMA max_page_count={file.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(LedgerUnavailableError):
        store.accept([entry(f"b{n}") for n in range(100)], NOON)
    file.execute("PRAGMA max_page_count=1000000")
    rows = file.execute("SELECT order_sequence, number FROM order_history").fetchall()
    assert rows == [(1, 1)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_history SET cause = 'person'",
        "DELETE FROM order_history",
        "UPDATE order_history SET number = 2 WHERE number = 1",
    ],
)
def test_nobody_changes_a_line(store: SqliteStore, tmp_path: Path, statement: str) -> None:
    accept(store, entry("a"))
    other = sqlite3.connect(tmp_path / "ledger.db")
    with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
        other.execute(statement)
    other.close()
    assert told(store) == [("Accepted", "", "client")]


def test_an_archived_order_keeps_its_lines_and_goes_on_with_them(store: OrderStore) -> None:
    accept(store, entry("a"))
    store.advance({"a": cancel}, NOON, ChangeCause.CLIENT)
    before = lines(store)
    assert store.archive(LATER) == 1
    assert lines(store) == before
    fill = FillReport(7, 17, 5, "ibg-a", "e", Decimal(10), Decimal("190.3"))
    observe(store, fill, LATER)
    assert lines(store)[:2] == before
    assert told(store)[2:] == [("Filled", "", "broker")]


def test_an_order_from_before_begins_with_how_it_was_found(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as file:
        dump = Path(__file__).parent / "ledgers" / "version-4.sql"
        file.executescript(dump.read_text(encoding="utf-8"))
    file.close()
    store = open_sqlite(path)
    store.stamp("paper")
    assert told(store, "b") == [("Waiting", "MarketClosed", "upgrade")]
    assert told(store, "d") == [("Filled", "", "upgrade")]
    store.recover(NOON)
    assert told(store, "a") == [
        ("Sending", "", "upgrade"),
        ("Unknown", "ExecutorRestarted", "restart"),
    ]
    store.close()


async def test_the_history_is_read_page_by_page(intake: IntakeWorld) -> None:
    placed = (await intake.place()).json()["id"]
    await intake.http.delete(f"/v1/orders/{placed}")
    path = f"/v1/orders/{placed}/history"
    whole = (await intake.http.get(path)).json()
    assert whole["next"] is None
    assert [(x["number"], x["from"], x["to"], x["cause"]) for x in whole["history"]] == [
        (1, None, "Accepted", "client"),
        (2, "Accepted", "Cancelled", "client"),
    ]
    assert whole["history"][1]["reason"] == "CancelledByClient"
    first = (await intake.http.get(path, params={"limit": 1})).json()
    assert first["history"] == whole["history"][:1]
    rest = await intake.http.get(path, params={"cursor": first["next"], "limit": 1})
    assert (rest.json()["history"], rest.json()["next"]) == (whole["history"][1:], None)
    assert "next" not in rest.links
    linked = (await intake.http.get(path, params={"limit": 1})).links["next"]["url"]
    assert (await intake.http.get(linked)).json() == rest.json()
    another = (await intake.place("k2")).json()["id"]
    wrong = await intake.http.get(f"/v1/orders/{another}/history", params={"cursor": first["next"]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "InvalidRequest")
    missing = await intake.http.get("/v1/orders/none/history")
    assert missing.status_code == 404


async def test_a_persons_word_over_http_is_a_line(intake: IntakeWorld) -> None:
    placed = (await intake.place()).json()["id"]
    await intake.ledger.reserve(placed, client_id=17, next_valid_id=1)
    await intake.ledger.advance(placed, lambda order: move(order, OrderState.UNKNOWN))
    answer = await intake.http.post(
        f"/v1/orders/{placed}/resolve", json={"outcome": "notAtBroker", "note": "not in TWS"}
    )
    assert answer.status_code == 200
    history = (await intake.http.get(f"/v1/orders/{placed}/history")).json()["history"]
    assert (history[-1]["cause"], history[-1]["evidence"]["note"]) == ("person", "not in TWS")
