"""The restart window through ordinary weeks and through the hours that clocks move."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibgateway_api.week import (
    Calendar,
    DailySpan,
    DatedOutage,
    RestartStep,
    RestartTime,
    Weekday,
    WeekTime,
    local_instants,
    lost_too_long,
    next_restart,
    restart_step,
    window,
)

NEW_YORK = ZoneInfo("America/New_York")
CALENDAR = Calendar()
NINE = RestartTime()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_boundary_is_sunday_one_oclock_new_york() -> None:
    week = window(CALENDAR, NINE, full_auth_time=None, now=utc("2026-11-25 12:00"))
    assert utc("2026-11-22 06:00") == week.boundary
    assert utc("2026-11-29 06:00") == week.opens


def test_a_window_opens_at_the_earlier_of_two_one_oclocks_and_counts_from_the_later() -> None:
    before = window(
        CALENDAR, NINE, full_auth_time=utc("2026-10-25 14:00"), now=utc("2026-11-01 04:59")
    )
    assert not before.open
    opened = window(
        CALENDAR, NINE, full_auth_time=utc("2026-10-25 14:00"), now=utc("2026-11-01 05:00")
    )
    assert opened.open
    between = window(
        CALENDAR, NINE, full_auth_time=utc("2026-11-01 05:59"), now=utc("2026-11-01 07:00")
    )
    assert between.open
    after = window(
        CALENDAR, NINE, full_auth_time=utc("2026-11-01 06:05"), now=utc("2026-11-01 07:00")
    )
    assert not after.open


def test_the_margin_keeps_the_window_open() -> None:
    login = utc("2026-11-22 06:04:59")
    assert window(CALENDAR, NINE, full_auth_time=login, now=utc("2026-11-22 07:00")).open
    login = utc("2026-11-22 06:05:00")
    assert not window(CALENDAR, NINE, full_auth_time=login, now=utc("2026-11-22 07:00")).open


RESTARTS = [
    ("nine in New York", RestartTime(), "2026-11-22 14:00"),
    (
        "nine in Berlin is past the delay",
        RestartTime(time_zone="Europe/Berlin"),
        "2026-11-22 08:00",
    ),
    ("01:30 is too soon: Monday", RestartTime(restart_at=time(1, 30)), "2026-11-23 06:30"),
    ("02:00 is just late enough", RestartTime(restart_at=time(2, 0)), "2026-11-22 07:00"),
    (
        "Tokyo's Sunday noon is before the boundary",
        RestartTime(restart_at=time(12), time_zone="Asia/Tokyo"),
        "2026-11-23 03:00",
    ),
]


@pytest.mark.parametrize(("restart", "at"), [r[1:] for r in RESTARTS], ids=[r[0] for r in RESTARTS])
def test_the_restart_is_the_first_chosen_time_an_hour_after_the_boundary(
    restart: RestartTime, at: str
) -> None:
    week = window(CALENDAR, restart, full_auth_time=None, now=utc("2026-11-22 07:00"))
    assert utc(at) == week.restart


STEPS = [
    ("authenticated", "2026-11-22 14:05", "2026-11-22 14:01", RestartStep.NOTHING),
    ("before its time", "2026-11-16 09:00", "2026-11-22 13:59:59", RestartStep.WAIT),
    ("on time", "2026-11-16 09:00", "2026-11-22 14:00", RestartStep.RESTART),
    ("a little late", "2026-11-16 09:00", "2026-11-22 14:14:59", RestartStep.RESTART),
    ("too late asks", "2026-11-16 09:00", "2026-11-22 14:15", RestartStep.ASK),
]


@pytest.mark.parametrize(
    ("login", "now", "step"), [s[1:] for s in STEPS], ids=[s[0] for s in STEPS]
)
def test_the_weekly_restart(login: str, now: str, step: RestartStep) -> None:
    week = window(CALENDAR, NINE, full_auth_time=utc(login), now=utc(now))
    assert step == restart_step(week, CALENDAR, utc(now))


@pytest.mark.parametrize(
    ("login", "now", "asks"),
    [
        ("2026-11-16 09:00", "2026-11-22 14:05", True),
        ("2026-11-22 14:01", "2026-11-22 14:05", False),
        ("2026-11-16 09:00", "2026-11-29 14:05", False),
    ],
    ids=["this week's", "authenticated", "another week's"],
)
def test_a_moment_that_was_past_when_it_was_chosen_asks_and_the_next_one_is_planned(
    login: str, now: str, asks: bool
) -> None:
    nine = RestartTime(passed=utc("2026-11-22 14:00"))
    week = window(CALENDAR, nine, full_auth_time=utc(login), now=utc(now))
    assert week.asks is asks
    assert (restart_step(week, CALENDAR, utc(now)) is RestartStep.ASK) is asks
    if asks:
        assert next_restart(week, CALENDAR, nine, utc(now)) == utc("2026-11-29 14:00")


def test_ten_years_of_sundays_have_one_boundary_each() -> None:
    now = utc("2026-01-01 00:00")
    seen = []
    while (now := CALENDAR.token_boundary.next(now)[0]) < utc("2036-01-01 00:00"):
        seen.append(now)
    assert len(seen) == 522
    local = [moment.astimezone(NEW_YORK) for moment in seen]
    assert all(moment.weekday() == 6 and moment.hour == 1 for moment in local)
    gaps = {b - a for a, b in pairwise(seen)}
    assert {timedelta(days=7), timedelta(days=7, hours=1), timedelta(days=6, hours=23)} == gaps


def test_an_hour_that_does_not_exist_still_has_an_order() -> None:
    early, late = local_instants(date(2027, 3, 14), time(2, 30), NEW_YORK)
    assert utc("2027-03-14 06:30") == early
    assert utc("2027-03-14 07:30") == late


OUTAGES = [
    ("Friday evening", "2026-11-28 03:59:59", None),
    ("Friday 23:00", "2026-11-28 04:00", "2026-11-28 08:00"),
    ("Saturday 02:59", "2026-11-28 07:59", "2026-11-28 08:00"),
    ("Saturday 03:00", "2026-11-28 08:00", None),
]


@pytest.mark.parametrize(("now", "end"), [o[1:] for o in OUTAGES], ids=[o[0] for o in OUTAGES])
def test_fridays_outage(now: str, end: str | None) -> None:
    assert (utc(end) if end else None) == CALENDAR.outage_end(utc(now))


RESETS = [
    ("before it", "2026-11-25 04:44:59", None),
    ("23:45", "2026-11-25 04:45", "2026-11-25 06:45"),
    ("after midnight", "2026-11-25 06:44:59", "2026-11-25 06:45"),
    ("01:45", "2026-11-25 06:45", None),
    ("over the hour that comes twice", "2026-11-01 03:45", "2026-11-01 05:45"),
]


@pytest.mark.parametrize(("now", "end"), [r[1:] for r in RESETS], ids=[r[0] for r in RESETS])
def test_the_nightly_reset(now: str, end: str | None) -> None:
    assert CALENDAR.reset_end(utc(now)) == (utc(end) if end else None)
    assert CALENDAR.outage_end(utc(now)) is None


def test_of_a_reset_that_ends_in_the_hour_that_comes_twice_the_later_end_counts() -> None:
    late = Calendar(resets=(DailySpan(start=time(0, 30), seconds=3600, name="r"),))
    begins_twice = Calendar(resets=(DailySpan(start=time(1, 15), seconds=900, name="r"),))
    assert late.reset_end(utc("2026-11-01 05:29")) == utc("2026-11-01 05:30")
    assert begins_twice.reset_end(utc("2026-11-01 05:20")) == utc("2026-11-01 06:30")


def test_an_outage_of_one_date_is_none_a_week_later() -> None:
    moved = DatedOutage(start=utc("2026-12-05 14:00"), end=utc("2026-12-05 20:00"), name="move")
    calendar = Calendar(dated_outages=(moved,))
    assert calendar.outage_end(utc("2026-12-05 13:59")) is None
    assert calendar.outage_end(utc("2026-12-05 14:00")) == utc("2026-12-05 20:00")
    assert calendar.outage_end(utc("2026-12-05 20:00")) is None
    assert calendar.outage_end(utc("2026-12-12 15:00")) is None


@pytest.mark.parametrize(
    ("since", "told"),
    [
        ("2026-11-25 04:00", "2026-11-25 04:15"),
        ("2026-11-25 04:40", "2026-11-25 07:00"),
        ("2026-11-25 05:00", "2026-11-25 07:00"),
        ("2026-12-05 13:50", "2026-12-05 20:15"),
    ],
    ids=["in the evening", "right before the reset", "in the reset", "before a dated outage"],
)
def test_a_loss_is_too_long_once_it_outlasts_what_ibkr_has_announced(since: str, told: str) -> None:
    moved = DatedOutage(start=utc("2026-12-05 14:00"), end=utc("2026-12-05 20:00"), name="move")
    assert lost_too_long(utc(since), Calendar(dated_outages=(moved,))) == utc(told)


@given(
    st.integers(min_value=1_767_225_600, max_value=2_051_222_400),
    st.sampled_from(list(Weekday)),
    st.times(),
    st.sampled_from(["America/New_York", "Europe/Berlin", "UTC", "Australia/Lord_Howe"]),
)
def test_last_and_next_enclose_now(seconds: int, day: Weekday, at: time, zone: str) -> None:
    moment = WeekTime(weekday=day, at=at, time_zone=zone)
    now = datetime.fromtimestamp(seconds, UTC)
    assert moment.last(now)[0] <= now < moment.next(now)[0]
    assert moment.next(now)[0] - moment.last(now)[0] < timedelta(days=7, hours=2)


MIDNIGHT_ZONES = [
    *("America/Sao_Paulo", "America/Havana", "America/Santiago", "America/Asuncion"),
    *("America/Nuuk", "America/St_Johns", "Asia/Beirut", "Asia/Gaza", "Asia/Amman", "Asia/Tehran"),
    *("Africa/Cairo", "Atlantic/Azores", "Pacific/Apia", "America/New_York", "Europe/Berlin"),
]
"""Clocks moved at midnight or just after it, or a whole day was left out; and two that are as usual."""

NEAR_MIDNIGHT = [time(23, 0), time(23, 30), time(23, 59, 59), time(0), time(0, 0, 30), time(0, 30)]

AROUND = [timedelta(seconds=s) for s in (-3601, -1, 0, 1, 600, 3599, 3601, 86_400)]


def moved_clocks(zone: ZoneInfo) -> set[date]:
    """The days on which clocks moved, of twenty years, with the day before each."""
    days = [date(2008, 1, 1) + timedelta(days=n) for n in range(20 * 365)]
    noon = {day: datetime.combine(day, time(12), zone).utcoffset() for day in days}
    moved = {day for before, day in pairwise(days) if noon[before] != noon[day]}
    return moved | {day - timedelta(days=1) for day in moved}


@pytest.mark.parametrize("zone", MIDNIGHT_ZONES)
def test_no_boundary_is_missed_where_clocks_move_at_midnight(zone: str) -> None:
    wrong = []
    moved = moved_clocks(ZoneInfo(zone))
    for day, at in product(moved, NEAR_MIDNIGHT):
        moment = WeekTime(weekday=list(Weekday)[day.weekday()], at=at, time_zone=zone)
        three = [moment.instants(day + timedelta(weeks=week)) for week in (-1, 0, 1)]
        for now in (three[1][0] + span for span in AROUND):
            begun = [c for c in three if c[0] <= now]
            ahead = [c for c in three if c[0] > now]
            both = (begun[-1], ahead[0])
            if (moment.last(now), moment.next(now)) != both or moment.last_and_next(now) != both:
                wrong.append((day, at, now))
    assert wrong == []


@given(
    st.integers(min_value=946_684_800, max_value=1_893_456_000),
    st.sampled_from(NEAR_MIDNIGHT),
    st.sampled_from(NEAR_MIDNIGHT),
    st.sampled_from(MIDNIGHT_ZONES),
)
def test_the_restart_is_the_first_such_time_after_the_delay(
    seconds: int, boundary: time, restart: time, zone: str
) -> None:
    """Also where that time belongs to the day before by the calendar."""
    token = WeekTime(weekday=Weekday.SUNDAY, at=boundary, time_zone=zone)
    calendar = Calendar(token_boundary=token)
    now = datetime.fromtimestamp(seconds, UTC)
    week = window(
        calendar, RestartTime(restart_at=restart, time_zone=zone), full_auth_time=None, now=now
    )
    earliest = token.last(now)[1] + timedelta(hours=1)
    first = earliest.date() - timedelta(days=3)
    every = (
        local_instants(first + timedelta(days=n), restart, ZoneInfo(zone))[1] for n in range(7)
    )
    assert week.restart == min(at for at in every if at >= earliest)


def test_a_restart_that_belongs_to_the_day_before_by_the_calendar_is_not_missed() -> None:
    """In Nuuk clocks go from Saturday 23:00 to midnight, so 23:30 is half past twelve on Sunday."""
    token = WeekTime(weekday=Weekday.SATURDAY, at=time(22, 10), time_zone="America/Nuuk")
    restart = RestartTime(restart_at=time(23, 30), time_zone="America/Nuuk")
    calendar, now = Calendar(token_boundary=token), utc("2026-03-29 01:20")
    week = window(calendar, restart, full_auth_time=None, now=now)
    assert (week.boundary, week.restart) == (utc("2026-03-29 00:10"), utc("2026-03-29 01:30"))
