"""A gateway that crashes all day long costs its day's pushes and no more; the next day begins with new ones.

The real operator and sentinel, in virtual time; IBKR counts the pushes. Each login lasts an hour, so that no episode
but the day alone is at its limit.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from week_world.attentive_phone import AttentivePhone, pushes
from week_world.virtual_time import run_virtually
from week_world.world import week_world

MONDAY = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)
"""Nine in the morning of New York."""
HOUR = timedelta(hours=1)
DAILY_ATTEMPTS = 6


def test_the_seventh_crash_of_a_day_pushes_nobody_before_the_first_is_a_day_old(
    tmp_path: Path,
) -> None:
    async def live() -> list[datetime]:
        async with week_world(tmp_path, MONDAY, 3) as world:
            world.watch = AttentivePhone(world).look
            world.operator.edit(login={"dailyAttempts": DAILY_ATTEMPTS})
            world.edited()
            for hour in range(1, 10):
                await world.until(MONDAY + hour * HOUR)
                if world.pod.container.jvm is not None:
                    world.pod.container.kill()
            await world.until(MONDAY + 26 * HOUR)
            return pushes(world)

    first_day = [MONDAY + hour * HOUR for hour in range(DAILY_ATTEMPTS)]
    assert run_virtually(live()) == [*first_day, MONDAY + 24 * HOUR]
