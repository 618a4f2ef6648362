"""`python tests/bench/executor_api_cases.py [--cases 10000] [--seed 1]`: requests made from the executor's OpenAPI document.

At a real executor process that is logged in to the simulator's IBKR. Prints what was answered; ends with 1 where an answer was a
mistake, was none, or an order is stored that was not accepted, or accepted and not stored.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from api_cases import CaseFigures, figures_of
from executor_world import AGENT_TOKEN, CLIENT_TOKEN, world


async def measured(cases: int, start: int) -> tuple[CaseFigures, list[str]]:
    """What was answered, and where the ledger differs from it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        async with world(Path(folder)) as here:
            await here.executor.start()
            await here.log_in()
            await here.ready()
            figures = await figures_of(
                here.orders.url, CLIENT_TOKEN, AGENT_TOKEN, cases=cases, start=start
            )
            return figures, figures.differences(here.executor.data / "ledger.db")


def main() -> int:
    """Print the figures; 1 where something is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    figures, differences = asyncio.run(measured(given.cases, given.seed))
    print(
        f"{figures.cases} requests in {time.monotonic() - began:.0f} s, {figures.unsendable} that can't be written"
    )
    for status, count in sorted(figures.statuses.items()):
        print(f"  {status}  {count}")
    print(f"orders accepted {len(figures.stored)}, rebalances {len(figures.rebalances)}")
    for line in [*differences, *figures.wrong][:20]:
        print(f"wrong: {line[:2000]}")
    print(f"wrong answers {len(figures.wrong)}, differences of the ledger {len(differences)}")
    return 1 if figures.wrong or differences else 0


if __name__ == "__main__":
    sys.exit(main())
