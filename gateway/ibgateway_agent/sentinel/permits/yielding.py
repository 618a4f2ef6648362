"""After giving way to a person: when it is worth a look whether they have gone. Pure.

Each look is a login, and IBKR may send its push before it says that somebody else has the session. So
the looks become rarer, and in a day there are no more of them than of other attempts; they take nothing
from those.
"""

from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from ibgateway_agent.sentinel.permits.records import NoteKind, Records
from ibgateway_api.permits import Attempt, AttemptOutcome, LoginPolicy

LONGEST_PAUSE: Final = timedelta(hours=8)
"""Pauses double up to this; an `attemptIntervalSeconds` that is longer stays as it is."""
DAY: Final = timedelta(days=1)


def conflict_until(records: Records, policy: LoginPolicy, now: datetime) -> datetime | None:
    """Before this nothing is tried by itself; None where no process has given way."""
    last = records.last_noted(NoteKind.YIELDED)
    if last is None:
        return None
    in_vain = len(list(takewhile(_yielded, reversed(records.attempts))))
    interval = timedelta(seconds=policy.attempt_interval_seconds)
    pause = min(interval * (1 << min(in_vain, 16)), max(LONGEST_PAUSE, interval))
    today = [a.at for a in records.attempts if _yielded(a) and now - a.at < DAY]
    if len(today) < policy.daily_attempts:
        return last + pause
    return max(last + pause, today[-policy.daily_attempts] + DAY)


def _yielded(attempt: Attempt) -> bool:
    return attempt.outcome is AttemptOutcome.YIELDED
