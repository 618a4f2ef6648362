"""The executor process against a simulated IBKR that is as awkward as the real one.

Orders come in while the executor is killed, its connection is cut and the broker loses, delays, refuses
and forgets. At the end each order stands in IBKR's book at most once, none has vanished, and those of
unknown fate are orders that the book does not have and that this run itself has lost, refused unheard, cut off
or killed on their way: the simulator has logged that under each of them. Exits with 1 where that is not so.
"""

import asyncio
import contextlib
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import click

from executor_world import ExecutorWorld, InjectedLosses, injected_losses, world
from order_judge import AuditVerdict

SYMBOLS: Final = ("AAPL", "MSFT", "IBM", "NVDA", "AMZN")
BACKLOG: Final = 15
"""Orders that may wait while more come in: the faults are to meet orders on their way."""
LIMIT_SECONDS: Final = 300.0
"""After the last fault, until every order has ended."""
ENDED: Final = frozenset({"Filled", "Cancelled", "Rejected", "Expired", "Unverified"})
LOSSES: Final = ("before-booking", "after-booking", "rejected", "silently")
REFUSALS: Final = (163, 201, 383, 10311)
HEALTHY: Final[dict[str, Any]] = {
    "ack_seconds": 0,
    "orders_empty_seconds": 0,
    "handshake_seconds": 0,
    "mute_symbols": [],
    "close_at_once": False,
    "hold_fills": False,
}
AWKWARD: Final[tuple[dict[str, Any], ...]] = (
    {"ack_seconds": 0.4},
    {"orders_empty_seconds": 1},
    {"handshake_seconds": 1},
    {"mute_symbols": ["AMZN"]},
    {"flap_next": 7},
    {"flap_next": 16},
    {"partial_next": ["1", "2", "3"]},
    {"refuse_next": REFUSALS[0]},
    {"refuse_next": REFUSALS[2]},
    {"refuse_next": REFUSALS[3]},
    {"reject_next": "not enough margin"},
    *({"lose_next": loss} for loss in LOSSES),
)


