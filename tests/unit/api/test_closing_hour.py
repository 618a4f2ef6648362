"""When a trouble reaches into the last trading hour."""

from datetime import UTC, datetime

import pytest

from ibgateway_api.closing_hour import closing_hour_from


@pytest.mark.parametrize(
    ("since", "closes", "begins"),
    [
        ("2026-11-25T12:00", None, "2026-11-25T20:00"),
        ("2026-11-25T20:30", None, "2026-11-25T20:30"),
        ("2026-11-25T21:00", None, "2026-11-26T20:00"),
        ("2026-11-27T22:00", None, "2026-11-30T20:00"),
        ("2026-07-01T12:00", None, "2026-07-01T19:00"),
        ("2026-11-27T12:00", "2026-11-27T18:00", "2026-11-27T17:00"),
        ("2026-11-27T17:30", "2026-11-27T18:00", "2026-11-27T17:30"),
        ("2026-11-27T18:00", "2026-11-27T18:00", "2026-11-27T20:00"),
    ],
    ids=[
        "a working day",
        "in it",
        "after it",
        "a weekend",
        "summer",
        "half day",
        "in that",
        "over",
    ],
)
def test_the_last_trading_hour_begins(since: str, closes: str | None, begins: str) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert closing_hour_from(at(since), at(closes) if closes else None) == at(begins)
