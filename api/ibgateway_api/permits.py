"""Permits: no login attempt without one. The attempt ledger and the budget that is read from it.

Every start of the gateway waits for a permit. `decide` looks at what was tried before and says
whether this start may have one, and of which kind. A push that nobody asked for is never sent: what
is not provably allowed is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from ibgateway_api.document import Document

A_DAY: Final = timedelta(days=1)
"""Of which `daily_attempts` speaks."""
EPISODE_ENDS_AFTER: Final = timedelta(minutes=10)
"""Logged in for this long, the attempts before it no longer count against `max_attempts`."""


class ExistingSession(StrEnum):
    """Who wins when a person is logged in with the same user name."""

    YIELD = "yield"
    TAKE_OVER = "takeOver"


class PermitKind(StrEnum):
    """What an attempt may do."""

    TOKEN = "token"  # noqa: S105 - a kind, not a secret
    """A valid autorestart file is there: no push."""
    FULL = "full"
    """May push; a stale autorestart file is deleted first."""


class Cause(StrEnum):
    """Why an attempt was made."""

    START = "Start"
    WEEKLY = "Weekly"
    REQUESTED = "Requested"


class AttemptOutcome(StrEnum):
    """How an attempt ended, as far as it is known."""

    LOGGED_IN = "LoggedIn"
    SETTLED = "Settled"
    """Logged in for ten minutes."""
    MISSED = "Missed"
    REJECTED = "Rejected"
    LOCKED_OUT = "LockedOut"
    NEEDS_PERSON = "NeedsPerson"
    """Something that only a person can answer stood in its way."""
    YIELDED = "Yielded"
    """Another session was there and this one gave way: nobody failed to answer."""
    UNUSED = "Unused"
    """The start that had its permit was gone before it took it: its token was not tried, and counts for nothing."""
    ENDED = "Ended"


PARKED: Final = frozenset(
    {AttemptOutcome.REJECTED, AttemptOutcome.LOCKED_OUT, AttemptOutcome.NEEDS_PERSON}
)
"""Trying again helps nobody: after these nothing is tried until somebody asks."""


class Attempt(Document):
    """One line of the attempt ledger; `request` is the id of the request that caused it."""

    id: int
    at: datetime
    kind: PermitKind
    cause: Cause
    request: str = ""
    outcome: AttemptOutcome | None = None


class QuietHours(Document):
    """A daily span without automatic attempts that may push."""

    start: time
    end: time
    time_zone: str = "America/New_York"

    def covers(self, now: datetime) -> bool:
        """Whether `now` lies inside; a span may cross midnight."""
        local = now.astimezone(ZoneInfo(self.time_zone)).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


class LoginPolicy(Document):
    """The budget of `spec.login`; all spans in seconds."""

    approval_seconds: int = 180
    attempt_interval_seconds: int = 900
    max_attempts: int = 3
    daily_attempts: int = 6
    quiet_hours: QuietHours | None = None


@dataclass(frozen=True)
class PermitRequest:
    """What asks for a permit: a start, the weekly restart, or a person's request."""

    cause: Cause
    request: str = ""
    token_at_hand: bool = False
    outage_until: datetime | None = None
    reset_until: datetime | None = None
    """IBKR resets its servers: a login may be dropped in the middle, so none is tried by itself before this."""
    conflict_until: datetime | None = None
    """A person has the session: no automatic attempt before this."""
    restart_at: datetime | None = None
    """The week's restart, while it is to come: nothing pushes by itself before it."""
    lost_until: datetime | None = None
    """What was tried before is not known: no automatic attempt before this."""
    clock_wrong: bool = False
    """Our clock is far off IBKR's: no budget, no quiet hours and no week can be kept by it."""
    awaits_turn: bool = False
    """Another gateway's push may wait at the same person: a push is sent in turn only."""
    handed_over_until: datetime | None = None
    """A person has the login for themselves: nothing logs in before this, whoever asks."""
    comes_back: bool = False
    """The login was put aside and its token kept: coming back by it is no try that failed."""


@dataclass(frozen=True)
class Granted:
    """A permit may be written."""

    kind: PermitKind


class PermitRefusal(StrEnum):
    """Why no permit is given; `Parked` needs a person's request."""

    PARKED = "Parked"
    INTERVAL = "Interval"
    DAILY_BUDGET = "DailyBudget"
    QUIET_HOURS = "QuietHours"
    MAINTENANCE = "Maintenance"
    NIGHTLY_RESET = "NightlyReset"
    SESSION_CONFLICT = "SessionConflict"
    ALREADY_HANDLED = "AlreadyHandled"
    RESTART_AHEAD = "RestartAhead"
    """The week's token is dead and the restart that the user has chosen is still to come."""
    POLICY_UNPROVEN = "PolicyUnproven"
    """Live, and nobody has proven yet that the API is closed to the other pods of the cluster."""
    LEDGER_LOST = "LedgerLost"
    """The attempt ledger is gone, is another gateway's or can't be read: it stands at its daily limit."""
    CLOCK_SKEW = "ClockSkew"
    """Our clock is far off IBKR's, so neither budget nor week can be read from it."""
    AWAITS_TURN = "AwaitsTurn"
    """The person who approves has the push of another gateway, or others come first."""
    HANDED_OVER = "HandedOver"
    """A person has asked for the login for themselves, until a time of their choice."""