@dataclass
class FaultSession:
    """One run: what was ordered and done, and the chance that decides what comes next."""

    here: ExecutorWorld
    chance: random.Random
    ids: dict[str, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    doubted: dict[str, str] = field(default_factory=dict)
    """orderRef of what was parked and resolved, by order id."""
    interrupted: set[str] = field(default_factory=set)
    """orderRefs that were on their way when the executor was killed or its connection cut."""

    unknown: set[str] = field(default_factory=set)
    """orderRefs whose fate was unknown at the last look: a cut after that explains nothing."""

    async def order(self, number: int) -> None:
        """Place an order with its key until there is an answer."""
        key = f"order-{number}"
        symbol = SYMBOLS[number % len(SYMBOLS)]
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                status, body = await self.here.place(key, contract={"symbol": symbol})
                if status in (200, 202):
                    self.ids[key] = body["id"]
                    return
            await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """kill -9 in the middle of whatever it does, and start it again."""
        await asyncio.sleep(self.chance.random() / 2)
        await self.here.executor.kill()
        self.interrupted |= self.here.executor.stored_on_their_way()
        await self.here.executor.start()

    async def cut(self) -> None:
        """Reset the connection in the middle of whatever is said over it."""
        await asyncio.sleep(self.chance.random() / 4)
        before = await self.on_their_way()
        await self.here.ibkr.send("POST", "/v1/connections/drop", {})
        self.interrupted |= (before | await self.on_their_way()) - self.unknown

    async def on_their_way(self) -> set[str]:
        """orderRefs that were sent and not acknowledged, by the executor's word; none where it is down."""
        found: set[str] = set()
        with contextlib.suppress(aiohttp.ClientError):
            for state in ("Sending", "Unknown"):
                page = await self.here.orders.get(f"/v1/orders?state={state}&limit=500")
                found |= {order["orderRef"] for order in page["orders"] if on_its_way(order)}
        return found

    async def losses(self) -> InjectedLosses:
        """What this run has put in doubt."""
        events = await self.here.ibkr.get("/v1/events")
        frames = await self.here.ibkr.get("/v1/frames?direction=in&message=3")
        frames += await self.here.ibkr.get("/v1/frames?direction=out&message=4")
        return injected_losses(events, frames, refusals=REFUSALS, interrupted=self.interrupted)

    async def link(self) -> None:
        """The gateway loses IBKR for a moment: 1100, then 1101 or 1102."""
        code = self.chance.choice([1101, 1102])
        await self.here.ibkr.send("POST", "/v1/connectivity", {"state": "lost"})
        await asyncio.sleep(self.chance.random() / 2)
        await self.here.ibkr.send("POST", "/v1/connectivity", {"state": "restored", "code": code})

    async def awkward(self) -> None:
        """Something goes wrong at the broker from now on."""
        patch = self.chance.choice(AWKWARD)
        self.done[" ".join(f"{name} {value}" for name, value in patch.items())] += 1
        await self.here.ibkr.send("PATCH", "/v1/faults", HEALTHY | patch)

    async def active(self) -> list[Any]:
        """Orders that have not ended; what is parked is resolved by a person on the way."""
        found = await self.here.all_orders()
        booked = await self.booked()
        self.unknown = {order["orderRef"] for order in found if order["state"] == "Unknown"}
        for order in found:
            parked = (order["state"], order["reason"]) == ("Unknown", "NotFoundAtBroker")
            if parked and not booked[order["orderRef"]]:
                await self.resolve(order)
        return [order for order in found if order["state"] not in ENDED]

    async def resolve(self, order: Any) -> None:
        """A person has looked at the book and says that the order is not there."""
        note = {"outcome": "notAtBroker", "note": "the simulated book does not have it"}
        status, _ = await self.here.orders.ask("POST", f"/v1/orders/{order['id']}/resolve", note)
        if status == 200:
            self.doubted[order["id"]] = order["orderRef"]

    async def booked(self) -> Counter[str]:
        """How often IBKR has booked each orderRef."""
        return Counter(order["order_ref"] for order in await self.here.ibkr.get("/v1/orders"))

    async def fewer_than(self, limit: int, seconds: float) -> bool:
        """Wait until so few are on their way; False when that takes too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError, AssertionError):
                if len(await self.active()) < limit:
                    return True
            await self.here.ibkr.send("POST", "/v1/fills/release")
            await asyncio.sleep(0.1)
        return False


async def run(session: FaultSession, *, orders: int, kills: int, cuts: int) -> list[str]:
    """Everything in the order that chance gives; what was violated."""
    steps = ["kill"] * kills + ["cut"] * cuts + ["order"] * orders
    steps += ["awkward"] * (orders // 10) + ["link"] * (orders // 50)
    session.chance.shuffle(steps)
    number = 0
    for position, step in enumerate(steps):
        session.done[step] += step != "awkward"
        match step:
            case "order":
                await session.order(number)
                number += 1
            case "kill":
                await session.kill()
            case "cut":
                await session.cut()
            case "link":
                await session.link()
            case _:
                await session.awkward()
        await session.fewer_than(BACKLOG, 30)
        if position % 50 == 0:
            click.echo(f"{position} of {len(steps)} steps", err=True)
    await session.here.ibkr.send("PATCH", "/v1/faults", HEALTHY)
    await session.here.up()
    await session.fewer_than(1, LIMIT_SECONDS)
    return await violations(session)


async def violations(session: FaultSession) -> list[str]:
    """What must not be: one line each. The judge of the books, and beside it what only this run knows."""
    booked, injected = await session.booked(), await session.losses()
    verdict = await session.here.verdict()
    found = verdict.violations
    for order in await session.here.all_orders():
        ref, reason = order["orderRef"], order["reason"]
        if order["id"] in session.doubted and booked[ref]:
            found.append(f"{ref} was in doubt although the broker has it")
        if order["state"] not in ENDED:
            found.append(f"{ref} is still {order['state']}: {reason} {order['message']}")
        if reason not in ("", "RejectedByBroker", "ResolvedByPerson"):
            found.append(f"{ref} ended by itself: {order['state']} {reason}")
    causes = {ref: injected.cause(ref) for ref in session.doubted.values()}
    found += [f"{ref} was in doubt and nothing was done to it" for ref in causes if not causes[ref]]
    table(session, verdict)
    doubts(causes, injected)
    return found


def doubts(causes: Mapping[str, str], injected: InjectedLosses) -> None:
    """Orders in doubt against what was done to orders."""
    for cause, number in sorted(Counter(causes.values()).items()):
        click.echo(f"| in doubt: {cause or 'UNEXPLAINED'} | {number} |")
    unexplained = sum(not cause for cause in causes.values())
    click.echo(
        f"| unknown / injected / unexplained | {len(causes)} / {len(injected.all)} / {unexplained} |"
    )


def on_its_way(order: Mapping[str, str]) -> bool:
    """Whether it awaits its acknowledgement, or awaited it when the connection ended."""
    return order["state"] == "Sending" or order["reason"] == "ConnectionLost"


def table(session: FaultSession, verdict: AuditVerdict) -> None:
    """The run in figures."""
    for name, figure in [*sorted(session.done.items()), *verdict.rows()]:
        click.echo(f"| {name} | {figure} |")


async def main(*, orders: int, kills: int, cuts: int, seed: int) -> list[str]:
    """A world of its own in a folder that is kept when something is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="executor-faults-"))
    async with world(folder) as here:
        await here.executor.start()
        await here.up()
        await here.log_in()
        chance = random.Random(seed)  # noqa: S311 - the order of faults is no secret
        found = await run(FaultSession(here, chance), orders=orders, kills=kills, cuts=cuts)
    if found:
        click.echo(f"logs and ledger: {folder}", err=True)
    return found


@click.command()
@click.option("--orders", default=500)
@click.option("--kills", default=50)
@click.option("--cuts", default=50)
@click.option("--seed", default=1)
def command(orders: int, kills: int, cuts: int, seed: int) -> None:
    """Orders under kills, cuts and an awkward broker; the same seed gives the same order of faults."""
    logging.disable(logging.INFO)
    started = time.monotonic()
    found = asyncio.run(main(orders=orders, kills=kills, cuts=cuts, seed=seed))
    click.echo(f"| seconds | {time.monotonic() - started:.0f} |")
    for line in found:
        click.echo(f"VIOLATION {line}")
    click.echo(f"seed {seed}: {len(found)} violations")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    command()
