"""What happens to a gateway in its weeks: people with phones, edits, outages, crashes. Seeded."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ibgateway_simulator.model.users import (
    ExistingCheck,
    ExpiryDialog,
    ExpiryFile,
    KickStyle,
    Push,
    PushState,
    ReloginAnswer,
)
from operator_fakes import OperatorWorld
from week_world.operator_side import chosen_restart
from week_world.true_week import NEW_YORK, week_of
from week_world.truth import Truth
from week_world.world import WeekWorld

HOUR = 3600.0
ZONES = (
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Europe/Berlin",
    "Europe/London",
    "America/Sao_Paulo",
    "America/New_York",
    "America/Los_Angeles",
    "Pacific/Honolulu",
)
KICKS = (
    KickStyle.RELOGIN,
    KickStyle.WAITS,
    KickStyle.CONTEST,
    KickStyle.EXISTING,
    KickStyle.SILENT,
)


class Life:
    """Makes things happen in one world, week by week."""

    def __init__(self, world: WeekWorld, truth: Truth, disk: "Disk") -> None:
        self.world, self.truth, self.random, self.disk = world, truth, world.random, disk
        self.misses = 0
        self._seen = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking = False
        world.pod.container.nights = self._restarts_tonight

    def _restarts_tonight(self) -> bool:
        """Of the nights that are all alike a few are told; those around Sunday always."""
        local = self.world.clock.true().astimezone(NEW_YORK)
        return local.weekday() in (5, 6) or self.random.random() < 0.05

    # the phone

    def look(self) -> None:
        """People see what is on their phone, and what their gateway says."""
        self.look_at_phone()
        self._perhaps_ask()
        for task in [t for t in self._tasks if t.done()]:
            self._tasks.discard(task)
            task.result()

    def look_at_phone(self) -> None:
        """Each push is answered in its time, or missed."""
        pushes = self.world.ibkr.logins.pushes
        for push in pushes[self._seen :]:
            self._spawn(self._answer(push))
        self._seen = len(pushes)

    async def _answer(self, push: Push) -> None:
        if self.misses > 0:
            self.misses -= 1
            self.truth.tally.missed += 1
            if self.random.random() < 0.3:
                await self._tap(push, self.random.uniform(2, 100), PushState.DENIED)
            return
        await self._tap(push, self.random.uniform(3, 170), PushState.APPROVED)

    async def _tap(self, push: Push, after: float, answer: PushState) -> None:
        await asyncio.sleep(after)
        if self.world.ibkr.logins.push(push.id).state is PushState.WAITING:
            self.world.ibkr.answer_push(push.id, answer)
            self.truth.note(f"push {push.id} is {answer}")
            self.world.stir()

    def _perhaps_ask(self) -> None:
        """A gateway that only a person can bring back is seen within hours."""
        report = self.world.report
        parked = report is not None and report.waiting is not None and report.waiting.until is None
        overdue = "RestartOverdue" in self._reason("OutsideRestartWindow")
        if (parked or overdue) and not self._asking and self.world.operator_up:
            self._asking = True
            self._spawn(self._ask_later(self.random.uniform(60, 12 * HOUR)))

    def _reason(self, kind: str) -> str:
        return _condition(self.world.operator, kind)

    async def _ask_later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.ask()
        await asyncio.sleep(HOUR)
        self._asking = False

    def ask(self) -> None:
        """`kubectl ibgateway login`."""
        self.truth.asks()
        self.world.operator.request_login(f"{self.world.clock.now():%Y-%m-%dT%H:%M:%SZ}")
        self.world.edited()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(work))

    # a week

    async def week(self, incidents: int) -> None:
        """From Saturday noon of New York to the next; `incidents` things happen at random."""
        start = self.world.clock.true()
        early, late = week_of(start + timedelta(days=1))
        moments = [early, late, late + timedelta(minutes=5)]
        self._plan(moments)
        self.truth.tally.weeks += 1
        self._change_ibkr()
        for _ in range(incidents):
            happens = self.random.choice(self._incidents())
            around = late + timedelta(hours=8) if self.random.random() < 0.6 else None
            after = self._when(start, around)
            self._spawn(self._incident(happens, after))
        self.misses = self.random.choice((0, 0, 0, 0, 1, 2, 3, 7))
        await self.world.until(start + timedelta(days=7))

    def _change_ibkr(self) -> None:
        """What IBKR shows whom is not the same every week."""
        logins = self.world.ibkr.logins
        logins.rules = replace(
            logins.rules,
            expiry_dialog=self.random.choice(list(ExpiryDialog)),
            dead_token_file=self.random.choice(list(ExpiryFile)),
            existing_check=self.random.choice(list(ExistingCheck)),
            relogin=self.random.choice((ReloginAnswer.NOTHING, ReloginAnswer.PUSH)),
        )

    def _plan(self, moments: list[datetime]) -> None:
        for moment in moments:
            for seconds in (0.0, self.random.uniform(0.1, 2.0), self.random.uniform(2.0, 50.0)):
                self.world.at(moment + timedelta(seconds=seconds))

    def _when(self, start: datetime, around: datetime | None) -> float:
        if around is None:
            return self.random.uniform(0, 7 * 24 * HOUR)
        return (around - start).total_seconds() + self.random.gauss(0, 3 * HOUR)

    async def _incident(self, happens: Callable[[], Awaitable[None]], after: float) -> None:
        await asyncio.sleep(max(after, 0))
        name = happens.__name__
        self.truth.tally.happens(name)
        self.truth.note(name)
        await happens()

    def _incidents(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        return [
            self.operator_away,
            self.sentinel_away,
            self.container_crashes,
            self.pod_deleted,
            self.person_logs_in,
            self.link_lost,
            self.times_edited,
            self.quiet_hours_edited,
            self.suspended,
            self.volume_full,
            self.push_missed,
            self.orders_in_flight,
        ]

    def span(self, *longest: float) -> float:
        """A span of time, mostly short."""
        return self.random.uniform(1.0, self.random.choice((60.0, 600.0, *longest)))

    async def operator_away(self) -> None:
        if not self.world.operator_up:
            return
        self.world.operator_falls()
        await asyncio.sleep(self.span(4 * HOUR, 30 * HOUR))
        self.truth.note("the operator is back")
        self.world.operator_returns()

    async def sentinel_away(self) -> None:
        pod = self.world.pod
        if pod.sentinel is None or pod.stopping:
            return
        await pod.kill_sentinel()
        await asyncio.sleep(self.span(2 * HOUR))
        if pod.sentinel is None and not pod.stopping:
            self.truth.note("the sentinel is back")
            pod.boot_sentinel()

    async def container_crashes(self) -> None:
        self.truth.loses()
        if self.world.pod.container.up and not self.world.pod.stopping:
            self.world.pod.container.kill()

    async def pod_deleted(self) -> None:
        api_server, name = self.world.operator.api_server, "paper-gateway-0"
        if api_server.has("Pod", name):
            body = api_server.named("Pod", name)
            body["metadata"]["deletionTimestamp"] = "2026-11-18T15:00:00Z"
            self.truth.excuse(600)
            self.truth.loses()
            api_server.put(body)
            self.world.edited()

    async def person_logs_in(self) -> None:
        self.truth.loses()
        ibkr, style = self.world.ibkr, self.random.choice(KICKS)
        self.truth.note(f"style {style}")
        ibkr.kick("paperuser", style)
        self.world.stir()
        await asyncio.sleep(self.span(3 * HOUR))
        self.truth.note("the person logs out")
        self.truth.loses()
        await ibkr.free("paperuser")
        self.world.stir()

    async def link_lost(self) -> None:
        ibkr = self.world.ibkr
        for session in ibkr.logins.of_user("paperuser"):
            ibkr.set_link(session, up=False, code=1102)
        self.world.stir()
        await asyncio.sleep(self.span(3 * HOUR))
        for session in ibkr.logins.of_user("paperuser"):
            if not session.link_up:
                ibkr.set_link(session, up=True, code=1102)
        self.world.stir()

    async def times_edited(self) -> None:
        hour, minute = self.random.randrange(24), self.random.choice((0, 0, 30))
        at, zone = f"{hour:02}:{minute:02}", self.random.choice(ZONES)
        self.truth.note(f"restartAt {at} {zone}")
        before = chosen_restart(self.world.operator)
        self.world.operator.edit(weeklyRestart={"restartAt": at, "timeZone": zone})
        self.truth.edits_restart(before, chosen_restart(self.world.operator))
        self.world.edited()

    async def quiet_hours_edited(self) -> None:
        start = self.random.randrange(24)
        quiet = {
            "start": f"{start:02}:00",
            "end": f"{(start + self.random.randrange(1, 9)) % 24:02}:00",
            "timeZone": self.random.choice(ZONES),
        }
        login = {} if self.random.random() < 0.4 else {"quietHours": quiet}
        self.truth.note(f"login {login}")
        self.world.operator.edit(login=login)
        self.world.edited()

    async def suspended(self) -> None:
        self.truth.excuse(self.span(6 * HOUR) + 600)
        self.world.operator.edit(suspend=True)
        self.world.edited()
        await asyncio.sleep(self.span(6 * HOUR))
        self.world.operator.edit(suspend=False)
        self.truth.excuse(600)
        self.truth.loses()
        self.truth.note("resumed")
        self.world.edited()

    async def volume_full(self) -> None:
        self.disk.full = True
        await asyncio.sleep(self.span(3 * HOUR))
        self.disk.full = False
        self.truth.note("there is room again")
        self.world.stir()

    async def push_missed(self) -> None:
        self.misses += 1

    async def orders_in_flight(self) -> None:
        self.world.executor.busy_until = self.world.clock.monotonic() + self.span(0.5 * HOUR)


class Disk:
    """The volume: full, or not. Nothing is really waited for."""

    full = False

    def fsync(self, _: int) -> None:
        if self.full:
            raise OSError(28, "No space left on device")


def _condition(operator: OperatorWorld, kind: str) -> str:
    status = operator.api_server.objects["IBGateway", *operator.key].get("status") or {}
    found = (c for c in status.get("conditions", ()) if c["type"] == kind)
    return next((f"{c['status']} {c['reason']}" for c in found), "")
