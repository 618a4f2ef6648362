"""Ten years of Sundays: the real operator, sentinel, permits and gates in virtual time, IBKR as the judge.

What must hold at every look stands in `week_world.truth`; what happens to the gateway, in
`week_world.life`. A failure tells its story: the same seed tells it again.
"""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from week_world.tally import Tally
from week_world.true_week import week_of
from week_world.years import Years, live

pytestmark = pytest.mark.timeout(3600)

BEGUN = datetime(2026, 11, 14, 17, 0, tzinfo=UTC)
"""A Saturday noon in New York."""
WEEKS = 132
SPANS = [
    Years(BEGUN + number * timedelta(weeks=WEEKS), WEEKS, zone, seed=number + 1)
    for number, zone in enumerate(
        ("Asia/Tokyo", "Europe/Berlin", "America/New_York", "Pacific/Honolulu")
    )
]
INCIDENTS = {
    "container_crashes",
    "link_lost",
    "operator_away",
    "orders_in_flight",
    "person_logs_in",
    "pod_deleted",
    "push_missed",
    "quiet_hours_edited",
    "sentinel_away",
    "suspended",
    "times_edited",
    "volume_full",
}


def clock_changes(years: Years) -> int:
    """How often the clocks of New York move."""
    days = (years.start + timedelta(days=day) for day in range(7 * years.weeks + 1))
    hours = [week_of(day)[0].hour for day in days]
    return sum(before != after for before, after in pairwise(hours))


def test_ten_years_of_sundays() -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["week_world.years"])
    count = min(os.cpu_count() or 1, len(SPANS))
    with ProcessPoolExecutor(count, mp_context=context, max_tasks_per_child=1) as processes:
        tallies: list[Tally] = list(processes.map(live, SPANS))
    assert sum(clock_changes(years) for years in SPANS) >= 20
    assert sum(tally.weeks for tally in tallies) == 528
    assert any("times_past" in tally.incidents for tally in tallies)
    # All of them together: what a span of two years and a half has for incidents moves its share by three hundredths.
    open_seconds = sum(tally.open_seconds for tally in tallies)
    assert open_seconds / sum(tally.seconds for tally in tallies) > 0.8
    for tally in tallies:
        assert set(tally.incidents) - {"times_past"} == INCIDENTS
        assert tally.missed > 20
        assert tally.requests > 5
