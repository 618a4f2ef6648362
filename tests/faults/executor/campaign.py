"""The crash campaign: the real executor dies, is cut off or loses its power at every point of its submit path.

By hand: `python tests/faults/executor/campaign.py --accident kill --accident power --moments 1000`. Prints a table of what was done and
what the simulator's audit says against the ledger; exit code 1 where an order was lost, sent twice, out of order, or told otherwise.
With `--mutant NAME` a defect is put in, and the exit code is 1 where it was not found.
"""

import asyncio
import logging
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import click

from crash_campaign.campaign import STORES, STORIES, CampaignPlan, CampaignResult, campaign
from crash_campaign.mutants import MUTANTS
from crash_campaign.proofs import PROOFS
from crash_campaign.session import Accident
from crash_campaign.table import details, table

ACCIDENTS = tuple(accident.value for accident in Accident)


@click.command()
@click.option("accidents", "--accident", type=click.Choice(ACCIDENTS), multiple=True)
@click.option("stories", "--story", type=click.Choice(list(STORIES)), multiple=True)
@click.option("stores", "--store", type=click.Choice(STORES), multiple=True)
@click.option("--seed", default=1)
@click.option("--sample", default=0, help="so many points, drawn by the seed; 0: all")
@click.option("--wanted", default="", help="only points with these words in their kind or place")
@click.option("--occurrences", default=2, help="of each place")
@click.option("--moments", default=0, help="accidents at random moments under load")
@click.option("--moments-a-world", default=100, help="then a new world, with an empty ledger")
@click.option("--life", default=1.2, help="seconds of load before an accident, at most")
@click.option("--worlds", default=1, help="so many at a time: most of a campaign is waiting")
@click.option("--minutes", default=0.0, help="no new accident after so long; 0: no limit")
@click.option("--points/--no-points", default=True)
@click.option("--restart", is_flag=True, help="the points of the restart after a death")
@click.option("--mutant", type=click.Choice(list(MUTANTS)))
def command(moments: int, moments_a_world: int, minutes: float, worlds: int, **asked: Any) -> None:
    """Accidents at every point, then at random moments; the same seed gives the same order of them in each world."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("crash_campaign").setLevel(logging.INFO)
    folder = Path(tempfile.mkdtemp(prefix="crash-campaign-"))
    began = time.monotonic()
    plans = list(_plans(moments, moments_a_world, asked))
    results = asyncio.run(_run(folder, plans, worlds=worlds, minutes=minutes))
    click.echo(table(results))
    seconds = time.monotonic() - began
    click.echo(f"seed {asked['seed']}: {seconds:.0f} s; logs and ledgers: {folder}")
    sys.exit(_code(asked["mutant"], results))


async def _run(
    folder: Path, plans: Sequence[CampaignPlan], *, worlds: int, minutes: float
) -> list[CampaignResult]:
    """Each plan in a world of its own, so many at a time; none is begun when the time is over."""
    began, results, waiting = time.monotonic(), list[CampaignResult](), deque(enumerate(plans))

    async def one_after_the_other() -> None:
        while waiting:
            number, plan = waiting.popleft()
            left = minutes - (time.monotonic() - began) / 60
            if minutes and left <= 0:
                return
            here = folder / str(number)
            here.mkdir()
            result = await campaign(here, replace(plan, minutes=left if minutes else 0))
            results.append(result)
            click.echo(details(result), err=True)

    async with asyncio.TaskGroup() as group:
        for _ in range(worlds):
            group.create_task(one_after_the_other())
    return results


def _plans(moments: int, moments_a_world: int, asked: dict[str, Any]) -> Iterator[CampaignPlan]:
    """One for each world: the points first, then so many moments each. A mutant has the accidents that show it."""
    if asked["mutant"]:
        proof = PROOFS[asked["mutant"]]
        yield (
            replace(proof, aims=(), enumerations=0, moments=moments, seed=asked["seed"])
            if moments
            else proof
        )
        return
    names = (asked["accidents"] or ("kill",), asked["stores"] or ("sqlite",))
    for accident, store, story in product(*names, asked["stories"] or ("orders",)):
        plan = CampaignPlan(
            Accident(accident),
            story=story,
            store=store,
            seed=asked["seed"],
            sample=asked["sample"],
            wanted=asked["wanted"],
            occurrences=asked["occurrences"],
            restart=asked["restart"],
            life=asked["life"],
        )
        if not plan.possible:
            continue
        if asked["points"]:
            yield plan
        for world, done in enumerate(range(0, moments, moments_a_world)):
            some = min(moments_a_world, moments - done)
            seed = asked["seed"] * 1000 + world
            yield replace(plan, enumerations=0, restart=False, moments=some, seed=seed)


def _code(mutant: str, results: list[CampaignResult]) -> int:
    found = any(result.violations for result in results)
    if not mutant:
        return 1 if found else 0
    deaths = sum(result.done["points tried"] + result.done["moments"] for result in results)
    click.echo(f"{mutant} was {'caught' if found else 'NOT caught'} by {deaths} accidents")
    return 0 if found else 1


if __name__ == "__main__":
    command()
