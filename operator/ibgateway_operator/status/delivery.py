"""Whether people are told what they should be: the condition of it, and what of it is kept in the status. Pure."""

from ibgateway_api.conditions import ConditionStatus
from ibgateway_api.gate import NEWS_LIMIT_SECONDS
from ibgateway_api.notifications import OPERATOR_SUBJECTS, Episode, Subject
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.status import IBGatewayStatus, ToldStatus
from ibgateway_operator.model.snapshot import Finding, Snapshot
from ibgateway_operator.status.conditions import Assessment, Observation


def notifications_delivered(assessment: Assessment) -> Observation:
    """Whether every address takes what the sentinel and the operator send; it says nothing of trading."""
    snapshot = assessment.snapshot
    spec = snapshot.gateway.spec
    if spec is None or spec.notifications.secret_ref is None:
        words = "nobody is told: spec.notifications.secretRef is not set"
        return ConditionStatus.UNKNOWN, Finding(ConditionReason.NOT_CONFIGURED, words)
    found = [
        f"{who}: {why}"
        for who, why in (
            ("operator", snapshot.delivery.undelivered),
            ("sentinel", _of_sentinel(snapshot)),
        )
        if why
    ]
    if not found:
        words = "every address took the last message that it was sent"
        return ConditionStatus.TRUE, Finding(ConditionReason.DELIVERED, words)
    return ConditionStatus.FALSE, Finding(ConditionReason.UNDELIVERED, "; ".join(found))


def _of_sentinel(snapshot: Snapshot) -> str:
    """Its own word; one that is not heard tells nobody anything, and that is told by itself."""
    heard = snapshot.report is not None and snapshot.age_of_news <= NEWS_LIMIT_SECONDS
    return snapshot.report.undelivered if heard and snapshot.report else ""


def told_status(snapshot: Snapshot) -> list[ToldStatus]:
    """What was told, as the status keeps it."""
    return [
        ToldStatus(
            subject=subject,
            told=list(episode.told),
            at=episode.told_at.replace(microsecond=0),
        )
        for subject, episode in sorted(snapshot.delivery.told.items())
    ]


def told_before(status: IBGatewayStatus) -> dict[Subject, Episode]:
    """What an earlier operator told, out of the status that it left."""
    known = set(OPERATOR_SUBJECTS)
    return {
        Subject(each.subject): Episode(tuple(each.told), each.at)
        for each in status.told
        if each.subject in known
    }
