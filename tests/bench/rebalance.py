"""How long a rebalance takes, from its POST to its last fill, beside the same orders placed by ib_async alone.

The executor process against the simulator, which lists so many more contracts; half of the lines are sold whole, the other half is bought with what
that brings. In the same run ib_async places the same orders on the same simulator: the next one when the last one is filled, and all at once.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import ib_async

from bench_page import Figure, Measured, save
from bench_stores import STORES, BenchStore, bench_store, named
from executor_world import ExecutorWorld, world

ACCOUNT: Final = "DU1234567"
PRICE: Final = 100
SHARES: Final = 100
FIRST: Final = 900_000_000
"""contract numbers of the lines begin here."""
LIMIT_SECONDS: Final = 150.0
LOOK_SECONDS: Final = 0.05
METHOD: Final = (
    "The executor process against the simulator, in a margin account: half of the lines are sold whole, the other half is bought with what that brings. ib_async alone places the same "
    "orders on the same simulator in the same run, with its own pace of 45 messages a second. A PostgreSQL is on the same machine and disk. IBKR's rule of fifty messages a second "
    "holds for the executor: contracts, prices and orders of so many lines take their seconds by it."
)
LISTING: Final = """
import sys
from decimal import Decimal
from ibgateway_simulator.model.trading import market
more = tuple(market.ListedContract({first} + n, f"L{{n:03d}}", "NYSE", f"LINE {{n}}", Decimal({price})) for n in range({lines}))
market.CONTRACTS += more
market.BY_ID.update({{c.con_id: c for c in more}})
market.BY_SYMBOL.update({{c.symbol: c for c in more}})
from ibgateway_simulator.__main__ import main
sys.exit(main(["ibkr"]))
"""


@dataclass(frozen=True)
class RebalanceTimes:
    """Seconds from the POST: to the plan that was frozen, the last sell's fill, the last buy's fill, and the report."""

    frozen: float
    sold: float
    bought: float
    reported: float
    orders: int


@dataclass(frozen=True)
class BareTimes:
    """Seconds of ib_async alone: one order after the other, and all at once."""

    one_by_one: float
    at_once: float


class RebalanceBench:
    """One simulator and one executor, logged in."""

    def __init__(self, here: ExecutorWorld, lines: int) -> None:
        self._here = here
        self._sold = [f"L{n:03d}" for n in range(lines // 2)]
        self._bought = [f"L{n:03d}" for n in range(lines // 2, lines)]

    async def held(self) -> None:
        """The account has the lines that are to be sold, and next to no cash."""
        positions = {
            name: {"quantity": SHARES if name in self._sold else 0, "average_cost": PRICE}
            for name in (*self._sold, *self._bought)
        }
        body = {"type": "margin", "cash": {"USD": "10000"}, "positions": positions}
        await self._here.ibkr.send("PATCH", f"/v1/accounts/{ACCOUNT}", body)

    async def rebalance(self) -> RebalanceTimes:
        """One, from its POST to its report."""
        await self.held()
        weight = f"{0.99 / len(self._bought):.6f}"
        body = {
            "targets": [{"contract": {"symbol": name}, "weight": weight} for name in self._bought],
            "unsettled": "skip",
        }
        began, at = datetime.now(UTC), time.monotonic()
        _, run = await self._here.orders.ask(
            "POST", "/v1/rebalances", body, headers={"Idempotency-Key": "bench"}
        )
        async with asyncio.timeout(LIMIT_SECONDS):
            while run["state"] not in ("Completed", "Stopped"):
                await asyncio.sleep(LOOK_SECONDS)
                run = await self._here.orders.get(f"/v1/rebalances/{run['id']}")
        reported = time.monotonic() - at
        if (run["state"], run["reason"]) != ("Completed", ""):
            raise RuntimeError(f"{run['state']} {run['reason']}: {run['message']}")
        orders = await self._here.all_orders()

        def last(side: str) -> float:
            """When the last of them was seen to be filled, by the executor's clock, which is ours."""
            times = (datetime.fromisoformat(o["updatedAt"]) for o in orders if o["side"] == side)
            return (max(times) - began).total_seconds()

        frozen = (datetime.fromisoformat(run["beganAt"]) - began).total_seconds()
        return RebalanceTimes(frozen, last("SELL"), last("BUY"), reported, len(orders))

    async def bare(self) -> BareTimes:
        """ib_async alone, with the same orders."""
        async with self._client() as ib:
            await self.held()
            at = time.monotonic()
            for trade in self._trades(ib):
                await _filled(trade)
            one_by_one = time.monotonic() - at
            await self.held()
            at = time.monotonic()
            for trade in list(self._trades(ib)):
                await _filled(trade)
            return BareTimes(one_by_one, time.monotonic() - at)

    def _trades(self, ib: ib_async.IB) -> Any:
        """The orders, each placed when it is asked for."""
        for name in (*self._sold, *self._bought):
            contract = ib_async.Contract(
                conId=FIRST + int(name[1:]), secType="STK", exchange="SMART", currency="USD"
            )
            side = "SELL" if name in self._sold else "BUY"
            order = ib_async.Order(
                action=side, totalQuantity=SHARES, orderType="MKT", tif="DAY", account=ACCOUNT
            )
            yield ib.placeOrder(contract, order)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[ib_async.IB]:
        ib = ib_async.IB()
        nothing = ib_async.StartupFetchNONE
        await ib.connectAsync("127.0.0.1", self._here.gateway.port, clientId=5, fetchFields=nothing)
        try:
            yield ib
        finally:
            ib.disconnect()


