"""Trading hours as text and as a question."""

import datetime as dt

import pytest

from ibgateway_simulator.model.trading.hours import EASTERN, Hours, HoursMode
from ibgateway_simulator.model.trading.market import find


def eastern(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=EASTERN)


@pytest.mark.parametrize(
    ("mode", "now", "expected"),
    [
        (HoursMode.ALWAYS, "2026-11-21T03:00", True),
        (HoursMode.REGULAR, "2026-11-20T09:29:59", False),
        (HoursMode.REGULAR, "2026-11-20T09:30", True),
        (HoursMode.REGULAR, "2026-11-20T15:59:59", True),
        (HoursMode.REGULAR, "2026-11-20T16:00", False),
        (HoursMode.REGULAR, "2026-11-21T12:00", False),
        (HoursMode.CLOSED, "2026-11-20T12:00", False),
    ],
)
def test_the_market_is_open_by_its_mode(mode: HoursMode, now: str, expected: bool) -> None:
    assert Hours(mode).is_open(eastern(now)) is expected


def test_a_regular_week_is_told_with_its_closed_days() -> None:
    told = Hours(HoursMode.REGULAR).text(eastern("2026-11-20T12:00"))
    assert told == (
        "20261120:0930-20261120:1600;20261121:CLOSED;20261122:CLOSED;"
        "20261123:0930-20261123:1600;20261124:0930-20261124:1600;20261125:0930-20261125:1600"
    )


def test_always_is_one_session_that_never_ends_soon() -> None:
    told = Hours(HoursMode.ALWAYS).text(eastern("2026-11-20T23:59:59"))
    assert told == ("20261120:0000-20261123:0000;20261124:CLOSED;20261125:CLOSED")


def test_own_sessions_may_span_years() -> None:
    span = (eastern("2026-01-02T09:30"), eastern("2099-12-31T16:00"))
    told = Hours(HoursMode.CUSTOM, (span,)).text(eastern("2026-11-20T12:00"))
    assert told == "20260102:0930-20991231:1600"


def test_the_next_opening_skips_the_weekend() -> None:
    assert Hours(HoursMode.REGULAR).next_open(eastern("2026-11-20T16:30")) == eastern(
        "2026-11-23T09:30"
    )


def test_hours_keep_their_wall_clock_over_the_change_to_winter_time() -> None:
    told = Hours(HoursMode.REGULAR).text(eastern("2026-10-30T12:00"))
    assert told.split(";")[3] == "20261102:0930-20261102:1600"
    assert Hours(HoursMode.REGULAR).is_open(dt.datetime(2026, 11, 2, 14, 30, tzinfo=dt.UTC))
    assert not Hours(HoursMode.REGULAR).is_open(dt.datetime(2026, 11, 2, 14, 29, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("query", "symbol"),
    [
        ((265598, "", "", ""), "AAPL"),
        ((0, "SPY", "STK", "USD"), "SPY"),
        ((0, "SPY", "OPT", "USD"), None),
        ((0, "SPY", "STK", "EUR"), None),
        ((1, "SPY", "STK", "USD"), None),
        ((0, "NONE", "STK", "USD"), None),
    ],
)
def test_a_contract_is_found_by_number_or_by_name(
    query: tuple[int, str, str, str], symbol: str | None
) -> None:
    found = find(*query)
    assert (found.symbol if found else None) == symbol
