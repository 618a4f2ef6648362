"""What a ledger that may be a copy of an earlier one does not know."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from executor_fakes import NOON, entry
from ibgateway_executor.ledger.backup import back_up, put_in_place, stage
from ibgateway_executor.ledger.sqlite import SqliteStore, open_sqlite
from ibgateway_executor.orders.order import OrderState
from ibgateway_executor.orders.restored import LedgerSnapshot, give_up, hides_a_day

WAITING = replace(entry("a").order, state=OrderState.WAITING, reason="NoNews", sequence=7)


def on(day: int, hour: int, minute: int = 0) -> datetime:
    """In New York in November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


@pytest.mark.parametrize(
    ("last", "opened", "now", "hidden"),
    [
        pytest.param(on(23, 10), on(23, 10, 1), on(23, 10, 2), False, id="restarted"),
        pytest.param(on(23, 10), on(23, 15), on(23, 15, 1), False, id="away, but the same day"),
        pytest.param(on(23, 10), on(24, 9), on(24, 9, 1), True, id="away over a midnight"),
        pytest.param(on(23, 10), on(23, 15), on(24, 9), True, id="away, first asked the next day"),
        pytest.param(on(21, 10), on(21, 10, 1), on(23, 9), False, id="restarted on a Saturday"),
        pytest.param(
            on(23, 23, 58), on(24, 0, 1), on(24, 0, 2), False, id="over midnight, briefly"
        ),
        pytest.param(on(24, 9), on(23, 9), on(23, 9, 1), True, id="written in the future"),
        pytest.param(None, on(24, 9), on(24, 9, 1), False, id="a new ledger"),
    ],
)
def test_what_the_broker_shows_no_more_is_hidden_by_a_gap_before_its_midnight(
    last: datetime | None, opened: datetime, now: datetime, hidden: bool
) -> None:
    assert hides_a_day(LedgerSnapshot(last, 7), opened=opened, now=now) is hidden


@pytest.mark.parametrize(
    ("sequence", "state", "after"),
    [
        (7, "Waiting", "Unverified"),
        (7, "Accepted", "Unverified"),
        (8, "Waiting", "Waiting"),
        (7, "Working", "Working"),
        (7, "Cancelled", "Cancelled"),
    ],
)
def test_only_unsent_orders_that_stood_in_the_ledger_are_given_up(
    sequence: int, state: str, after: str
) -> None:
    order = replace(WAITING, sequence=sequence, state=OrderState(state))
    assert give_up(order, LedgerSnapshot(NOON, 7)).state == after


MINUTE = timedelta(minutes=1)


def test_what_was_sent_before_a_copy_stays_doubtful_after_the_doubt_about_the_copy_is_settled(
    store: SqliteStore,
) -> None:
    """A second sending may have been written down in the ledger that is lost, and the broker shows nothing of it."""
    assert store.opened(NOON).own_since == NOON
    store.mark_written(NOON)
    assert store.opened(NOON + 4 * MINUTE).own_since == NOON
    copied = NOON + 10 * MINUTE
    assert store.opened(copied).own_since == copied
    store.mark_written(copied)
    store.rule_out_copy()
    again = store.opened(copied + MINUTE)
    assert (again.opened, again.own_since) == (None, copied)


def test_a_copy_that_a_person_puts_back_is_known_as_one_however_young_it_is(
    store: SqliteStore, tmp_path: Path
) -> None:
    ledger, folder = tmp_path / "ledger.db", tmp_path / "copies"
    folder.mkdir()
    store.opened(NOON)
    store.mark_written(NOON)
    stage(back_up(ledger, folder, keep=7, now=NOON), ledger, NOON + MINUTE)
    store.close()
    put_in_place(ledger)
    copy, at = open_sqlite(ledger), NOON + 2 * MINUTE
    found = copy.opened(at)
    assert (found.at, found.opened, found.restored, found.own_since) == (NOON, at, True, at)
    copy.mark_written(at)
    killed = copy.opened(at + MINUTE)
    assert (killed.opened, killed.restored) == (at, True), "until the broker was asked"
    copy.rule_out_copy()
    settled = copy.opened(at + 2 * MINUTE)
    assert (settled.opened, settled.restored, settled.own_since) == (None, False, at)
    copy.close()
