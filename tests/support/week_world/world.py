"""A gateway, its executor, its operator and IBKR, for years of virtual time.

The programs look when something has happened and when the clock alone may change something; between
such moments time jumps. While anything is on its way they look every second or so.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from ibgateway_api.login import LoginState
from ibgateway_api.reports import SentinelReport
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.model.logins import last_boundary
from ibgateway_simulator.model.users import DEFAULT_USERS, LoginRules
from operator_fakes import OperatorWorld, ibgateway_body
from week_world.executor_side import ExecutorSide
from week_world.gateway_pod import GatewayPod
from week_world.kubelet import Kubelet
from week_world.operator_side import PathsInMemory
from week_world.virtual_time import VirtualClock

BUSY_SECONDS = 2.0
"""For so long after news everybody looks often."""
IDLE_SECONDS = 24 * 3600.0
STANDS = (60, 180, 300, 600)
"""So many seconds after it began the clock alone may change a state: sentinel.permits.standstill, permits.EPISODE_ENDS_AFTER."""
STANDS_STILL: dict[LoginState, tuple[int, ...]] = {
    LoginState.LOGGED_IN: (600,),
    LoginState.WAITING_FOR_PERMIT: (),
    LoginState.AWAITING_APPROVAL: (),
    LoginState.APPROVAL_MISSED: (),
}
"""Where less of that counts: the end of a wait is told by the report."""


class WeekWorld:
    """`watch` is called after each look."""

    def __init__(self, folder: Path, start: datetime, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a test that can be repeated
        self.clock = VirtualClock(start)
        ids = iter(range(1, 1 << 40))
        self.ibkr = SimulatedIbkr(
            DEFAULT_USERS,
            rules=LoginRules(lockout_after=10),
            now=self.clock.true,
            new_id=lambda: f"id{next(ids)}",
        )
        self.pod = GatewayPod(folder, self.ibkr, self.clock, self.stir)
        self.executor = ExecutorSide(self.clock.clock)
        self.operator = OperatorWorld(http=PathsInMemory(self.pod, self.executor))
        self.kubelet = Kubelet(self.operator.api_server, self.pod, self.executor)
        self.operator_up = True
        self.report: SentinelReport | None = None
        self.watch: Callable[[], None] = lambda: None
        self.looks = self.reconciles = 0
        self._stirred = asyncio.Event()
        self._busy_until = 0.0
        self._due = 0.0
        self._plans: list[float] = []

    # time

    def stir(self) -> None:
        """Something has happened."""
        self._busy_until = self.clock.monotonic() + BUSY_SECONDS
        self._stirred.set()

    def at(self, moment: datetime) -> None:
        """Everybody looks at this moment."""
        seconds = (moment - self.clock.true()).total_seconds()
        if seconds >= 0:
            self._plans.append(self.clock.monotonic() + seconds)

    async def until(self, moment: datetime) -> None:
        """Let time pass."""
        self.at(moment)
        while self.clock.true() < moment:
            await self._next()

    async def _next(self) -> None:
        now = self.clock.monotonic()
        wait = self._pace(now)
        self._stirred.clear()
        try:
            async with asyncio.timeout(wait):
                await self._stirred.wait()
            # What has stirred goes on for a moment before anybody sees it.
            await asyncio.sleep(self.random.uniform(0.02, 0.3))
        except TimeoutError:
            pass
        await self.look()

    def _pace(self, now: float) -> float:
        if now < self._busy_until:
            return self.random.uniform(0.2, 1.5)
        self._plans = [at for at in self._plans if at > now]
        moments = [now + IDLE_SECONDS, *self._plans, *self._moments(now)]
        return max(min(moments) - now, 0.2)

    def _moments(self, now: float) -> list[float]:
        """When the clock alone may change something, as the sentinel's report tells."""
        report, true = self.report, self.clock.now()
        if report is None:
            return []
        times = [report.deadline, report.waiting.until if report.waiting else None]
        stands = STANDS_STILL.get(report.state, STANDS)
        times += [report.since + timedelta(seconds=seconds) for seconds in stands]
        times += [hold.until for hold in report.holds]
        times += [push.deadline for push in self.ibkr.logins.waiting()]
        times += self._week_moments()
        waits = [(at - true).total_seconds() for at in times if at is not None]
        return [now + seconds + 0.1 for seconds in waits if seconds > -0.1]

    def _week_moments(self) -> list[datetime]:
        """The restart that the status announces, and when it would be late."""
        gateway = self.operator.api_server.objects["IBGateway", *self.operator.key]
        restart = ((gateway.get("status") or {}).get("window") or {}).get("restart")
        if restart is None:
            return []
        at = datetime.fromisoformat(restart)
        return [at, at + timedelta(minutes=15)]

    # everybody looks

    async def look(self) -> None:
        """One look of everybody."""
        self.looks += 1
        self.ibkr.tick()
        self.kubelet.look()
        before, self.report = self.report, self.pod.look()
        if self.report is not None:
            self.executor.hear(self.report)
        news = _content(before) != _content(self.report)
        if news:
            self.stir()
        await self._operate(news=news)
        self.watch()

    async def _operate(self, *, news: bool) -> None:
        """The operator's two lanes: the gate at once, the rest a little later."""
        if not self.operator_up:
            return
        operator, now = self.operator, self.clock.monotonic()
        operator.time, operator.seconds = self.clock.now(), now
        if self.report is not None and operator.gateway_uid():
            if operator.app.reconciler.observer.memory(operator.key) is not None:
                operator.hear(self.report)
            if news or now >= self._due or await operator.app.gates.still(operator.key) is None:
                await operator.keep_gate()
        if news:
            self._due = min(self._due, now + self.random.uniform(0.05, 2.0))
        if now >= self._due:
            self.reconciles += 1
            await operator.reconcile()
            self._due = now + operator.next_look()
            if operator.next_look() <= 2.0:
                self._plans.append(now + self.random.uniform(1.0, 20.0))

    def edited(self) -> None:
        """The user has changed the resource: the operator sees it."""
        self._due = self.clock.monotonic()
        self.stir()

    # what happens

    def operator_falls(self) -> None:
        """The operator is away."""
        self.operator_up = False

    def operator_returns(self) -> None:
        """Another operator begins, and remembers nothing."""
        self.operator.start_again()
        self.operator_up = True
        self.edited()

    def boundary(self) -> datetime:
        """IBKR's last token boundary."""
        return last_boundary(self.clock.true())


def _content(report: SentinelReport | None) -> object:
    """What tells one report from the next: a sentinel's sequence grows with every change but that of the time."""
    return report and (report.boot, report.sequence)


@asynccontextmanager
async def week_world(folder: Path, start: datetime, seed: int) -> AsyncIterator[WeekWorld]:
    """A gateway that was just created, with its credentials."""
    world = WeekWorld(folder, start, seed)
    world.operator.api_server.put(ibgateway_body())
    world.operator.credentials()
    try:
        yield world
    finally:
        await world.operator.stop()
        await world.pod.stop()
