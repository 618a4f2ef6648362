"""What `Ready` says while nobody keeps the status. Pure."""

from datetime import datetime

from ibgateway_api.conditions import Condition, ConditionStatus, ConditionType
from ibgateway_api.reasons import ConditionReason
from ibgateway_operator.model.manifests import Manifest


def away_status(body: Manifest, now: datetime, seconds: float) -> Manifest | None:
    """The status to apply to an IBGateway; None where there is no `Ready` that could mislead.

    All that is known is what was true last, so that is repeated; the rest of the status stays.
    """
    before = _ready(body)
    if before is None or before.get("reason") == ConditionReason.OPERATOR_AWAY:
        return None
    name, place = body["metadata"]["name"], body["metadata"]["namespace"]
    condition = Condition(
        type=ConditionType.READY,
        status=ConditionStatus.UNKNOWN,
        reason=ConditionReason.OPERATOR_AWAY,
        message=f"the operator has not been heard for {seconds:.0f} seconds and nobody keeps this"
        f" status: Ready was {before['status']} ({before['reason']}) last. The executor judges for"
        f" itself: kubectl get pods -n {place} -l ibgateway.dev/gateway={name} shows whether its pod"
        " is Ready. Bring the operator back; it takes this away by itself",
        last_transition_time=now.replace(microsecond=0),
        observed_generation=int(before.get("observedGeneration", 0)),
    )
    return {"conditions": [condition.model_dump(mode="json", by_alias=True)]}


def _ready(body: Manifest) -> Manifest | None:
    conditions = body.get("status", {}).get("conditions", [])
    return next((dict(c) for c in conditions if c["type"] == ConditionType.READY), None)
