"""One Event that is to be written."""

from dataclasses import dataclass
from enum import StrEnum

from ibgateway_api.reasons import EventReason, Reason


class EventType(StrEnum):
    """The two types of Events Kubernetes knows."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True)
class PendingEvent:
    """One Event."""

    reason: EventReason | Reason
    note: str
    type: EventType = EventType.NORMAL
    action: str = "Reconcile"
