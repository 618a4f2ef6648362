"""The condition of a change that waits: what, for what, until when, and how to have it now. Pure."""

from collections.abc import Iterator

from ibgateway_api import names
from ibgateway_api.reasons import ConditionReason
from ibgateway_operator.decide.stops import executor_may_change
from ibgateway_operator.decide.templates import change_requested, executor_revision
from ibgateway_operator.model.snapshot import Finding
from ibgateway_operator.model.times import rfc3339
from ibgateway_operator.status.conditions import FALSE, TRUE, Assessment, Observation


def change_pending(assessment: Assessment) -> Observation:
    """Whether a part of the spec is not in effect yet."""
    if not assessment.pending:
        message = "everything in the spec is in effect"
        return FALSE, Finding(ConditionReason.NOTHING_WAITS, message)
    executor = _executor(assessment)
    only_executor = assessment.pending == executor
    message = "; ".join(
        [*_what_waits(assessment, executor), _apply_now(assessment, only_executor=only_executor)]
    )
    return TRUE, Finding(ConditionReason.CHANGE_WAITS, message)


def _executor(assessment: Assessment) -> str:
    name = names.child_names(assessment.snapshot.gateway.key.name).executor
    return executor_revision(assessment.pending, name)


def _what_waits(assessment: Assessment, executor: str) -> Iterator[str]:
    verdict = assessment.verdict
    gateways = [revision for revision in assessment.pending.split(", ") if revision != executor]
    for revision in gateways:
        at = rfc3339(verdict.next_restart)
        yield f"the gateway's pod template {revision} waits for the weekly restart of {at}"
    if not executor:
        return
    if executor_may_change(assessment.snapshot, verdict.week):
        yield f"the executor's template {executor} waits until its orders have drained"
    else:
        opens = rfc3339(verdict.week.opens)
        yield f"the executor's template {executor} waits for the restart window, which opens at {opens}"


def _apply_now(assessment: Assessment, *, only_executor: bool) -> str:
    if change_requested(assessment.snapshot):
        return "a request asks for it now: orders drain first"
    what = (
        "the executor is replaced and no push follows"
        if only_executor
        else "the pod is replaced and a push follows, so have the phone at hand"
    )
    return (
        f"to apply it now, set the annotation {names.ANNOTATION_LOGIN_REQUESTED_AT} to the time now:"
        f" orders drain first, then {what}"
    )
