"""The crash campaign: the real executor dies, is cut off or loses its power at every point of its submit path.

By hand: `python tests/faults/executor/campaign.py --accident kill --moments 1000 --orders 10000`. Prints what it counted and
what the simulator's audit says against the ledger; exit code 1 where an order was lost, sent twice, out of order, or told otherwise.
"""

import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

import click

from crash_campaign.campaign import STORES, STORIES, CampaignPlan, campaign, show
from crash_campaign.session import Accident


@click.command()
@click.option(
    "--accident", type=click.Choice([accident.value for accident in Accident]), default="kill"
)
@click.option("--story", type=click.Choice(list(STORIES)), default="orders")
@click.option("--store", type=click.Choice(STORES), default="sqlite")
@click.option("--seed", default=1)
@click.option("--sample", default=0, help="so many points, drawn by the seed; 0: all")
@click.option("--occurrences", default=2, help="of each place")
@click.option("--moments", default=0, help="accidents at random moments under load")
@click.option("--orders", default=0, help="orders, or rebalances, of this load")
@click.option("--minutes", default=0.0, help="no new accident after so long; 0: no limit")
@click.option("--points/--no-points", default=True)
def command(
    *,
    accident: str,
    story: str,
    store: str,
    seed: int,
    sample: int,
    occurrences: int,
    moments: int,
    orders: int,
    minutes: float,
    points: bool,
) -> None:
    """Accidents at every point, then at random moments; the same seed gives the same order of them."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("crash_campaign").setLevel(logging.INFO)
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="crash-campaign-"))
    plan = CampaignPlan(
        accident=Accident(accident),
        story=story,
        store=store,
        seed=seed,
        sample=sample,
        occurrences=occurrences,
        enumerations=3 if points else 0,
        moments=moments,
        orders=orders,
        minutes=minutes,
    )
    code = show(asyncio.run(campaign(folder, plan)))
    click.echo(
        f"{accident}, {story}, {store}, seed {seed}: {time.monotonic() - started:.0f} s; logs and ledger: {folder}"
    )
    sys.exit(code)


if __name__ == "__main__":
    command()
