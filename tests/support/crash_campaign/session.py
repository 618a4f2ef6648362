"""One world and one ledger over many deaths: something is asked for, the executor dies, and at the end the books are judged."""

import asyncio
import contextlib
import json
import math
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from crash_campaign.points import CUT, KILL
from crash_campaign.power_loss import PowerLoss
from crash_campaign.stories import DOWN, OrderStory, Story
from executor_world import ExecutorWorld
from order_judge import AuditVerdict

ENDED: Final = frozenset({"Filled", "Cancelled", "Rejected", "Expired", "Unverified"})
BACKLOG: Final = 30
LIMIT_SECONDS: Final = 300.0
PLACERS: Final = 3
PATIENT_TIMES: Final = 5


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
"""Kind, place and occurrence of a point."""


@dataclass
class CampaignSession:
    """What was done so far; `power` is there where synced copies are kept."""

    here: ExecutorWorld
    folder: Path
    chance: random.Random
    accident: Accident
    story: Story
    power: PowerLoss | None = None
    done: Counter[str] = field(default_factory=Counter)
    deadline: float = math.inf
    """By the monotonic clock: nothing is begun after it."""

    @property
    def late(self) -> bool:
        """Whether the time for accidents is over."""
        return time.monotonic() > self.deadline

    async def start(self, target: Target | None = None, *, counted: bool = True) -> None:
        """Start the executor, its points counted but not armed, and wait until it is ready."""
        plan: dict[str, Any] = {"gateway_port": self.here.gateway.port, "act": self.accident.act}
        plan |= {"trace": str(self.trace)}
        if target is not None:
            plan["target"] = target
        program = ("-m", "crash_campaign", json.dumps(plan)) if counted else ()
        await self.here.executor.start(*program)
        self.done["starts"] += 1
        await self.ready()

    async def ready(self) -> None:
        """Wait until it is ready, on a machine that is as slow as it likes."""
        for _ in range(PATIENT_TIMES):
            with contextlib.suppress(AssertionError):
                await self.here.ready()
                return
            if not (await self.here.ibkr.get("/v1/state"))["sessions"]:
                # This process was too slow to answer the simulator's pings, which took its session.
                await self.here.gateway.logout()
                await self.here.log_in()
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
        """Wait until so few orders are active; False where that takes too long or the executor is down."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.dead:
            with contextlib.suppress(*DOWN, AssertionError):
                if len(await self.active()) < limit:
                    return True
            await asyncio.sleep(0.02)
        return False

    async def all_over(self) -> bool:
        """Wait until all that was asked for has ended; False where that takes too long or the executor is down."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while await self.fewer_than(1, deadline - time.monotonic()):
            with contextlib.suppress(*DOWN, AssertionError):
                await self.story.repeat(self.here)
                if await self.story.over(self.here) and not await self.active():
                    return True
            await asyncio.sleep(0.02)
        return False

    async def verdict(self) -> AuditVerdict:
        """Everything has ended: the books against the ledger, and the story's own look."""
        if self.dead:
            await self.start(counted=False)
        ended = await self.all_over()
        found = await self.here.verdict()
        found.unexplained += await self.story.violations(self.here)
        found.unexplained += [] if ended else ["not everything has ended"]
        return found


async def enumerated(session: CampaignSession, *, runs: int, occurrences: int) -> list[Target]:
    """The points that the story reaches: each place at its first `occurrences`, over some runs."""
    found: dict[Target, None] = {}
    for _ in range(runs):
        session.trace.unlink(missing_ok=True)
        await session.start()
        session.arm()
        await session.story.begin(session.here)
        await session.all_over()
        await session.here.executor.kill()
        for line in session.trace.read_text().splitlines():
            kind, place, number = line.split("\t")
            if int(number) <= occurrences:
                found[kind, place, int(number)] = None
    return sorted(found)


async def die_at(session: CampaignSession, target: Target) -> bool:
    """Run the story with an accident at this point; whether the point was reached."""
    session.trace.unlink(missing_ok=True)
    await session.start(target)
    await session.all_over()
    session.arm()
    await session.story.begin(session.here)
    await session.all_over()
    reached = "acted" in session.trace.read_text().splitlines()
    if session.accident is Accident.CUT:
        await session.here.executor.kill()
    else:
        await session.die()
    session.done["points reached" if reached else "points not reached"] += 1
    return reached


async def die_at_moments(session: CampaignSession, *, moments: int, orders: int) -> None:
    """Accidents at random under load, until there were so many of both."""
    load = asyncio.create_task(_load(session, orders))
    for _ in range(moments):
        if session.late:
            break
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
    await load


async def _load(session: CampaignSession, orders: int) -> None:
    """Orders from several clients at once, or one rebalance after the other."""
    story = session.story
    if isinstance(story, OrderStory):
        until = story.asked + orders
        await asyncio.gather(*(_keep_placing(session, story, until) for _ in range(PLACERS)))
        return
    for _ in range(orders):
        if session.late:
            return
        await story.begin(session.here)
        while not await session.all_over():  # noqa: ASYNC110 -- another process begins again
            await asyncio.sleep(0.02)


async def _keep_placing(session: CampaignSession, story: OrderStory, until: int) -> None:
    while story.asked < until and not session.late:
        if session.dead:
            await asyncio.sleep(0.02)
            continue
        await story.repeat(session.here)
        await story.one(session.here)
        await session.fewer_than(BACKLOG, 30)
