"""Sessions from IBKR's text."""

from datetime import UTC, datetime

import pytest

from ibgateway_executor.orders.market_hours import (
    HoursUnknown,
    MarketClosed,
    MarketOpen,
    TradingSession,
    default_validity,
    first_day,
    market,
    session_end,
    sessions,
)

WEEK = (
    "20261123:0930-20261123:1600;20261124:0930-20261124:1600;20261126:CLOSED;"
    "20261127:0930-20261127:1300"
)


def utc(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


def known(text: str = WEEK, zone: str = "US/Eastern") -> tuple[TradingSession, ...]:
    found = sessions(text, zone)
    assert not isinstance(found, HoursUnknown)
    return found


def test_sessions_are_read_in_the_contracts_own_zone() -> None:
    assert known() == (
        TradingSession(utc(23, 14, 30), utc(23, 21)),
        TradingSession(utc(24, 14, 30), utc(24, 21)),
        TradingSession(utc(27, 14, 30), utc(27, 18)),
    )


def test_the_short_form_and_summer_time_are_understood() -> None:
    assert known("20260706:0930-1600") == (
        TradingSession(
            datetime(2026, 7, 6, 13, 30, tzinfo=UTC), datetime(2026, 7, 6, 20, 0, tzinfo=UTC)
        ),
    )


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        (WEEK, "Mars/Olympus"),
        (WEEK, ""),
        (WEEK, "../etc/passwd"),
        ("", "US/Eastern"),
        ("20261123:0930", "US/Eastern"),
        ("20261123:0930-20261123:2560", "US/Eastern"),
        ("20261123:1600-20261123:0930", "US/Eastern"),
        ("NOT:SET", "US/Eastern"),
    ],
)
def test_what_cannot_be_read_is_unknown(text: str, zone: str) -> None:
    assert isinstance(sessions(text, zone), HoursUnknown)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (utc(23, 14, 29, 59), MarketClosed(utc(23, 14, 30))),
        (utc(23, 14, 30), MarketOpen(utc(23, 21))),
        (utc(23, 20, 59, 29), MarketOpen(utc(23, 21))),
        (utc(23, 20, 59, 30), MarketClosed(utc(24, 14, 30))),
        (utc(25, 15), MarketClosed(utc(27, 14, 30))),
        (utc(27, 17, 59), MarketOpen(utc(27, 18))),
        (utc(27, 18), MarketClosed(None)),
    ],
)
def test_the_market_is_open_inside_a_session_but_for_its_last_half_minute(
    now: datetime, expected: MarketOpen | MarketClosed
) -> None:
    assert market(known(), now) == expected


def test_a_day_without_any_session_is_closed_not_unknown() -> None:
    assert market(known("20261126:CLOSED"), utc(26, 15)) == MarketClosed(None)


@pytest.mark.parametrize(
    ("accepted", "end"),
    [
        (utc(23, 12), utc(23, 21)),
        (utc(23, 15), utc(23, 21)),
        (utc(23, 20, 59, 45), utc(24, 21)),
        (utc(25, 1), utc(27, 18)),
        (utc(28, 1), None),
    ],
)
def test_an_order_is_valid_to_the_end_of_its_session(
    accepted: datetime, end: datetime | None
) -> None:
    assert session_end(known(), accepted) == end


@pytest.mark.parametrize(
    ("accepted", "end"),
    [
        pytest.param("2026-11-23T12:00-05:00", "2026-11-24T12:00-05:00", id="Monday"),
        pytest.param("2026-11-27T20:00-05:00", "2026-11-30T20:00-05:00", id="Friday evening"),
        pytest.param("2026-11-28T12:00-05:00", "2026-12-01T00:00-05:00", id="Saturday"),
        pytest.param("2026-11-29T23:59-05:00", "2026-12-01T00:00-05:00", id="Sunday night"),
        pytest.param("2026-11-26T00:00-05:00", "2026-11-27T00:00-05:00", id="from a midnight"),
        pytest.param("2026-10-30T12:00-04:00", "2026-11-02T12:00-05:00", id="summer time ends"),
    ],
)
def test_without_hours_an_order_lives_for_a_day_that_is_no_weekend(accepted: str, end: str) -> None:
    assert default_validity(datetime.fromisoformat(accepted)) == datetime.fromisoformat(end)


def test_hours_name_every_session_from_their_first_day_on() -> None:
    text = "20261128:CLOSED;20261129:CLOSED;20261130:0930-20261130:1600"
    assert first_day(text, "US/Eastern") == datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
