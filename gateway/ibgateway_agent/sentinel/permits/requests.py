"""How long what was asked of the sentinel is worth carrying out. Pure."""

from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.permits.records import Records, RequestKind

REQUEST_LIVES_FOR: Final = timedelta(minutes=10)
"""A login request means a person with a phone in hand: an older one finds nobody there."""
DRAIN_LASTS: Final = timedelta(seconds=30)
"""Whoever asks for a planned stop has drained for it just then; later orders may be under way again."""


def is_new_request(records: Records, kind: RequestKind, request: str, now: datetime) -> bool:
    """Whether a request is to be taken: later than the last of its kind, and not outlived.

    Ids are time stamps; where they are not, they just differ.
    """
    asked, before = time_of(request), time_of(records.last_taken(kind))
    if kind is RequestKind.LOGIN and asked is not None and outlived(asked, now):
        return False
    if asked is not None and before is not None:
        return asked > before
    return request != records.last_taken(kind)


def outlived(asked: datetime, now: datetime) -> bool:
    """Whether nobody waits for it any more; a time ahead of the clock is none to trust."""
    return abs(now - asked) > REQUEST_LIVES_FOR


def is_over(records: Records, kind: RequestKind, now: datetime) -> bool:
    """Whether a request waits that nobody waits for. A restart's id is its week, not when it was asked for."""
    request = records.pending(kind)
    asked = time_of(request) if kind is RequestKind.LOGIN else None
    times = (asked, records.taken_at(kind))
    first = min((time for time in times if time is not None), default=None)
    return bool(request) and first is not None and outlived(first, now)


def may_stop_for(records: Records, kind: RequestKind, now: datetime) -> bool:
    """Whether the drain that a request came with still holds."""
    taken = records.taken_at(kind)
    return taken is not None and abs(now - taken) <= DRAIN_LASTS


def time_of(text: str) -> datetime | None:
    """An aware time stamp, or None for anything else."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
