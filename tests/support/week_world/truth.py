"""What must hold in every week, told from IBKR's side: nothing here asks the programs what they think.

`Truth.look` is called after each look of the world and raises AssertionError with the moment and what
went before. What IBKR counts is what happened: pushes, logins, sessions.
"""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Final

from ibgateway_api import names
from ibgateway_api.gate import Closed, Gate
from ibgateway_api.login import LoginState
from ibgateway_api.settings import SentinelSettings
from ibgateway_api.week import RestartTime
from ibgateway_simulator.model.users import LoginKind, LoginResult, Push, PushState
from week_world.push_messages import PushMessages
from week_world.tally import Tally
from week_world.true_week import NEW_YORK, first_restart, week_of
from week_world.world import WeekWorld

CLOSES_WITHIN: Final = timedelta(seconds=5)
OPENS_WITHIN: Final = timedelta(seconds=90)
A_MOMENT: Final = timedelta(seconds=0.1)
TOLD_WITHIN: Final = timedelta(seconds=3)
DAY: Final = timedelta(days=1)
A_DAY: Final = DAY - timedelta(minutes=1)
"""An attempt counts from its permit, which is given a little before its push."""


class Truth:
    """Watches a world."""

    def __init__(self, world: WeekWorld) -> None:
        self.world = world
        self._logins = world.ibkr.logins
        self.tally = Tally()
        self.story: deque[str] = deque(maxlen=60)
        self.asked_at: datetime | None = None
        self.excused_until: datetime | None = None
        """Until when the gate may be closed for a reason that IBKR does not see."""
        self._connected_at = datetime.min.replace(tzinfo=UTC)
        self._good_since: datetime | None = None
        self._full: datetime | None = None
        self._attempts = self._pushes = 0
        self._told: set[int] = set()
        self._messages = PushMessages(world)
        self._automatic: list[Push] = []
        self._lost_at: datetime | None = None
        self._operator_since: datetime | None = None
        self._planned: datetime | None = None
        """The moment that an edit into the past took the place of."""
        self._last: tuple[str, ...] = ()
        self._looked_at = world.clock.true()
        self._was_open = False
        self._in_vain = 0

    # told by whoever makes things happen

    def note(self, what: str) -> None:
        """For the story of a failure."""
        self.story.append(f"{self.world.clock.true():%a %Y-%m-%d %H:%M:%S}Z {what}")

    def asks(self) -> None:
        """A person asks for a login."""
        self.asked_at = self.world.clock.true()
        self.tally.requests += 1
        self.note("a person asks for a login")

    def loses(self) -> None:
        """The session or its token is lost for a reason that costs one more login."""
        self._lost_at = self.world.clock.true()

    def excuse(self, seconds: float) -> None:
        """Something that IBKR does not see keeps the gate closed for so long at most."""
        until = self.world.clock.true() + timedelta(seconds=seconds)
        self.excused_until = max(until, self.excused_until or until)

    def edits_restart(self, before: RestartTime, after: RestartTime) -> None:
        """A restart that is brought forward into the past brings no push forward."""
        now = self.world.clock.true()
        old, new = (
            first_restart(week_of(now)[1], each.restart_at, each.time_zone)
            for each in (before, after)
        )
        if new is None or new > now:
            self._planned = None
        elif old is not None and old > now:
            self._planned = old
            self.tally.happens("times_past")

    def fail(self, what: str) -> None:
        """With the story."""
        self.note(f"FAILED: {what}")
        raise AssertionError(what + "\n" + "\n".join(self.story))

    # after each look

    def look(self) -> None:
        """Everything that must hold now."""
        now, gate = self.world.clock.true(), self.world.executor.gate()
        self._tell_story(gate)
        self._learn(now)
        self._gate(now, open_=not isinstance(gate, Closed))
        for push in self._new_pushes():
            self._push(push, now)
        self._announced(now)

    def _tell_story(self, gate: Gate) -> None:
        report = self.world.report
        state = (
            report.state.value if report else "no sentinel",
            f"waits: {report.waiting.refusal}" if report and report.waiting else "",
            gate.reason if isinstance(gate, Closed) else "OPEN",
        )
        if state != self._last:
            self._last = state
            self.note(" ".join(part for part in state if part))

    def _learn(self, now: datetime) -> None:
        logins = self._logins
        for attempt in logins.attempts[max(self._attempts - 3, 0) :]:
            if attempt.id > self._attempts:
                self._attempted(attempt.kind, attempt.at)
            done = attempt.result is LoginResult.LOGGED_IN
            if attempt.kind is LoginKind.FULL and done and attempt.push is not None:
                answered = logins.push(attempt.push).answered
                self._full = max(answered, self._full or answered) if answered else self._full
        self._attempts = len(logins.attempts)
        if any(session.connected for session in logins.of_user("paperuser")):
            self._connected_at = now

    def _attempted(self, kind: LoginKind, at: datetime) -> None:
        """By the node's clock: IBKR's is not known while it answers nobody (docs/conditions.md, a wrong clock)."""
        local = (at + self.world.clock.step).astimezone(NEW_YORK)
        outage = (local.weekday() == 4 and local.hour >= 23) or (
            local.weekday() == 5 and local.hour < 3
        )
        if outage and kind is LoginKind.FULL:
            self.fail(f"a login was tried in Friday's outage, at {at}")

    def _gate(self, now: datetime, *, open_: bool) -> None:
        early, late = week_of(now)
        span = (now - self._looked_at).total_seconds()
        self.tally.seconds += span
        self.tally.open_seconds += span if self._was_open else 0.0
        self._held_before_restart()
        self._looked_at, self._was_open = now, open_
        authenticated = self._full is not None and self._full >= late
        connected = now - self._connected_at <= CLOSES_WITHIN
        if open_ and not authenticated:
            self.fail(f"the gate is open without a full login since {early}: {self._full}")
        if open_ and not connected:
            self.fail(f"the gate is open, and IBKR was last connected at {self._connected_at}")
        self._opens(now, good=authenticated and self._connected_at == now, open_=open_)

    def _held_before_restart(self) -> None:
        """No restart of the gateway itself, nor one of ours, finds the gate open."""
        report = self.world.report
        if self._was_open and report is not None and report.state is LoginState.RESTARTING:
            self.fail("the gate was still open when the gateway began to restart")

    def _opens(self, now: datetime, *, good: bool, open_: bool) -> None:
        """What is proven opens the gate, and the operator says so too."""
        world = self.world
        operator_since = (self._operator_since or now) if world.operator_up else None
        self._operator_since = operator_since
        up = world.pod.sentinel is not None and not world.pod.stopping
        night = time(21, 59, 30) <= now.astimezone(NEW_YORK).time() <= time(22, 3)
        excused = night or (self.excused_until is not None and now <= self.excused_until)
        margin = self._full is not None and self._full >= week_of(now)[1] + timedelta(minutes=5)
        if not (good and up and margin) or excused:
            self._good_since = None
            return
        if self._good_since is None:
            self._good_since = now
            world.at(now + OPENS_WITHIN + A_MOMENT)
        if now - self._good_since < OPENS_WITHIN:
            return
        if not open_:
            self.fail(f"the gate is still closed, and all has been well since {self._good_since}")
        long_up = operator_since is not None and now - operator_since >= OPENS_WITHIN
        if long_up and self._condition() != "True":
            self.fail(f"the operator says {self._condition()}, and all is well")

    def _condition(self) -> str:
        api_server = self.world.operator.api_server
        if not api_server.has("Pod", "paper-executor-abc"):
            return "no pod"
        found = api_server.objects["Pod", "trading", "paper-executor-abc"]["status"]["conditions"]
        return next((str(c["status"]) for c in found if c["type"] == names.READINESS_GATE), "unset")

    # pushes

    def _new_pushes(self) -> Iterator[Push]:
        pushes = self._logins.pushes
        new = pushes[self._pushes :]
        self._pushes = len(pushes)
        return iter(new)

    def _push(self, push: Push, now: datetime) -> None:
        self.tally.pushes += 1
        asked = self.asked_at is not None and push.sent - self.asked_at <= timedelta(minutes=12)
        self.note(f"PUSH {push.id}{' that was asked for' if asked else ''}")
        if push.stacked:
            self.fail("a second push while one waits")
        self._count_in_vain(push.id - 1)
        if asked:
            self.asked_at, self._in_vain = None, 0
            return
        self.tally.automatic += 1
        settings = self._settings()
        if not self._of_relogin(push):
            self._not_by_clock(push, settings)
        self._within_budget(push, settings)
        self._once_a_week(push)
        self._automatic = [p for p in self._automatic if push.sent - p.sent < 9 * DAY]
        self._automatic.append(push)

    def _count_in_vain(self, number: int) -> None:
        """How many pushes in a row nobody approved, since one was or a person asked; a yielded one is none."""
        before = self._logins.push(number) if number else None
        made = next((a for a in reversed(self._logins.attempts) if a.push == number), None)
        if before is None or before.state is PushState.APPROVED:
            self._in_vain = 0
        elif made is None or made.result is not LoginResult.YIELDED:
            self._in_vain += 1

    def _of_relogin(self, push: Push) -> bool:
        """Whether IBC pressed Re-login when a person took the session: nobody can hold that back (decision 0013)."""
        made = (a for a in reversed(self._logins.attempts) if a.push == push.id)
        return next(made).kind is LoginKind.RELOGIN

    def _not_by_clock(self, push: Push, settings: SentinelSettings) -> None:
        """When the times of IBKR and of the user let no push go out."""
        self._not_before_restart(push, settings)
        local = push.sent.astimezone(NEW_YORK)
        hour = local.hour + local.minute / 60
        if 23.75 <= hour or hour < 1.75:
            self.fail("a push that nobody asked for, in IBKR's nightly reset")
        quiet = settings.login.quiet_hours
        if quiet is not None and quiet.covers(push.sent):
            self.fail("a push in the quiet hours")

    def _within_budget(self, push: Push, settings: SentinelSettings) -> None:
        """Of the looks whether a person has gone there may be as many again."""
        policy = settings.login
        yielded = {a.push for a in self._logins.attempts[-40:] if a.result is LoginResult.YIELDED}
        for of_conflict in (True, False):
            today = [
                p
                for p in self._logins.pushes[-40:]
                if push.sent - p.sent < A_DAY and (p.id in yielded) is of_conflict
            ]
            if len(today) > policy.daily_attempts and (push.id in yielded) is of_conflict:
                self.fail(f"nobody asked for a push that is number {len(today)} within a day")
        if self._in_vain >= policy.max_attempts:
            self.fail(f"nobody asked for a push, and {self._in_vain} before it were in vain")
        pushes = self._logins.pushes
        before = pushes[-2] if len(pushes) > 1 else None
        if before is not None and before.state is not PushState.APPROVED:
            pause = timedelta(seconds=policy.attempt_interval_seconds)
            if push.sent - before.sent < pause:
                self.fail("a push came too early after one that was not approved")

    def _once_a_week(self, push: Push) -> None:
        early, _ = week_of(push.sent)
        approved = [
            p
            for p in self._automatic
            if p.sent >= early and self._logins.push(p.id).state is PushState.APPROVED
        ]
        lost = self._lost_at is not None and self._lost_at >= early
        if approved and not lost:
            self.fail(f"a second push in a week in which push {approved[0].id} was approved")

    def _settings(self) -> SentinelSettings:
        text = (self.world.pod.folder / "settings.json").read_text()
        return SentinelSettings.model_validate_json(text)

    def _not_before_restart(self, push: Push, settings: SentinelSettings) -> None:
        """Unless the gateway is new: whoever made it waits for its push."""
        early, late = week_of(push.sent)
        restart = settings.restart
        at = first_restart(late, restart.restart_at, restart.time_zone)
        if self._full is None or at is None or self._full >= late:
            return
        if early <= push.sent < max(at, self._planned or at):
            self.fail(f"a push that nobody asked for, before the restart of {at}")

    def _announced(self, now: datetime) -> None:
        """Who has a push on the phone gets a message about it, with its deadline, while a sentinel is there."""
        if self.world.report is not None and self._messages.look(self.world.report):
            self._told |= {p.id for p in self._logins.waiting()}
        if self.world.pod.sentinel is None or self._blind():
            return
        for push in self._logins.waiting():
            if push.id not in self._told and now - push.sent > TOLD_WITHIN and not push.orphaned:
                self.fail(f"push {push.id} waits on the phone and nobody is told")

    def _blind(self) -> bool:
        report = self.world.report
        return report is not None and bool(report.trouble)
