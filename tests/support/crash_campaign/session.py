"""One world and one ledger over many deaths: orders are placed, the executor dies, and at the end the books are judged."""

import asyncio
import contextlib
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import aiohttp

from crash_campaign.points import CUT, KILL
from crash_campaign.power_loss import PowerLoss
from executor_world import ExecutorWorld, until
from order_judge import AuditVerdict

SYMBOLS: Final = ("AAPL", "MSFT", "IBM", "NVDA", "AMZN", "TSLA", "SPY", "QQQ")
ENDED: Final = frozenset({"Filled", "Cancelled", "Rejected", "Expired", "Unverified"})
BACKLOG: Final = 30
LIMIT_SECONDS: Final = 300.0
PLACERS: Final = 3


class Accident(StrEnum):
    """What happens to the executor."""

    KILL = "kill"
    CUT = "cut"
    POWER = "power"

    @property
    def act(self) -> str:
        """What the process does to itself at a point."""
        return CUT if self is Accident.CUT else KILL


Target = tuple[str, str, int]
Story = Callable[["CampaignSession"], Awaitable[list[str]]]
"""Asks for something and gives the keys of the orders it is about."""


@dataclass
class CampaignSession:
    """What was ordered, acknowledged and done; `power` is there where synced copies are kept."""

    here: ExecutorWorld
    folder: Path
    chance: random.Random
    accident: Accident
    power: PowerLoss | None = None
    ids: dict[str, str] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    numbers: int = 0

    async def start(self, target: Target | None = None, *, counted: bool = True) -> None:
        """Start the executor, its points counted but not armed, and wait until it is ready."""
        plan: dict[str, Any] = {"gateway_port": self.here.gateway.port, "act": self.accident.act}
        plan |= {"trace": str(self.trace)}
        if target is not None:
            plan["target"] = target
        program = ("-m", "crash_campaign", json.dumps(plan)) if counted else ()
        await self.here.executor.start(*program)
        self.done["starts"] += 1
        await self.here.ready()

    @property
    def trace(self) -> Path:
        """Where the process writes its points down."""
        return self.folder / "points.txt"

    def arm(self) -> None:
        """Points count from now on."""
        assert self.here.executor.process is not None
        self.here.executor.process.send_signal(signal.SIGUSR1)

    async def die(self) -> None:
        """The executor is killed, or has killed itself; with the power goes what was not synced."""
        await self.here.executor.kill()
        self.done[self.accident] += 1
        if self.power is not None and self.accident is Accident.POWER:
            self.done["bytes lost with the power"] += self.power.lose()

    @property
    def dead(self) -> bool:
        """Whether the process has ended by itself."""
        process = self.here.executor.process
        return process is None or process.returncode is not None

    async def place(self, key: str) -> None:
        """Ask once, as a client that repeats its request after an answer that it has not had."""
        number = int(key.rsplit("-", 1)[1])
        symbol = SYMBOLS[number // 2 % len(SYMBOLS)]
        with contextlib.suppress(aiohttp.ClientError, ConnectionError, TimeoutError):
            status, body = await self.here.place(key, contract={"symbol": symbol}, quantity=1)
            if status in (200, 202):
                self.ids[key] = body["id"]
                return
        if key not in self.unanswered:
            self.unanswered.append(key)

    async def place_new(self) -> str:
        """Place the next order; its key."""
        key = f"order-{self.numbers}"
        self.numbers += 1
        await self.place(key)
        return key

    async def repeat(self) -> None:
        """Ask again for whatever has had no answer."""
        waiting, self.unanswered = self.unanswered, []
        for key in waiting:
            await self.place(key)

    async def active(self) -> list[Any]:
        """Orders that have not ended. A person resolves what is parked, after a look at IBKR's book."""
        found = [order for order in await self.here.all_orders() if order["state"] not in ENDED]
        parked = [o for o in found if (o["state"], o["reason"]) == ("Unknown", "NotFoundAtBroker")]
        if parked:
            books = await self.here.ibkr.get("/v1/orders")
            booked = {order["order_ref"] for order in books}
            for order in parked:
                if order["orderRef"] not in booked:
                    await self._resolve(order)
        return found

    async def _resolve(self, order: Any) -> None:
        note = {"outcome": "notAtBroker", "note": "the simulated book does not have it"}
        status, _ = await self.here.orders.ask("POST", f"/v1/orders/{order['id']}/resolve", note)
        self.done["parked and resolved by a person"] += status == 200

    async def fewer_than(self, limit: int, seconds: float = LIMIT_SECONDS) -> bool:
        """Wait until so few are active; False where that takes too long or the executor is down."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.dead:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, AssertionError):
                if len(await self.active()) < limit:
                    return True
            await asyncio.sleep(0.02)
        return False

    async def verdict(self) -> AuditVerdict:
        """Everything has ended: the books against the ledger."""
        if self.dead:
            await self.start(counted=False)
        while self.unanswered:
            await self.repeat()
        await self.fewer_than(1)
        return await self.here.verdict()


async def three_orders(session: CampaignSession) -> list[str]:
    """Two of them for one contract, all asked for at once."""
    keys = [f"order-{session.numbers + n}" for n in range(3)]
    session.numbers += 4
    await asyncio.gather(*map(session.place, keys))
    return keys


async def enumerated(
    session: CampaignSession, story: Story, *, runs: int, occurrences: int
) -> list[Target]:
    """The points that the story reaches: each place at its first `occurrences`, over some runs."""
    found: dict[Target, None] = {}
    for _ in range(runs):
        session.trace.unlink(missing_ok=True)
        await session.start()
        session.arm()
        await story(session)
        await session.fewer_than(1)
        await session.here.executor.kill()
        for line in session.trace.read_text().splitlines():
            kind, place, number = line.split("\t")
            if int(number) <= occurrences:
                found[kind, place, int(number)] = None
    return sorted(found)


async def die_at(session: CampaignSession, story: Story, target: Target) -> bool:
    """Run the story with an accident at this point; whether the point was reached."""
    session.trace.unlink(missing_ok=True)
    await session.start(target)
    await session.repeat()
    await session.fewer_than(1)
    session.arm()
    await story(session)
    await session.fewer_than(1)
    reached = "acted" in session.trace.read_text().splitlines()
    if session.accident is Accident.CUT:
        await session.here.executor.kill()
    else:
        await session.die()
    session.done["points reached" if reached else "points not reached"] += 1
    return reached


async def die_at_moments(session: CampaignSession, *, moments: int, orders: int) -> None:
    """Accidents at random under load, until there were so many of both."""
    placing = [asyncio.create_task(_keep_placing(session, orders)) for _ in range(PLACERS)]
    for _ in range(moments):
        if session.dead:
            await session.start(counted=False)
        await asyncio.sleep(session.chance.random())
        if session.accident is Accident.CUT:
            await session.here.ibkr.send("POST", "/v1/connections/drop", {})
            session.done[session.accident] += 1
        else:
            await session.die()
    if session.dead:
        await session.start(counted=False)
    await asyncio.gather(*placing)


async def _keep_placing(session: CampaignSession, orders: int) -> None:
    while len(session.ids) + len(session.unanswered) < orders:
        if session.dead:
            await asyncio.sleep(0.02)
            continue
        if session.unanswered:
            await session.repeat()
        await session.place_new()
        await session.fewer_than(BACKLOG, 30)


async def wait_until_logged_in(session: CampaignSession) -> None:
    """The gateway logs in once, before the first start."""
    await session.here.log_in()

    async def listening() -> bool:
        state = await session.here.ibkr.get("/v1/state")
        return bool(state["sessions"])

    await until("a session", listening)


def target_kinds(targets: Sequence[Target]) -> Counter[str]:
    """How many points there are of each kind."""
    return Counter(kind for kind, _, _ in targets)
