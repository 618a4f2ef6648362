"""What people hear of a Sunday: the reminder, each push, each one that was missed, and that nothing is tried any more.

The real operator and sentinel, in virtual time; IBKR counts the pushes.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ibgateway_api.settings import NotificationSettings
from week_world.attentive_phone import AttentivePhone, pushes
from week_world.replacements import another_container, another_operator, another_sentinel, nobody
from week_world.told_people import ToldPeople
from week_world.virtual_time import run_virtually
from week_world.world import WeekWorld, week_world

SATURDAY = datetime(2026, 11, 14, 17, 0, tzinfo=UTC)
NINE = datetime(2026, 11, 15, 14, 0, tzinfo=UTC)
"""The restart: Sunday, nine in New York."""
MINUTE = timedelta(minutes=1)
REMINDER = "Weekly restart on Sunday 09:00:00 (America/New_York)"
PUSH = "Approve IBKR's push"
MISSED = "The push was not approved"
PARKED = "No login is tried until you ask for one"
LOGGED_IN = "IB Gateway is logged in"

Told = Callable[[], list[str]]
Sunday = Callable[[WeekWorld, AttentivePhone, Told], Awaitable[None]]


def on_sunday(folder: Path, then: Sunday, **login: Any) -> None:
    """`then`, with a gateway that has traded since Saturday; its own login is told before."""

    async def live() -> None:
        async with week_world(folder, SATURDAY, 11) as world:
            told = NotificationSettings(namespace="trading", gateway="paper")
            phone, people = AttentivePhone(world), ToldPeople(world, told)

            def watch() -> None:
                phone.look()
                people.look()

            world.watch = watch
            world.operator.edit(login=login)
            world.edited()
            await world.until(SATURDAY + 60 * MINUTE)
            assert people.titles[-1] == LOGGED_IN
            people.titles.clear()
            world.at(NINE - 60 * MINUTE)
            await then(world, phone, lambda: people.titles)

    run_virtually(live())


def ask(world: WeekWorld) -> None:
    world.operator.request_login(f"{world.clock.now():%Y-%m-%dT%H:%M:%SZ}")
    world.edited()


@pytest.mark.parametrize("goes", [nobody, another_operator, another_sentinel])
def test_the_restart_is_announced_once_whoever_is_replaced_after_it(
    tmp_path: Path, goes: Callable[[WeekWorld], Awaitable[None]]
) -> None:
    async def then(world: WeekWorld, _: AttentivePhone, told: Told) -> None:
        await world.until(NINE - 61 * MINUTE)
        assert told() == []
        await world.until(NINE - 59 * MINUTE)
        assert told() == [REMINDER]
        await goes(world)
        await world.until(NINE + 60 * MINUTE)
        assert told() == [REMINDER, PUSH, LOGGED_IN]
        assert pushes(world) == [SATURDAY, NINE]

    on_sunday(tmp_path, then)


@pytest.mark.parametrize(("early", "announced"), [(90, []), (30, [REMINDER])])
def test_a_restart_that_somebody_had_before_its_time_is_announced_no_more(
    tmp_path: Path, early: int, announced: list[str]
) -> None:
    async def then(world: WeekWorld, _: AttentivePhone, told: Told) -> None:
        await world.until(NINE - early * MINUTE)
        ask(world)
        await world.until(NINE - 20 * MINUTE)
        await another_sentinel(world)
        await world.until(NINE + 60 * MINUTE)
        assert told() == [*announced, PUSH, LOGGED_IN]
        assert pushes(world) == [SATURDAY, NINE - early * MINUTE]

    on_sunday(tmp_path, then)


@pytest.mark.parametrize("goes", [nobody, another_operator, another_sentinel, another_container])
def test_a_missed_push_is_tried_again_by_budget_and_then_nobody_unparks_it(
    tmp_path: Path, goes: Callable[[WeekWorld], Awaitable[None]]
) -> None:
    """A day and a half: over the gateway's own restart at night and the end of the day's budget."""

    async def then(world: WeekWorld, phone: AttentivePhone, told: Told) -> None:
        phone.away = True
        await world.until(NINE + 40 * MINUTE)
        tries = [NINE + minutes * MINUTE for minutes in (0, 15, 30)]
        assert pushes(world) == [SATURDAY, *tries]
        assert told() == [REMINDER, PUSH, MISSED, PUSH, MISSED, PUSH, MISSED, PARKED]
        await goes(world)
        await world.until(NINE + 23 * 60 * MINUTE)
        assert told()[-1] == PARKED
        await world.until(NINE + 38 * 60 * MINUTE)
        assert pushes(world) == [SATURDAY, *tries]
        assert told()[-1] == f"{PARKED} (still)"
        assert told().count(PARKED) == 1
        phone.away = False
        ask(world)
        await world.until(NINE + 38 * 60 * MINUTE + 5 * MINUTE)
        assert told()[-2:] == [PUSH, LOGGED_IN]
        assert world.operator.condition("Ready") == "True Trading"

    on_sunday(tmp_path, then)


def test_a_push_that_was_missed_right_before_the_quiet_hours_is_tried_again_after_them(
    tmp_path: Path,
) -> None:
    async def then(world: WeekWorld, phone: AttentivePhone, told: Told) -> None:
        phone.away = True
        await world.until(NINE + 119 * MINUTE)
        assert pushes(world) == [SATURDAY, NINE]
        assert told() == [REMINDER, PUSH, MISSED]
        phone.away = False
        await world.until(NINE + 125 * MINUTE)
        assert pushes(world) == [SATURDAY, NINE, NINE + 120 * MINUTE]
        assert told()[-2:] == [PUSH, LOGGED_IN]

    quiet = {"start": "09:16", "end": "11:00", "timeZone": "America/New_York"}
    on_sunday(tmp_path, then, quietHours=quiet, attemptIntervalSeconds=1200)


def test_the_days_budget_is_kept_and_goes_on_with_the_next_day(tmp_path: Path) -> None:
    """Saturday's login is one of the three of a day."""

    async def then(world: WeekWorld, phone: AttentivePhone, _: Told) -> None:
        phone.away = True
        await world.until(NINE + 240 * MINUTE)
        tries = [SATURDAY, NINE, NINE + 15 * MINUTE, SATURDAY + timedelta(days=1)]
        assert pushes(world) == tries

    on_sunday(tmp_path, then, maxAttempts=9, dailyAttempts=3)
