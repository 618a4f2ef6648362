"""Accidents at every point of the submit path, and at random moments under load."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Final

from crash_campaign.moods import KIND, Mood, drawn
from crash_campaign.session import Accident, CampaignSession, Target
from crash_campaign.stories import DOWN, OrderStory

logger = logging.getLogger(__name__)

BACKLOG: Final = 16
"""So many orders are under way at any moment of a load."""
SENT: Final = ("after write", "gateway broker/ib/connection.py:place", 1)
"""The first order has just left."""
LONGEST_LIFE: Final = 1.2
"""Seconds of load before an accident, at most."""
DATABASE_AWAY: Final = 0.5


async def enumerated(
    session: CampaignSession, *, runs: int, occurrences: int, restart: bool = False
) -> list[Target]:
    """The points that the story reaches, or the restart after a death in it: each place at its first `occurrences`, over some runs."""
    found: dict[Target, None] = {}
    for _ in range(runs):
        if restart:
            await _die_and_start_armed(session)
        else:
            await session.start()
            await session.ready()
            await session.arm()
            await session.story.begin(session.here)
        await session.all_over()
        await session.here.executor.kill()
        for line in session.reached:
            kind, *more = line.split("\t")
            if more and int(more[1]) <= occurrences:
                found[kind, more[0], int(more[1])] = None
    return sorted(found)


async def _die_and_start_armed(session: CampaignSession, target: Target | None = None) -> None:
    """A death with an order on its way to the broker, and the start after it, with its points counted from the first line on."""
    if session.dead:
        await session.start()
    await session.ready()
    await session.all_over()
    await session.arm(SENT)
    await session.story.begin(session.here)
    await session.all_over()
    await session.die()
    session.take_aim(target)
    await session.start(armed=True)


async def die_at_points(
    session: CampaignSession, targets: Iterable[Target], mood: Mood = KIND, *, restart: bool = False
) -> list[Target]:
    """Run the story with an accident at each of these points, or of the restart after one; those that were not reached."""
    missed: list[Target] = []
    for number, target in enumerate(targets, 1):
        if session.late:
            break
        reached = _die_in_a_restart(session, target) if restart else _die_at(session, target, mood)
        if not await reached:
            missed.append(target)
        session.done["points tried"] += 1
        if number % 20 == 0:
            logger.info("%d points", number)
    return missed


async def _die_at(session: CampaignSession, target: Target, mood: Mood) -> bool:
    """Whether the point was reached. A life that goes on after its accident is used again; what it does only once is
    reached in a fresh one.
    """
    fresh = session.dead
    reached = await _tried(session, target, mood)
    if not (reached or fresh or session.accident.ends_a_life):
        await session.here.executor.kill()
        reached = await _tried(session, target, mood)
    session.done["points reached" if reached else "points not reached"] += 1
    return reached


async def _tried(session: CampaignSession, target: Target, mood: Mood) -> bool:
    if session.dead:
        await session.start(mood)
    await session.ready()
    await session.all_over()
    if session.caught:
        return False
    await session.arm(target)
    await session.story.begin(session.here)
    if session.accident is Accident.DATABASE:
        await _until_acted_or_over(session)
        await _bring_the_database_back(session)
    await session.all_over()
    reached = "acted" in session.reached
    if session.accident.ends_a_life:
        await session.die()
    elif reached:
        session.done[session.accident] += 1
    if session.dead and not session.accident.ends_a_life:
        await session.look_at_the_disk()
    return reached


async def _die_in_a_restart(session: CampaignSession, target: Target) -> bool:
    """Whether the point was reached."""
    await _die_and_start_armed(session, target)
    await session.all_over()
    reached = "acted" in session.reached
    session.done["points reached" if reached else "points not reached"] += 1
    await session.die()
    return reached


async def _until_acted_or_over(session: CampaignSession) -> None:
    while "acted" not in session.reached and not session.dead:
        if await session.fewer_than(1, 0.1):
            with contextlib.suppress(*DOWN, AssertionError):
                await session.story.repeat(session.here)
                if await session.story.over(session.here):
                    return


async def _bring_the_database_back(session: CampaignSession) -> None:
    assert session.server is not None
    if not await asyncio.to_thread(session.server.running):
        await asyncio.to_thread(session.server.start)


async def die_at_moments(
    session: CampaignSession, moments: int, longest: float = LONGEST_LIFE
) -> None:
    """So many accidents, each while orders are under way, after so many seconds at most; the load goes on until the last one."""
    over = asyncio.Event()
    load = asyncio.create_task(_load(session, over))
    for number in range(1, moments + 1):
        if session.late:
            break
        if session.dead:
            await session.start(drawn(session.chance))
        if session.chance.random() < 0.75:
            await session.ready()
        await asyncio.sleep(longest * session.chance.random())
        await _accident(session)
        session.done["moments"] += 1
        if number % 20 == 0:
            logger.info("%d moments", number)
    over.set()
    if session.dead or session.mood != KIND:
        await session.here.executor.kill()
        await session.start()
    await load


async def _accident(session: CampaignSession) -> None:
    if session.accident.ends_a_life:
        await session.die()
        return
    if session.accident is Accident.CUT:
        mood = drawn(session.chance)
        await session.set_mood(mood)
        await session.here.ibkr.send("POST", "/v1/connections/drop", {})
    else:
        assert session.server is not None
        await asyncio.to_thread(session.server.kill)
        if session.chance.random() < 0.25:
            await session.here.executor.kill()
        await asyncio.sleep(DATABASE_AWAY * session.chance.random())
        await asyncio.to_thread(session.server.start)
    session.done[session.accident] += 1
    if session.dead:
        await session.look_at_the_disk()


async def _load(session: CampaignSession, over: asyncio.Event) -> None:
    """As many orders as keep the backlog, or one rebalance after the other."""
    story = session.story
    while not over.is_set():
        if session.dead:
            await asyncio.sleep(0.02)
            continue
        await story.repeat(session.here)
        if isinstance(story, OrderStory):
            await story.begin(session.here)
            await session.fewer_than(BACKLOG, 5)
        elif await session.all_over():
            await story.begin(session.here)
