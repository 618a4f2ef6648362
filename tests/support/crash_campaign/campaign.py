"""A whole campaign: points, moments, and what the books say."""

import contextlib
import math
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crash_campaign.accidents import LONGEST_LIFE, die_at_moments, die_at_points, enumerated
from crash_campaign.disk import DATABASE, PostgresLedger, SqliteLedger
from crash_campaign.lives import executor_lives
from crash_campaign.moods import KIND, Mood
from crash_campaign.power_loss import PowerLoss
from crash_campaign.session import Accident, CampaignSession, Target
from crash_campaign.stories import OrderStory, RebalanceStory, Story
from executor_world import world
from order_judge import AuditVerdict
from postgres_server import started

STORIES: dict[str, Callable[[], Story]] = {"orders": OrderStory, "rebalance": RebalanceStory}
STORES = ("sqlite", "postgres")
RICH: Final = {"cash": {"USD": "1000000000"}}


@dataclass(frozen=True)
class CampaignPlan:
    """How much of it, in one world. `sample` points are drawn by the seed; 0: every point.

    `wanted` keeps the points whose kind or place it is a part of; `aims` are tried without looking for others. With PostgreSQL nothing is lost with the executor's power: its
    ledger is not there; and only there is a database to be killed.
    """

    accident: Accident
    story: str = "orders"
    store: str = "sqlite"
    seed: int = 1
    sample: int = 0
    wanted: str = ""
    occurrences: int = 2
    enumerations: int = 3
    restart: bool = False
    """The points are those of the restart after a death, which dies in its turn."""
    aims: tuple[Target, ...] = ()
    mood: Mood = KIND
    """In which the lives begin that have an accident at a point."""
    moments: int = 0
    life: float = LONGEST_LIFE
    """Seconds of load before one of them, at most."""
    minutes: float = 0
    """No new accident after so long; 0: no limit."""
    mutant: str = ""

    @property
    def possible(self) -> bool:
        """Whether there is such a campaign."""
        only = {Accident.POWER: "sqlite", Accident.DATABASE: "postgres"}
        if self.restart and not self.accident.ends_a_life:
            return False
        return only.get(self.accident, self.store) == self.store


@dataclass(frozen=True)
class CampaignResult:
    """The points that there are and those that were not reached, what was done, and what the books say.

    `doubted` orders were Unknown at some time; `parked` are those of them that were left to a person.
    """

    plan: CampaignPlan
    targets: list[Target]
    missed: list[Target]
    done: Counter[str]
    verdict: AuditVerdict
    doubted: int
    parked: int
    further: list[tuple[str, int]] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """What must not be."""
        return self.verdict.violations


async def campaign(folder: Path, plan: CampaignPlan) -> CampaignResult:
    """Run it in a world of its own; logs and ledger stay in `folder`. ValueError where there is no such campaign."""
    if not plan.possible:
        raise ValueError(f"there is no {plan.accident} with {plan.store}")
    async with _session(folder, plan) as session:
        targets, missed = await _points(session, plan)
        if plan.moments:
            await die_at_moments(session, plan.moments, longest=plan.life)
        verdict = await session.verdict()
        doubted, parked = (0, 0) if session.caught else session.ledger.doubts()
    session.done["orders on their way at a death"] = session.book.on_their_way
    return CampaignResult(
        *(plan, targets, missed, session.done, verdict),
        doubted=doubted,
        parked=parked,
        further=session.story.rows(),
    )


@contextlib.asynccontextmanager
async def _session(folder: Path, plan: CampaignPlan) -> AsyncIterator[CampaignSession]:
    """Everything runs, but for the executor."""
    async with contextlib.AsyncExitStack() as stack:
        here = await stack.enter_async_context(world(folder))
        server = power = None
        if plan.store == "postgres":
            server = stack.enter_context(started())
            here.executor.database = folder / "database-url"
            here.executor.database.write_text(server.database(DATABASE), encoding="utf-8")
        elif plan.accident is Accident.POWER:
            power = PowerLoss(here.executor.data, folder)
            here.executor.environment |= power.environment
        lives = executor_lives(here.executor.variables(), here.executor.log)
        session = CampaignSession(
            *(here, folder, _chance(plan), plan.accident, STORIES[plan.story]()),
            lives=await stack.enter_async_context(lives),
            ledger=PostgresLedger(server) if server else SqliteLedger(here),
            mutant=plan.mutant,
            power=power,
            server=server,
            deadline=time.monotonic() + plan.minutes * 60 if plan.minutes else math.inf,
        )
        if plan.story == "orders":
            await here.ibkr.send("PATCH", "/v1/accounts/DU1234567", RICH)
        await here.log_in()
        yield session


async def _points(
    session: CampaignSession, plan: CampaignPlan
) -> tuple[list[Target], list[Target]]:
    """All that there are, and those that were tried and not reached."""
    if plan.aims or not plan.enumerations:
        return [], await die_at_points(session, plan.aims, plan.mood)
    targets = await enumerated(
        session, runs=plan.enumerations, occurrences=plan.occurrences, restart=plan.restart
    )
    wanted = [t for t in targets if plan.wanted in f"{t[0]} {t[1]}"]
    drawn = session.chance.sample(wanted, min(plan.sample, len(wanted))) if plan.sample else wanted
    return targets, await die_at_points(session, drawn, plan.mood, restart=plan.restart)


def _chance(plan: CampaignPlan) -> random.Random:
    return random.Random(plan.seed)  # noqa: S311 - the order of accidents is no secret
