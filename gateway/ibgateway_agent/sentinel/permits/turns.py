"""One push at a time for each person: whether this gateway has its turn. Pure.

The operator gives turns, because it alone sees all gateways of a person. What it gave is in the ledger, so a turn
is used once, through any restart.
"""

from datetime import datetime

from ibgateway_agent.sentinel.permits.records import Note, NoteKind, Records
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_api.permits import Attempt, PermitKind
from ibgateway_api.reports import TurnReport


def awaits_turn(now: SentinelSnapshot) -> bool:
    """Whether nothing may push yet, because another gateway's push may wait at the same person."""
    return now.settings.needs_turn and not has_turn(now.records, now.now)


def has_turn(records: Records, now: datetime) -> bool:
    """Whether a turn was given that is neither used nor outlived."""
    turn = records.latest(NoteKind.TURN)
    if turn is None or turn.until is None:
        return False
    return turn.at <= now < turn.until and _used_by(records, turn) is None


def last_turn(records: Records, now: datetime) -> TurnReport | None:
    """The last turn: it is over once its attempt has come to something, or its time has passed without one."""
    turn = records.latest(NoteKind.TURN)
    if turn is None or turn.until is None:
        return None
    attempt = _used_by(records, turn)
    over = now >= turn.until if attempt is None else attempt.outcome is not None
    return TurnReport(id=turn.request, over=over)


def _used_by(records: Records, turn: Note) -> Attempt | None:
    """The first attempt since then that may push."""
    since = (a for a in records.attempts if a.at >= turn.at and a.kind is PermitKind.FULL)
    return next(since, None)
