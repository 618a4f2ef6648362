"""What is said of a login that a person has for themselves: what its return costs, before anything ends. Pure."""

from collections.abc import Iterator

from ibgateway_api import names
from ibgateway_api.reasons import EventReason
from ibgateway_api.status import HandoverStatus, IBGatewayStatus
from ibgateway_operator.decide.handovers import (
    how_to_have_it_back,
    requested_handover,
    standing_handover,
)
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.model.times import rfc3339
from ibgateway_operator.status.pending_event import EventType, PendingEvent

PUSHES = "the return of the login costs a push"
PUSHES_NOT = "the login comes back without a push"


def handover_events(snapshot: Snapshot, after: IBGatewayStatus) -> Iterator[PendingEvent]:
    """A new annotation, one that is ignored, and a token that was lost meanwhile."""
    before, now = snapshot.gateway.status.handover, after.handover
    if now.ignored and now.ignored != before.ignored:
        asked = requested_handover(snapshot)
        yield handover_refused(asked.refused if asked else "it is gone")
    if now.until is None:
        return
    if (now.request, now.until) != (before.request, before.until):
        note = (
            f"a person wants the login until {rfc3339(now.until)}: it ends once orders have drained,"
            f" and {_costs(now)}"
        )
        kind = EventType.WARNING if now.costs_push else EventType.NORMAL
        yield PendingEvent(EventReason.HANDOVER_REQUESTED, note, kind, "Handover")
    elif now.costs_push and not before.costs_push:
        why = _why(snapshot)
        note = f"{PUSHES} at {rfc3339(now.until)}{why}"
        yield PendingEvent(EventReason.HANDOVER_COSTS_PUSH, note, EventType.WARNING, "Handover")


def handover_refused(why: str) -> PendingEvent:
    """What became of an annotation that can't be followed."""
    note = f"{names.ANNOTATION_HANDOVER_UNTIL} is ignored: {why}"
    return PendingEvent(EventReason.HANDOVER_IGNORED, note, EventType.WARNING, "Handover")


def handover_message(snapshot: Snapshot) -> str:
    """Why trading is held: until when, what the return costs and how to have it at once."""
    stands = standing_handover(snapshot)
    if stands is None:
        return (
            "a person wants the login for themselves: it ends once orders have drained; see"
            " status.handover for until when and what its return costs"
        )
    costs = f"{PUSHES}{_why(snapshot)}" if stands.costs_push else PUSHES_NOT
    return (
        f"a person has the login until {rfc3339(stands.until)}, orders wait, and {costs};"
        f" {how_to_have_it_back(stands)} to have it back now"
    )


def _costs(handover: HandoverStatus) -> str:
    return PUSHES if handover.costs_push else PUSHES_NOT


def _why(snapshot: Snapshot) -> str:
    stands = standing_handover(snapshot)
    return f", because {stands.why}" if stands and stands.why else ""
