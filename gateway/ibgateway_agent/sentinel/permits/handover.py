"""A login that a person has for themselves for a while, and a process that ends so that its token stays. Pure.

Everything is read from the ledger, so it holds through any restart: of the sentinel, the container, the pod.
"""

from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.permits.records import Note, NoteKind, Records
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_agent.sentinel.permits.token import token_failed
from ibgateway_agent.sentinel.permits.week_ahead import week_now
from ibgateway_api.login import LoginState
from ibgateway_api.reports import HandoverReport
from ibgateway_api.requests import LONGEST_HANDOVER
from ibgateway_api.week import token_lives_until

PAUSE_TAKES: Final = timedelta(minutes=2)
"""IBC has the Gateway restart itself at the next full minute that is ten seconds away, which then shuts down."""
UNKNOWN_FOR: Final = timedelta(seconds=30)
"""A sentinel that starts has asked the API by then whether the login stands."""

_MAY_PAUSE: Final = frozenset(
    {LoginState.LOGGED_IN, LoginState.CONNECTION_LOST, LoginState.API_UNRESPONSIVE}
)
"""A login that is there, whether or not IBKR answers now: IBC acts on PAUSE only then."""
_WILL_BE_SEEN: Final = frozenset({LoginState.UNKNOWN, LoginState.RESTARTING})


def handover(records: Records, now: datetime) -> Note | None:
    """The handover that stands now; its `until` is a time."""
    last = records.latest(NoteKind.HANDED_OVER, NoteKind.HANDED_BACK)
    if last is None or last.note is NoteKind.HANDED_BACK or last.until is None:
        return None
    return last if now < last.until else None


def handed_over_until(records: Records, now: datetime) -> datetime | None:
    """Until when a person has the login; None where nobody has."""
    note = handover(records, now)
    return note.until if note else None


def handed_back_at(records: Records, now: datetime) -> datetime | None:
    """When the last handover ended; None where there was none or it stands."""
    last = records.latest(NoteKind.HANDED_OVER, NoteKind.HANDED_BACK)
    if last is None:
        return None
    ended = last.at if last.note is NoteKind.HANDED_BACK else last.until
    return ended if ended is not None and ended <= now else None


def impossible(until: datetime, now: datetime) -> str:
    """Why there can be no handover until then, in words; empty where there can."""
    if until <= now:
        return f"{until.isoformat()} is not ahead of the clock: name a time in the future, or a duration such as 30m"
    if until - now > LONGEST_HANDOVER:
        days = LONGEST_HANDOVER.days
        return f"{until.isoformat()} is more than {days} days ahead: for longer set spec.suspend to true"
    return ""


def pauses(now: SentinelSnapshot, until: datetime | None = None) -> bool:
    """Whether a process that ends now is to keep its token, because it lives until it is needed again."""
    return now.login.state in _MAY_PAUSE and _token_lives(now, until or now.now)


def pausing(now: SentinelSnapshot) -> bool:
    """Whether the process was told to pause and has not ended yet: trading is held for it."""
    told = now.records.last_noted(NoteKind.PAUSED)
    if told is None or not now.running or not timedelta(0) <= now.now - told < PAUSE_TAKES:
        return False
    return comes_back(now.records)


def comes_back(records: Records) -> bool:
    """Whether the last process was ended to come back by its token, and nothing has been tried since."""
    told, last = records.last_noted(NoteKind.PAUSED), records.last_used()
    return told is not None and (last is None or told >= last.at)


def wait_for_it(now: SentinelSnapshot) -> bool:
    """Whether how the login stands is known in a moment: nobody loses a token for having looked too early."""
    if now.login.state is LoginState.RESTARTING:
        return now.login.by_token or now.now - now.login.since < PAUSE_TAKES
    seen_since = now.looked_since or now.login.since
    return now.login.state is LoginState.UNKNOWN and now.now - seen_since < UNKNOWN_FOR


def told_of(now: SentinelSnapshot) -> HandoverReport | None:
    """What others are told of the handover that stands."""
    note = handover(now.records, now.now)
    if note is None or note.until is None:
        return None
    why = why_it_costs(now, note.until)
    return HandoverReport(id=note.request, until=note.until, costs_push=bool(why), why=why)


def why_it_costs(now: SentinelSnapshot, until: datetime) -> str:
    """Why the login's return sends a push, in words; empty where it sends none."""
    week = week_now(now)
    if week.open:
        return "this week has no full login yet, so there is no token to come back by"
    if not token_lives_until(week, now.settings.calendar, until):
        return f"it ends after IBKR's weekly token boundary at {week.opens.isoformat()}"
    kept = now.login.state in _MAY_PAUSE | _WILL_BE_SEEN if now.running else now.token_at_hand
    if not kept or token_failed(now.records, now.login):
        return "the gateway has no login whose token could bring it back"
    return ""


def _token_lives(now: SentinelSnapshot, until: datetime) -> bool:
    return token_lives_until(week_now(now), now.settings.calendar, until)
