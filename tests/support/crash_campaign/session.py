"""One world and one ledger over many deaths: something is asked for, the executor dies, and at the end the books are judged."""

import asyncio
import contextlib
import json
import math
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from crash_campaign.deaths import DeathBook
from crash_campaign.disk import StoredLedger
from crash_campaign.lives import ExecutorLives
from crash_campaign.moods import KIND, Mood
from crash_campaign.points import CUT, DATABASE, KILL, PointPlan
from crash_campaign.power_loss import PowerLoss
from crash_campaign.stories import DOWN, Story
from executor_world import ExecutorWorld, until
from order_judge import AuditVerdict
from postgres_server import PostgresServer

ACTIVE: Final = ("Accepted", "Waiting", "Sending", "Working", "Unknown")
LIMIT_SECONDS: Final = 300.0
PATIENT_TIMES: Final = 5
LOOK_SECONDS: Final = 0.1


class Accident(StrEnum):
    """What happens to the executor, or to the database of its ledger."""

    KILL = "kill"
    CUT = "cut"
    POWER = "power"
    DATABASE = "database"

    @property
    def act(self) -> str:
        """What the process does at a point."""
        return {Accident.CUT: CUT, Accident.DATABASE: DATABASE}.get(self, KILL)

    @property
    def ends_a_life(self) -> bool:
        """Whether the executor is dead after it."""
        return self.act == KILL


Target = tuple[str, str, int]
"""Kind, place and occurrence of a point."""


