"""What a ledger that may be a copy of an earlier one does not know."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from executor_fakes import NOON, entry
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