@dataclass(frozen=True)
class Refused:
    """No permit, why, and when it is worth asking again (None: only a request helps)."""

    reason: PermitRefusal
    until: datetime | None = None


def decide(
    attempts: Sequence[Attempt], policy: LoginPolicy, asked: PermitRequest, now: datetime
) -> Granted | Refused:
    """Whether `asked` gets a permit. `attempts` is the whole ledger, oldest first."""
    attempts = [a for a in attempts if a.outcome is not AttemptOutcome.UNUSED]
    if asked.request and any(a.request == asked.request for a in attempts):
        return Refused(PermitRefusal.ALREADY_HANDLED)
    if shut := _shut(asked):
        return shut
    if asked.cause is Cause.REQUESTED:
        return Granted(PermitKind.TOKEN) if asked.token_at_hand else _in_turn(asked)
    if barred := _barred(asked, now):
        return barred
    if asked.cause is Cause.START and asked.token_at_hand:
        early = None if asked.comes_back else _spaced(attempts, policy, now)
        return early or Granted(PermitKind.TOKEN)
    refusal = (
        _before_restart(asked, now)
        or _parked(attempts, policy)
        or _over_daily(attempts, policy, now)
        or _quiet(policy, now)
        or (None if _logged_in_for_the_week(attempts, asked) else _spaced(attempts, policy, now))
    )
    return refusal or _in_turn(asked)


def _in_turn(asked: PermitRequest) -> Granted | Refused:
    """A push, where no other may wait at its person."""
    if asked.awaits_turn:
        return Refused(PermitRefusal.AWAITS_TURN)
    return Granted(PermitKind.FULL)


def _shut(asked: PermitRequest) -> Refused | None:
    """What no attempt passes, whoever asks."""
    if asked.handed_over_until is not None:
        return Refused(PermitRefusal.HANDED_OVER, asked.handed_over_until)
    if asked.outage_until is not None:
        return Refused(PermitRefusal.MAINTENANCE, asked.outage_until)
    return None


def _barred(asked: PermitRequest, now: datetime) -> Refused | None:
    """What no automatic attempt passes, by token neither."""
    if asked.clock_wrong:
        return Refused(PermitRefusal.CLOCK_SKEW)
    if asked.lost_until is not None and now < asked.lost_until:
        return Refused(PermitRefusal.LEDGER_LOST, asked.lost_until)
    if asked.reset_until is not None:
        return Refused(PermitRefusal.NIGHTLY_RESET, asked.reset_until)
    if asked.conflict_until is not None and now < asked.conflict_until:
        return Refused(PermitRefusal.SESSION_CONFLICT, asked.conflict_until)
    return None


def _episode(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    """The attempts since the gateway was last logged in for ten minutes."""
    settled = [i for i, a in enumerate(attempts) if a.outcome is AttemptOutcome.SETTLED]
    return attempts[settled[-1] + 1 :] if settled else attempts


def _logged_in_for_the_week(attempts: Sequence[Attempt], asked: PermitRequest) -> bool:
    """The interval spaces tries that failed; the week's restart after a good login is none."""
    logged_in = bool(attempts) and attempts[-1].outcome is AttemptOutcome.LOGGED_IN
    return logged_in and asked.cause is Cause.WEEKLY


def _before_restart(asked: PermitRequest, now: datetime) -> Refused | None:
    if asked.restart_at is None or now >= asked.restart_at:
        return None
    return Refused(PermitRefusal.RESTART_AHEAD, asked.restart_at)


def _parked(attempts: Sequence[Attempt], policy: LoginPolicy) -> Refused | None:
    episode = [a for a in _episode(attempts) if a.outcome is not AttemptOutcome.YIELDED]
    if episode and episode[-1].outcome in PARKED:
        return Refused(PermitRefusal.PARKED)
    if len(episode) >= policy.max_attempts:
        return Refused(PermitRefusal.PARKED)
    return None


def _over_daily(attempts: Sequence[Attempt], policy: LoginPolicy, now: datetime) -> Refused | None:
    recent = _counted(attempts, now)
    if len(recent) < policy.daily_attempts:
        return None
    return Refused(PermitRefusal.DAILY_BUDGET, recent[-policy.daily_attempts].at + A_DAY)


def _counted(attempts: Sequence[Attempt], now: datetime) -> list[Attempt]:
    """The attempts of the last 24 hours that count: may push, and did not give way to a person."""
    since = now - A_DAY
    return [a for a in attempts if a.at > since and counts(a)]


def counts(attempt: Attempt) -> bool:
    """Whether it is measured against `daily_attempts`: it may push, and did not give way to a person."""
    return attempt.kind is PermitKind.FULL and attempt.outcome is not AttemptOutcome.YIELDED


def _quiet(policy: LoginPolicy, now: datetime) -> Refused | None:
    quiet = policy.quiet_hours
    if quiet is None or not quiet.covers(now):
        return None
    local = now.astimezone(ZoneInfo(quiet.time_zone))
    end = local.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=0, microsecond=0)
    later = end if end > local else end + timedelta(days=1)
    return Refused(PermitRefusal.QUIET_HOURS, later.astimezone(now.tzinfo))


def _spaced(attempts: Sequence[Attempt], policy: LoginPolicy, now: datetime) -> Refused | None:
    episode = _episode(attempts)
    if not episode:
        return None
    free = episode[-1].at + timedelta(seconds=policy.attempt_interval_seconds)
    return Refused(PermitRefusal.INTERVAL, free) if now < free else None
