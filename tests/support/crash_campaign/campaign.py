"""A whole campaign: points, moments, the verdict, and the table."""

import contextlib
import logging
import math
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from crash_campaign.power_loss import PowerLoss
from crash_campaign.session import (
    Accident,
    CampaignSession,
    Target,
    die_at,
    die_at_moments,
    enumerated,
)
from crash_campaign.stories import OrderStory, RebalanceStory, Story
from executor_world import world
from order_judge import AuditVerdict
from postgres_server import started

logger = logging.getLogger(__name__)

STORIES: dict[str, Callable[[], Story]] = {"orders": OrderStory, "rebalance": RebalanceStory}
STORES = ("sqlite", "postgres")


@dataclass(frozen=True)
class CampaignPlan:
    """How much of it. `sample` points are drawn by the seed; 0: every point.

    `orders` is the load of the random moments: orders, or rebalances. With PostgreSQL nothing is lost with the
    executor's power: its ledger is not there.
    """

    accident: Accident
    story: str = "orders"
    store: str = "sqlite"
    seed: int = 1
    sample: int = 0
    occurrences: int = 2
    enumerations: int = 3
    moments: int = 0
    orders: int = 0
    minutes: float = 0
    """No new accident after so long; 0: no limit."""


@dataclass(frozen=True)
class CampaignResult:
    """The points that there are, those that were tried and missed, what was done, and what the books say."""

    targets: list[Target]
    tried: list[Target]
    missed: list[Target]
    rows: list[tuple[str, int]]
    verdict: AuditVerdict


async def campaign(folder: Path, plan: CampaignPlan) -> CampaignResult:
    """Run it in a world of its own; logs and ledger stay in `folder`."""
    chance = random.Random(plan.seed)  # noqa: S311 - the order of accidents is no secret
    async with contextlib.AsyncExitStack() as stack:
        here = await stack.enter_async_context(world(folder))
        session = CampaignSession(here, folder, chance, plan.accident, STORIES[plan.story]())
        session.deadline = time.monotonic() + plan.minutes * 60 if plan.minutes else math.inf
        if plan.store == "postgres":
            server = stack.enter_context(started())
            here.executor.database = folder / "database-url"
            here.executor.database.write_text(server.database("campaign"), encoding="utf-8")
        elif plan.accident is Accident.POWER:
            session.power = PowerLoss(here.executor.data, folder)
            here.executor.environment |= session.power.environment
        await here.log_in()
        targets: list[Target] = []
        if plan.enumerations:
            targets = await enumerated(
                session, runs=plan.enumerations, occurrences=plan.occurrences
            )
        wanted = chance.sample(targets, plan.sample or len(targets))
        tried, missed = [], []
        for target in wanted:
            if session.late:
                break
            tried.append(target)
            if not await die_at(session, target):
                missed.append(target)
            if len(tried) % 20 == 0:
                logger.info("%d of %d points", len(tried), len(wanted))
        if plan.moments:
            await die_at_moments(session, moments=plan.moments, orders=plan.orders)
        verdict = await session.verdict()
    return CampaignResult(targets, tried, missed, _rows(session, targets, tried), verdict)


def _rows(
    session: CampaignSession, targets: Iterable[Target], tried: Iterable[Target]
) -> list[tuple[str, int]]:
    kinds: dict[str, list[int]] = {}
    for which, some in enumerate((targets, tried)):
        for kind, _, _ in some:
            kinds.setdefault(kind, [0, 0])[which] += 1
    rows = []
    for kind, (there, used) in sorted(kinds.items()):
        rows += [(f"points, {kind}", there), (f"points tried, {kind}", used)]
    return [*rows, *sorted(session.done.items()), *session.story.rows()]


def table(result: CampaignResult) -> str:
    """The result as a table, and a line for each violation."""
    rows = [*result.rows, *result.verdict.rows()]
    lines = ["| what | number |", "|---|---|", *(f"| {name} | {number} |" for name, number in rows)]
    lines += [f"not reached: {' '.join(map(str, target))}" for target in result.missed]
    lines += [f"VIOLATION {line}" for line in result.verdict.violations]
    return "\n".join(lines)


def show(result: CampaignResult) -> int:
    """Print it; the exit code."""
    click.echo(table(result))
    return 1 if result.verdict.violations else 0
