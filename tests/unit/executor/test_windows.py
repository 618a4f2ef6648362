"""The part of the market's hours that an order needs: auctions and their cut-offs, hours outside the regular ones."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executor_fakes import AAPL, TERMS
from ibgateway_executor.orders.cut_offs import ANYWHERE, CUT_OFFS, cut_off
from ibgateway_executor.orders.market_hours import (
    CutOffPassed,
    HoursUnknown,
    Market,
    MarketClosed,
    MarketOpen,
    sessions,
)
from ibgateway_executor.orders.order import Contract, OrderTerms, OrderType, TimeInForce
from ibgateway_executor.orders.windows import ContractHours, Window, market_for, window

NEW_YORK = ZoneInfo("America/New_York")
LIMIT = replace(TERMS, order_type=OrderType.LIMIT, limit_price=Decimal(1))
ON_CLOSE = replace(TERMS, order_type=OrderType.MARKET_ON_CLOSE)
ON_OPEN = replace(TERMS, time_in_force=TimeInForce.OPG)
OUTSIDE = replace(LIMIT, outside_regular_hours=True)


def hours(liquid: str, trading: str = "", zone: str = "US/Eastern") -> ContractHours:
    return ContractHours(sessions(liquid, zone), sessions(trading or liquid, zone))


def at(day: date, clock: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)


def two_days(day: date, close: str) -> ContractHours:
    """A session of that day that closes then, and a whole one of the day after."""
    first, second = f"{day:%Y%m%d}", f"{day + timedelta(days=1):%Y%m%d}"
    return hours(f"{first}:0930-{first}:{close.replace(':', '')};{second}:0930-{second}:1600")


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (TERMS, Window.REGULAR),
        (LIMIT, Window.REGULAR),
        (replace(LIMIT, time_in_force=TimeInForce.IOC), Window.REGULAR),
        (OUTSIDE, Window.EXTENDED),
        (ON_CLOSE, Window.CLOSING),
        (replace(LIMIT, order_type=OrderType.LIMIT_ON_CLOSE), Window.CLOSING),
        (ON_OPEN, Window.OPENING),
        (replace(LIMIT, time_in_force=TimeInForce.OPG), Window.OPENING),
    ],
)
def test_each_order_has_its_part_of_the_hours(terms: OrderTerms, expected: Window) -> None:
    assert window(terms) is expected


DAYS = st.dates(date(2024, 1, 1), date(2034, 12, 31))
CLOSES = st.sampled_from([("16:00", "15:55", "15:50"), ("13:00", "12:55", "12:50")])


@given(DAYS, CLOSES)
@example(date(2026, 3, 8), ("16:00", "15:55", "15:50"))
@example(date(2026, 11, 1), ("16:00", "15:55", "15:50"))
@example(date(2026, 11, 27), ("13:00", "12:55", "12:50"))
def test_on_close_orders_leave_until_the_exchanges_cut_off_on_whole_and_half_days(
    day: date, closes: tuple[str, str, str]
) -> None:
    close, nasdaq, nyse = closes
    known = two_days(day, close)
    for exchange, until in (("NASDAQ", nasdaq), ("NYSE", nyse)):
        terms = replace(ON_CLOSE, contract=replace(AAPL, primary_exchange=exchange))
        last = at(day, until) - timedelta(seconds=31)
        late = at(day, until) - timedelta(seconds=30)
        opens = at(day + timedelta(days=1), "09:30")
        assert market_for(terms, known, at(day, "09:29")) == MarketClosed(at(day, "09:30"))
        assert market_for(terms, known, at(day, "09:30")) == MarketOpen(at(day, until))
        assert market_for(terms, known, last) == MarketOpen(at(day, until))
        assert market_for(terms, known, late) == CutOffPassed(at(day, until), opens)
        assert market_for(terms, known, at(day, close)) == MarketClosed(opens)


@given(DAYS)
@example(date(2026, 3, 8))
@example(date(2026, 11, 1))
def test_on_open_orders_leave_before_the_open_and_never_after_the_cut_off(day: date) -> None:
    known = two_days(day, "16:00")
    until, tomorrow = at(day, "09:28"), at(day + timedelta(days=1), "09:30") - timedelta(hours=2)
    first = at(day, "09:30") - timedelta(hours=2)
    assert market_for(ON_OPEN, known, first - timedelta(seconds=1)) == MarketClosed(first)
    assert market_for(ON_OPEN, known, first) == MarketOpen(until)
    assert market_for(ON_OPEN, known, until - timedelta(seconds=31)) == MarketOpen(until)
    for late in (until - timedelta(seconds=30), at(day, "09:30"), at(day, "15:59")):
        assert market_for(ON_OPEN, known, late) == CutOffPassed(until, tomorrow)
    assert market_for(ON_OPEN, known, at(day, "16:00")) == MarketClosed(tomorrow)


def test_the_next_auction_may_not_be_known_yet() -> None:
    day = date(2026, 11, 23)
    known = hours("20261123:0930-20261123:1600")
    assert market_for(ON_CLOSE, known, at(day, "15:58")) == CutOffPassed(at(day, "15:55"), None)
    assert market_for(ON_CLOSE, known, at(day, "17:00")) == MarketClosed(None)


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("11:50", MarketOpen(at(date(2026, 11, 23), "15:45", ZoneInfo("Asia/Hong_Kong")))),
        ("12:30", MarketOpen(at(date(2026, 11, 23), "15:45", ZoneInfo("Asia/Hong_Kong")))),
    ],
)
def test_a_lunch_break_is_no_close(clock: str, expected: Market) -> None:
    zone = ZoneInfo("Asia/Hong_Kong")
    known = hours("20261123:0930-20261123:1200;20261123:1300-20261123:1600", zone="Asia/Hong_Kong")
    terms = replace(ON_CLOSE, contract=replace(AAPL, exchange="SEHK", primary_exchange=""))
    assert market_for(terms, known, at(date(2026, 11, 23), clock, zone)) == expected


def test_sessions_over_midnight_keep_their_own_closes() -> None:
    known = hours("20261122:1800-20261123:1700;20261123:1800-20261124:1700")
    terms = replace(ON_CLOSE, contract=Contract(1, "ES", "FUT", "CME"))
    day = date(2026, 11, 23)
    assert market_for(terms, known, at(day, "12:00")) == MarketOpen(at(day, "16:45"))


def test_outside_regular_hours_all_trading_hours_count() -> None:
    day = date(2026, 11, 23)
    known = hours("20261123:0930-20261123:1600", "20261123:0400-20261123:2000")
    assert market_for(OUTSIDE, known, at(day, "04:00")) == MarketOpen(at(day, "20:00"))
    assert market_for(LIMIT, known, at(day, "04:00")) == MarketClosed(at(day, "09:30"))
    assert market_for(OUTSIDE, known, at(day, "20:00")) == MarketClosed(None)


def test_unknown_hours_of_the_one_kind_say_nothing_about_the_other() -> None:
    known = ContractHours(sessions("20261123:0930-20261123:1600", "US/Eastern"), HoursUnknown("?"))
    now = at(date(2026, 11, 23), "12:00")
    assert market_for(OUTSIDE, known, now) == HoursUnknown("?")
    assert isinstance(market_for(LIMIT, known, now), MarketOpen)


@pytest.mark.parametrize(
    ("exchange", "primary", "expected"),
    [
        ("SMART", "NASDAQ", CUT_OFFS["NASDAQ"]),
        ("SMART", "NASDAQ.NMS", CUT_OFFS["NASDAQ"]),
        ("SMART", "NYSE", CUT_OFFS["NYSE"]),
        ("ARCA", "NASDAQ", CUT_OFFS["ARCA"]),
        ("SMART", "", ANYWHERE),
        ("IBIS", "IBIS", ANYWHERE),
    ],
)
def test_the_cut_off_is_that_of_the_auction_the_order_goes_to(
    exchange: str, primary: str, expected: object
) -> None:
    assert cut_off(Contract(1, exchange=exchange, primary_exchange=primary)) == expected


def test_an_exchange_that_is_not_in_the_table_has_the_earliest_cut_off() -> None:
    assert ANYWHERE.close > max(cut.close for cut in CUT_OFFS.values())
    assert ANYWHERE.open > max(cut.open for cut in CUT_OFFS.values())
