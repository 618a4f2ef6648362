"""Everything that may happen to a gateway, in any order: a state machine for Hypothesis.

What is said in the log and by the API is not always true here: lines of other days, evidence of losses
that were none. The invariants are those of money: no order after evidence of a loss, no login without a
permit, nobody unparked by itself. `python -m week_world.machine 100000` takes so many steps.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ibgateway_api.gate import Open
from ibgateway_api.login import Sign
from ibgateway_simulator.model.users import (
    ExpiryDialog,
    KickStyle,
    PushState,
)
from week_world.life import Disk, Life
from week_world.machine_truth import LOSSES, OTHERS, MoneyTruth
from week_world.virtual_time import VirtualTimeLoop
from week_world.world import WeekWorld, week_world

T = TypeVar("T")
DISK: Final = Disk()
SATURDAY: Final = datetime(2026, 11, 28, 17, 0, tzinfo=UTC)
STEPS: Final = 50

API_LOSSES: Final = (Sign.API_CLOSED, Sign.API_SILENT, Sign.LINK_LOST)
SPANS: Final = (0.3, 2.0, 6.0, 31.0, 61.0, 181.0, 301.0, 601.0, 901.0, 3601.0, 6 * 3600.0, 86400.0)


class WeekMachine(RuleBasedStateMachine):
    """One gateway; each step is seen by everybody before the next."""

    def __init__(self) -> None:
        super().__init__()
        DISK.full = False
        self.runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self.folder = tempfile.TemporaryDirectory(prefix="machine-")
        self.stack = AsyncExitStack()
        self.attentive = True
        """Whether somebody approves each push within its time."""
        self.world, self.truth, self.life = self.run(self._begin)

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """In virtual time."""

        async def inside() -> T:
            return await work()

        return self.runner.run(inside())

    async def _begin(self) -> tuple[WeekWorld, MoneyTruth, Life]:
        world = await self.stack.enter_async_context(
            week_world(Path(self.folder.name), SATURDAY, 7)
        )
        truth = MoneyTruth(world)
        life = Life(world, truth, DISK)

        def watch() -> None:
            life.misses = 0 if self.attentive else 1
            life.look_at_phone()
            truth.look()

        world.watch = watch
        return world, truth, life

    def teardown(self) -> None:
        DISK.full = False
        self.run(self.stack.aclose)
        self.runner.close()
        self.folder.cleanup()

    async def _pass(self, seconds: float) -> None:
        self.world.executor.clock_is_off(self.world.clock.step.total_seconds())
        await self.world.until(self.world.clock.true() + timedelta(seconds=seconds))

    def after(self, seconds: float = 1.0) -> None:
        """Everybody sees it."""
        self.world.stir()
        self.run(lambda: self._pass(seconds))

    @property
    def sentinel_up(self) -> bool:
        return self.world.pod.sentinel is not None and not self.world.pod.stopping

    @initialize(hours=st.integers(0, 7 * 24), attentive=st.booleans())
    def begins(self, hours: int, attentive: bool) -> None:
        """Logged in, and some hours later, with somebody at the phone from then on or not."""
        self.after(200)
        self.run(lambda: self._pass(hours * 3600.0))
        self.attentive = attentive

    @rule(seconds=st.sampled_from(SPANS))
    def time_passes(self, seconds: float) -> None:
        self.run(lambda: self._pass(seconds))

    @precondition(lambda self: not isinstance(self.world.executor.gate(), Open))
    @rule(minutes=st.integers(1, 30))
    def all_is_well_again(self, minutes: int) -> None:
        """Without this most steps would find a gateway that is down for long."""
        DISK.full, self.attentive = False, True
        self.world.clock.step = timedelta()
        self.world.operator.api_server.informer.lag = False
        self.run(partial(_told, self.world.operator.deliver))
        self.run(lambda: self.world.ibkr.free("paperuser"))
        self.world.operator.edit(suspend=False)
        if self.world.pod.sentinel is None and not self.world.pod.stopping:
            self.sentinel_begins_anew()
        self.link_moves(up=True)
        if not self.world.operator_up:
            self.operator_begins_anew()
        self.after(5)
        self.life.ask()
        self.run(lambda: self._pass(200 + minutes * 60.0))

    @precondition(lambda self: self.sentinel_up)
    @rule(line=st.sampled_from(LOSSES))
    def log_tells_of_a_loss(self, line: str) -> None:
        self._says(line)
        self._closed_by(line)

    @precondition(lambda self: self.sentinel_up)
    @rule(line=st.sampled_from(OTHERS))
    def log_says(self, line: str) -> None:
        self._says(line)

    def _says(self, line: str) -> None:
        now = self.world.clock.now()
        self.truth.told(line)
        self.world.pod.container._out.write(f"{now:%Y-%m-%d %H:%M:%S}:000 IBC: {line}\n")

    @precondition(lambda self: self.sentinel_up)
    @rule(sign=st.sampled_from(API_LOSSES))
    def api_tells_of_a_loss(self, sign: Sign) -> None:
        self.truth.note(f"the API says: {sign}")
        sentinel = self.world.pod.sentinel
        assert sentinel is not None
        self.run(lambda: _told(sentinel.on_evidence, sign, ""))
        self._closed_by(sign)

    def _closed_by(self, why: str) -> None:
        """At the very next look of the sentinel, before any proof."""
        sentinel = self.world.pod.sentinel
        assert sentinel is not None
        self.run(lambda: _told(sentinel.look))
        try:
            self.world.executor.hear(sentinel.publisher.latest())
        except LookupError:
            return
        if isinstance(self.world.executor.gate(), Open):
            self.truth.fail(f"the gate is open after {why}")
        self.after()

    @rule(answer=st.sampled_from([PushState.APPROVED, PushState.DENIED]))
    def answers(self, answer: PushState) -> None:
        for push in self.world.ibkr.logins.waiting():
            self.run(partial(_told, self.world.ibkr.answer_push, push.id, answer))
        self.after()

    @rule(attentive=st.booleans())
    def somebody_is_at_the_phone(self, attentive: bool) -> None:
        self.attentive = attentive

    @rule()
    def person_asks(self) -> None:
        self.life.ask()
        self.after()

    @rule()
    def request_is_seen_again(self) -> None:
        """The same annotation, written once more."""
        body = self.world.operator.stored()
        self.world.operator.api_server.put(body)
        self.world.edited()
        self.after()

    @rule(style=st.sampled_from(list(KickStyle)))
    def person_logs_in(self, style: KickStyle) -> None:
        self.run(lambda: _told(self.world.ibkr.kick, "paperuser", style))
        self.after()

    @rule()
    def person_logs_out(self) -> None:
        self.run(lambda: self.world.ibkr.free("paperuser"))
        self.after()

    @rule(up=st.booleans())
    def link_moves(self, up: bool) -> None:
        for session in self.world.ibkr.logins.of_user("paperuser"):
            self.run(partial(_told, self._set_link, session, up))
        self.after()

    def _set_link(self, session: object, up: bool) -> None:
        self.world.ibkr.set_link(session, up=up, code=1102)  # type: ignore[arg-type]

    @rule(dialog=st.sampled_from(list(ExpiryDialog)))
    def token_dies(self, dialog: ExpiryDialog) -> None:
        logins = self.world.ibkr.logins
        logins.rules = replace(logins.rules, expiry_dialog=dialog)
        logins.expire_token("paperuser")

    @rule()
    def operator_falls(self) -> None:
        self.world.operator_falls()

    @rule()
    def operator_begins_anew(self) -> None:
        self.run(lambda: _told(self.world.operator_returns))
        self.after()

    @rule()
    def sentinel_is_killed(self) -> None:
        if self.sentinel_up:
            self.run(self.world.pod.kill_sentinel)
            self.after()

    @rule()
    def sentinel_begins_anew(self) -> None:
        pod = self.world.pod
        if pod.sentinel is None and not pod.stopping and pod.container.up:
            self.run(lambda: _told(pod.boot_sentinel))
            self.after()

    @rule()
    def container_is_killed(self) -> None:
        if self.world.pod.container.up and not self.world.pod.stopping:
            self.run(lambda: _told(self.world.pod.container.kill))
            self.after()

    @rule()
    def pod_is_deleted(self) -> None:
        self.run(self.life.pod_deleted)
        self.after()

    @rule()
    def executor_is_killed(self) -> None:
        self.world.executor.restarts()
        self.after()

    @rule(seconds=st.sampled_from([0.0, 0.0, 2.0, -2.0, 90.0, -90.0, 3600.0, -3600.0, 86400.0]))
    def clock_jumps(self, seconds: float) -> None:
        self.truth.note(f"the node's clock is {seconds} s off")
        self.world.clock.step = timedelta(seconds=seconds)
        self.after()

    @rule()
    def times_are_edited(self) -> None:
        self.run(self.life.times_edited)
        self.after()

    @rule(suspend=st.booleans())
    def suspend_is_edited(self, suspend: bool) -> None:
        self.world.operator.edit(suspend=suspend)
        self.world.edited()
        self.after()

    @rule(full=st.booleans())
    def volume_fills(self, full: bool) -> None:
        DISK.full = full
        self.after()

    @rule()
    def watches_go_silent(self) -> None:
        self.world.operator.silence_watches()

    @rule(count=st.integers(1, 3))
    def watches_show_some(self, count: int) -> None:
        self.run(lambda: _told(self.world.operator.deliver, count))
        self.after()

    @rule()
    def watches_lose_it(self) -> None:
        self.world.operator.api_server.informer.lose()
        self.run(self.world.operator.resync)
        self.after()


async def _told(tell: Callable[..., object], *words: object) -> None:
    """Inside the loop, where it may begin tasks."""
    tell(*words)


def take_steps(steps: int, *, derandomized: bool) -> None:
    """About so many steps; raises at the first that breaks an invariant."""
    run_state_machine_as_test(
        WeekMachine,
        settings=settings(
            max_examples=max(steps // STEPS, 1),
            stateful_step_count=STEPS,
            derandomize=derandomized,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


if __name__ == "__main__":
    os.fsync = DISK.fsync  # type: ignore[assignment] # the disk of this process
    take_steps(int(sys.argv[1]), derandomized=False)
