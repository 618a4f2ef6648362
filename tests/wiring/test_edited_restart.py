"""A restart's time that is edited into the past sends no push: real operator and sentinel, in virtual time.

IBKR counts the pushes. Each week's restart is planned for noon of New York, and edited a few minutes past nine.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from week_world.attentive_phone import AttentivePhone, pushes
from week_world.replacements import another_operator, another_sentinel, nobody
from week_world.virtual_time import run_virtually
from week_world.world import WeekWorld, week_world

SATURDAY = datetime(2026, 11, 14, 17, 0, tzinfo=UTC)
"""Noon of New York."""
NINE = datetime(2026, 11, 15, 14, 0, tzinfo=UTC)
NOON = NINE + timedelta(hours=3)
WEEK = timedelta(weeks=1)
MINUTE = timedelta(minutes=1)

Happening = Callable[[WeekWorld], Awaitable[None]]


def restart_at(world: WeekWorld, at: str) -> None:
    world.operator.edit(weeklyRestart={"restartAt": at})
    world.edited()


def begin(folder: Path, restart: str, then: Happening) -> None:
    """A gateway that logs in on Saturday; then `then`, up to a few minutes past nine on Sunday."""

    async def live() -> None:
        async with week_world(folder, SATURDAY, 5) as world:
            world.watch = AttentivePhone(world).look
            restart_at(world, restart)
            await world.until(SATURDAY + 30 * MINUTE)
            assert pushes(world) == [SATURDAY]
            await then(world)

    run_virtually(live())


async def container_dies(world: WeekWorld) -> None:
    """The token goes with it, and nothing logs in before the week's restart."""
    await world.until(NINE - 60 * MINUTE)
    world.pod.container.kill()


@pytest.mark.parametrize("before", [nobody, container_dies])
@pytest.mark.parametrize("after", [nobody, another_operator, another_sentinel])
def test_a_time_edited_into_the_past_asks_and_goes_by_itself_the_next_sunday(
    tmp_path: Path, before: Happening, after: Happening
) -> None:
    async def then(world: WeekWorld) -> None:
        await before(world)
        await world.until(NINE + 5 * MINUTE)
        restart_at(world, "09:00")
        await world.until(NINE + 6 * MINUTE)
        await after(world)
        await world.until(NINE + 24 * 60 * MINUTE)
        assert pushes(world) == [SATURDAY]
        assert world.operator.condition("OutsideRestartWindow") == "False RestartOverdue"
        assert "was past when it was set" in world.operator.message("OutsideRestartWindow")
        assert world.operator.stored()["status"]["window"]["restart"] == "2026-11-22T14:00:00Z"
        await world.until(NINE + WEEK + 5 * MINUTE)
        assert pushes(world) == [SATURDAY, NINE + WEEK]
        assert world.operator.condition("OutsideRestartWindow") == "True WeekAuthenticated"

    begin(tmp_path, "12:00", then)


def test_an_operator_that_was_away_when_it_was_edited_asks_too(tmp_path: Path) -> None:
    async def then(world: WeekWorld) -> None:
        await world.until(NINE + MINUTE)
        world.operator_falls()
        restart_at(world, "09:00")
        await world.until(NINE + 5 * MINUTE)
        world.operator_returns()
        await world.until(NOON + 60 * MINUTE)
        assert pushes(world) == [SATURDAY]
        assert world.operator.condition("OutsideRestartWindow") == "False RestartOverdue"

    begin(tmp_path, "12:00", then)


@pytest.mark.parametrize("before", [nobody, container_dies])
def test_what_it_asks_for_is_had_at_once(tmp_path: Path, before: Happening) -> None:
    async def then(world: WeekWorld) -> None:
        await before(world)
        await world.until(NINE + 5 * MINUTE)
        restart_at(world, "09:00")
        await world.until(NINE + 40 * MINUTE)
        world.operator.request_login(f"{world.clock.now():%Y-%m-%dT%H:%M:%SZ}")
        world.edited()
        await world.until(NINE + 45 * MINUTE)
        assert pushes(world) == [SATURDAY, NINE + 40 * MINUTE]
        assert world.operator.condition("Ready") == "True Trading"
        assert "passed" not in world.operator.stored()["status"]["window"]

    begin(tmp_path, "12:00", then)


@pytest.mark.parametrize("before", [nobody, container_dies])
def test_a_time_that_is_ahead_again_goes_by_itself(tmp_path: Path, before: Happening) -> None:
    async def then(world: WeekWorld) -> None:
        await before(world)
        await world.until(NINE + 5 * MINUTE)
        restart_at(world, "09:00")
        await world.until(NINE + 40 * MINUTE)
        restart_at(world, "11:00")
        await world.until(NOON)
        assert pushes(world) == [SATURDAY, NINE + 120 * MINUTE]

    begin(tmp_path, "12:00", then)


def test_a_restart_that_nobody_edited_is_made_up_for_within_its_grace(tmp_path: Path) -> None:
    async def then(world: WeekWorld) -> None:
        await world.until(NINE - 2 * MINUTE)
        world.operator_falls()
        await world.pod.kill_sentinel()
        await world.until(NINE + 5 * MINUTE)
        world.operator_returns()
        world.pod.boot_sentinel()
        await world.until(NINE + 10 * MINUTE)
        assert pushes(world) == [SATURDAY, NINE + 5 * MINUTE]

    begin(tmp_path, "09:00", then)