async def _filled(trade: ib_async.Trade) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while trade.orderStatus.status != "Filled":
            await trade.statusEvent


async def measure(store: BenchStore, lines: int) -> tuple[RebalanceTimes, BareTimes]:
    """One rebalance on a new ledger, and ib_async beside it."""
    program = ("-c", LISTING.format(first=FIRST, price=PRICE, lines=lines))
    with tempfile.TemporaryDirectory(prefix="rebalance-") as folder:
        async with world(Path(folder), program) as here:
            ledger = store.ledger(here.executor.data)
            here.executor.database = ledger.url
            await here.executor.start()
            await here.log_in()
            await here.ready()
            bench = RebalanceBench(here, lines)
            return await bench.rebalance(), await bench.bare()


def figures(name: str, lines: int, ours: RebalanceTimes, bare: BareTimes) -> list[Figure]:
    """One store's."""
    beside = (
        f"ib_async alone: {bare.one_by_one:.2f} s one by one, {bare.at_once:.2f} s all at once; plan frozen after {ours.frozen:.1f} s, last sell "
        f"{ours.sold:.1f} s, report {ours.reported:.1f} s"
    )
    what = named(f"a rebalance of {lines} lines, POST to last fill", name)
    return [Figure(what=what, value=max(ours.sold, ours.bought), unit="s", beside=beside)]


async def main(stores: tuple[str, ...], lines: int) -> Measured:
    """Each store."""
    found: list[Figure] = []
    for name in stores:
        with bench_store(name) as store:
            ours, bare = await measure(store, lines)
        if ours.orders != lines:
            raise RuntimeError(f"{ours.orders} orders for {lines} lines")
        found += figures(name, lines, ours, bare)
        click.echo(f"| {found[-1].what} | {found[-1].value:.2f} s | {found[-1].beside} |")
    return Measured(
        title="A rebalance",
        command="tests/bench/rebalance.py --save",
        method=METHOD,
        figures=tuple(found),
    )


@click.command()
@click.option("--lines", default=100, help="Half of them are sold, the other half is bought.")
@click.option("--store", "stores", multiple=True, type=click.Choice(STORES), default=STORES)
@click.option("--save", "kept", is_flag=True, help="Keep the figures for docs/performance.md.")
def command(lines: int, stores: tuple[str, ...], *, kept: bool) -> None:
    """A rebalance from its POST to its last fill."""
    measured = asyncio.run(main(stores, lines))
    if kept:
        save("rebalance", measured)


if __name__ == "__main__":
    command()
