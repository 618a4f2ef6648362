"""What is said to a program of the gate it follows: the executor's own condition, with the gateway's name before it. Pure.

The name tells a word of this gateway from one of another whose label the pod had before, also where that
changed while no operator was there.
"""

from datetime import datetime
from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.gate import GateReason
from ibgateway_api.names import Key
from ibgateway_api.reasons import ConditionReason
from ibgateway_operator.decide.gate import changed_condition
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.programs import ProgramPod
from ibgateway_operator.model.snapshot import Finding

MISSING: Final = Finding(
    ConditionReason.GATEWAY_MISSING,
    f"there is no IBGateway of this name in the pod's namespace: make it, or correct the label {names.LABEL_GATEWAY}",
)
NOT_HEARD: Final = Finding(
    GateReason.NO_NEWS, "nothing has been heard yet from the sentinel of this gateway"
)
"""While a gateway begins that has not said anything to this pod."""


def program_condition(pod: ProgramPod, said: Finding, now: datetime) -> Manifest | None:
    """The condition to write on a program's pod; None where it stands already."""
    words = Finding(said.reason, f"{_before(pod.follows)}{said.message}")
    return changed_condition(words, _stored(pod), now)


def is_open_for_another(pod: ProgramPod, *, begins: bool) -> bool:
    """Whether it was told of an open gate that this gateway can't have meant; `begins`: it has never said anything."""
    told = pod.condition
    return told.status == "True" and (begins or not told.message.startswith(_before(pod.follows)))


def _before(gateway: Key) -> str:
    return f"{gateway.name}: "


def _stored(pod: ProgramPod) -> dict[str, Any]:
    told = pod.condition
    if not told.status:
        return {}
    return {
        "type": names.READINESS_GATE,
        "status": told.status,
        "reason": told.reason,
        "message": told.message,
        "lastTransitionTime": told.since,
    }
