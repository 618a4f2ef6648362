"""A person's pause of trading from the console, as the operator remembers it for the sentinel. Pure.

The sentinel keeps it in its ledger; the status outlives the ledger's volume. So what stood when the sentinel was heard
last is handed to the next one, until a sentinel says that it is over.
"""

from datetime import datetime

from ibgateway_api import names
from ibgateway_api.reports import TradingPause
from ibgateway_api.status import PauseStatus
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.model.times import parse_time


def pause_status(snapshot: Snapshot) -> PauseStatus:
    """What is to be remembered: a sentinel that knows of no pause has lost it, or never had it."""
    before, report = snapshot.gateway.status.pause, snapshot.report
    told = report.pause if report else None
    if told is None:
        return before
    if not told.over:
        return PauseStatus(request=told.id, since=told.since)
    is_later = before.since is not None and before.since > told.since
    return before if is_later and before.request != told.id else PauseStatus()


def kept_pause(snapshot: Snapshot) -> TradingPause | None:
    """What the sentinel is told of it."""
    found = pause_status(snapshot)
    return TradingPause(id=found.request, since=found.since) if found.since else None


def resume_requested(snapshot: Snapshot) -> datetime | None:
    """The time in the annotation that ends a pause; None where there is none, or it is no time."""
    return parse_time(_asked(snapshot))


def resume_ignored(snapshot: Snapshot) -> str:
    """Why the annotation ends nothing, in words; empty where it may."""
    text = _asked(snapshot)
    if not text or parse_time(text) is not None:
        return ""
    return (
        f"the annotation {names.ANNOTATION_RESUME_REQUESTED_AT} is ignored: it is no RFC 3339 time with a zone,"
        " such as 2026-01-31T08:30:00Z"
    )


def _asked(snapshot: Snapshot) -> str:
    return snapshot.gateway.annotations.get(names.ANNOTATION_RESUME_REQUESTED_AT, "")