@dataclass
class CampaignSession:
    """What was done so far; `power` is there where synced copies are kept, `server` where the ledger is in PostgreSQL."""

    here: ExecutorWorld
    folder: Path
    chance: random.Random
    accident: Accident
    story: Story
    lives: ExecutorLives
    ledger: StoredLedger
    mutant: str = ""
    power: PowerLoss | None = None
    server: PostgresServer | None = None
    book: DeathBook = field(default_factory=DeathBook)
    mood: Mood = KIND
    proven: bool = False
    """Whether this life has asked the broker about everything and was ready after it."""
    done: Counter[str] = field(default_factory=Counter)
    deadline: float = math.inf
    """By the monotonic clock: nothing is begun after it."""

    @property
    def late(self) -> bool:
        """Whether the time for accidents is over, or a mutant has been caught."""
        return time.monotonic() > self.deadline or self.caught

    @property
    def caught(self) -> bool:
        """Whether a mutant has been: what follows after that shows nothing."""
        return bool(self.mutant and self.book.violations)

    async def start(self, mood: Mood = KIND, *, armed: bool = False) -> None:
        """Begin a life with a broker and a disk in this mood; its points are armed from its birth, or later."""
        self.proven = False
        await self.set_mood(mood)
        plan = PointPlan(
            gateway_port=self.here.gateway.port,
            trace=str(self.trace),
            target=str(self.aim),
            act=self.accident.act,
            slow_commit=mood.slow_commit,
            database=str(self.server.data) if self.server else "",
            mutant=self.mutant,
            armed=armed,
        )
        self.here.executor.process = await self.lives.begin(plan)
        self.done["starts"] += 1

    async def set_mood(self, mood: Mood) -> None:
        """The broker's; a disk is as slow as it was when the life began."""
        if mood.faults != self.mood.faults:
            await self.here.ibkr.send("PATCH", "/v1/faults", {**KIND.faults, **mood.faults})
        self.mood = mood
        self.done[f"mood: {mood.name}"] += 1

    async def ready(self) -> None:
        """Wait until it is ready, on a machine that is as slow as it likes; a life that has ended is followed by the next."""
        for _ in range(PATIENT_TIMES):
            if self.dead:
                await self.start()
            with contextlib.suppress(AssertionError):
                await until("ready or dead", self._ready_or_dead)
                if not self.dead:
                    self.proven = self.accident.ends_a_life
                    return
                continue
            if not (await self.here.ibkr.get("/v1/state"))["sessions"]:
                # This process was too slow to answer the simulator's pings, which took its session.
                await self.here.gateway.logout()
                await self.here.log_in()
        await self.here.ready()

    async def _ready_or_dead(self) -> bool:
        return self.dead or await self.here.is_ready()

    @property
    def trace(self) -> Path:
        """Where the process writes its points down."""
        return self.folder / "points.txt"

    @property
    def aim(self) -> Path:
        """Where the process reads at which point something is to happen."""
        return self.folder / "aim.json"

    def take_aim(self, target: Target | None = None) -> None:
        """What the next process that is armed does at which point; what was written down before is gone."""
        self.aim.write_text(json.dumps(target), encoding="utf-8")
        self.trace.write_bytes(b"")

    async def arm(self, target: Target | None = None) -> None:
        """Points count from now on, and one of them is the accident's."""
        self.take_aim(target)
        assert self.here.executor.process is not None
        self.here.executor.process.send_signal(signal.SIGUSR1)

        async def armed() -> bool:
            return self.dead or "armed" in self.reached

        await until("its points are counted", armed)

    @property
    def reached(self) -> list[str]:
        """The lines that the process has written since it was armed."""
        return self.trace.read_text(encoding="utf-8").splitlines()

    async def die(self) -> None:
        """The executor is killed, or has killed itself; with the power goes what was not synced. Then the disk is looked at."""
        await self.here.executor.kill()
        self.done[self.accident] += 1
        if self.power is not None and self.accident is Accident.POWER:
            self.done["bytes lost with the power"] += self.power.lose()
        await self.look_at_the_disk()

    async def look_at_the_disk(self) -> None:
        """Once the broker has read all that the dead executor had written."""

        async def quiet() -> bool:
            return not (await self.here.ibkr.get("/v1/state"))["clients"]

        await until("the broker has no client any more", quiet)
        audit = await self.here.ibkr.get("/v1/audit")
        stored = await asyncio.to_thread(self.ledger.orders)
        self.book.died(stored, audit["arrivals"], self.here.acknowledged)

    @property
    def dead(self) -> bool:
        """Whether the process has ended by itself."""
        process = self.here.executor.process
        return process is None or process.returncode is not None

    async def active(self) -> list[Any]:
        """Orders that have not ended. A person resolves what is parked, after a look at IBKR's book."""
        proven, found = self.proven and self.mood.shows_all, list[Any]()
        for state in ACTIVE:
            page = await self.here.orders.get(f"/v1/orders?state={state}&limit=500")
            found += page["orders"]
        parked = [o for o in found if (o["state"], o["reason"]) == ("Unknown", "NotFoundAtBroker")]
        if parked:
            books = await self.here.ibkr.get("/v1/orders")
            booked = {order["order_ref"] for order in books}
            for order in parked:
                if order["orderRef"] not in booked:
                    await self._resolve(order)
                elif proven:
                    self.book.note(f"unexplained: {order['orderRef']} is parked, and the broker shows it")  # fmt: skip
        return found

    async def _resolve(self, order: Any) -> None:
        note = {"outcome": "notAtBroker", "note": "the simulated book does not have it"}
        status, _ = await self.here.orders.ask("POST", f"/v1/orders/{order['id']}/resolve", note)
        self.done["parked and resolved by a person"] += status == 200

    async def fewer_than(self, limit: int, seconds: float = LIMIT_SECONDS) -> bool:
        """Wait until so few orders are active; False where that takes too long or the executor is down."""
        return await self._seen(lambda active: len(active) < limit, seconds)

    async def _seen(self, wanted: Callable[[list[Any]], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not (self.dead or self.caught):
            with contextlib.suppress(*DOWN, AssertionError):
                if wanted(await self.active()):
                    return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def all_over(self) -> bool:
        """Wait until all that was asked for has ended; False where that takes too long or the executor is down."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while await self.fewer_than(1, deadline - time.monotonic()):
            with contextlib.suppress(*DOWN, AssertionError):
                await self.story.repeat(self.here)
                if await self.story.over(self.here) and not await self.active():
                    return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def verdict(self) -> AuditVerdict:
        """Everything has ended: the books against the ledger, the looks at each death, and the story's own look."""
        found, ended = AuditVerdict(), self.caught
        for _ in range(0 if self.caught else PATIENT_TIMES):
            if self.dead or self.mood != KIND:
                await self.here.executor.kill()
                await self.start()
            await self.ready()
            if ended := await self.all_over():
                break
        if not self.caught:
            found = await self.here.verdict()
            self.book.resent((await self.here.ibkr.get("/v1/audit"))["arrivals"])
            found.unexplained += await self.story.violations(self.here)
        found.unexplained += [] if ended else ["not everything has ended"]
        for line in self.book.violations:
            kind, _, words = line.partition(": ")
            getattr(found, kind).append(words)
        await self.here.executor.kill()
        return found
