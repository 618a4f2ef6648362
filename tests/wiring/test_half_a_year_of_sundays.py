"""A seeded share of the ten years of Sundays (tests/faults), in a process of its own: zone and disk are its own."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

from week_world.years import Years, live

BEGUN = datetime(2026, 11, 14, 17, 0, tzinfo=UTC)
"""A Saturday noon in New York."""


def test_half_a_year_of_sundays() -> None:
    """With the change of the clocks in March, people, outages and crashes; `week_world.truth` says what must hold."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        tally = process.submit(live, Years(BEGUN, 26, "America/New_York", seed=3)).result()
    assert tally.weeks == 26
    assert tally.pushes > 26
    assert tally.missed > 5
    assert tally.open_seconds / tally.seconds > 0.8
