"""A person's pause of trading from the console, and what is known of it beside the ledger. Pure.

The pause is a line of the attempt ledger. Two others remember it: a file in the run directory, which outlives a restart
of this container, and the operator in the status, which outlives pod and volume. What they know and the ledger does not
stands until a person ends it: in doubt trading is closed.
"""

from datetime import timedelta
from typing import Final

from ibgateway_agent.sentinel.permits.records import Note, NoteKind, Records, pressed
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_api.console_documents import ConsoleAction
from ibgateway_api.reports import TradingPause

PAUSE: Final = pressed(ConsoleAction.PAUSE)
RESUME: Final = pressed(ConsoleAction.RESUME)
ANNOTATION: Final = "annotation"
"""Who asked, in the ledger, where it was neither the operator nor the console."""
CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""The annotation has the time of a person's machine, the pause that of the node."""


def last_pause(records: Records) -> TradingPause | None:
    """The newest one that the ledger knows, over or not."""
    note, last = records.last_asked(PAUSE), records.last_asked(PAUSE, RESUME)
    if note is None or last is None:
        return None
    return TradingPause(id=note.request, since=note.at, over=last.kind == RESUME)


def forgotten(now: SentinelSnapshot) -> TradingPause | None:
    """One that others remember and the ledger never heard of: it was lost, or can't be read."""
    for kept in (now.kept_pause, now.settings.pause):
        if kept is not None and not kept.over and not now.records.was_paused_by(kept.id):
            return kept
    return None


def standing(now: SentinelSnapshot) -> TradingPause | None:
    """The one for which trading is held."""
    known = last_pause(now.records)
    return forgotten(now) or (known if known is not None and not known.over else None)


def told_of(now: SentinelSnapshot) -> TradingPause | None:
    """What the operator hears: the one that stands, else the last one and that it is over."""
    return standing(now) or last_pause(now.records)


def noted(pause: TradingPause, *, by: str) -> Note:
    """Its line in the ledger."""
    return Note(note=NoteKind.ASKED, at=pause.since, kind=PAUSE, request=pause.id, by=by)


def resumed_by_annotation(now: SentinelSnapshot) -> Note | None:
    """The line for an annotation that was not read yet: it ends what was paused before it, and nothing later.

    Each is read once, whether or not something was paused: none is left lying that ends a later pause.
    """
    asked = now.settings.resume_requested
    if asked is None or asked > now.now + CLOCKS_DIFFER:
        return None
    request = f"{ANNOTATION} {asked.isoformat()}"
    if now.records.was_settled(RESUME, request):
        return None
    stands = standing(now)
    ends = stands is not None and stands.since <= asked + CLOCKS_DIFFER
    note = NoteKind.ASKED if ends else NoteKind.DONE
    return Note(note=note, at=now.now, kind=RESUME, request=request, by=ANNOTATION)
