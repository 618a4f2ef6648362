"""What holds trading although login and link are fine, as the operator sees it. Pure.

The executor is told of the holds that only the operator knows, in its settings: its own gate closes.
"""

from ibgateway_api.accounts import account_problem
from ibgateway_api.gate import GateReason, Hold
from ibgateway_api.names import Component
from ibgateway_operator.decide.handovers import handover_due
from ibgateway_operator.decide.templates import change_requested
from ibgateway_operator.model.manifests import is_terminating, variable_of
from ibgateway_operator.model.snapshot import Snapshot

READ_ONLY_VARIABLE = "READ_ONLY_API"


def holds(snapshot: Snapshot) -> tuple[Hold, ...]:
    """The operator's reasons, then the sentinel's."""
    own = [Hold(GateReason.SUSPENDED)] if snapshot.gateway.suspend else []
    own += [Hold(reason) for reason in told_holds(snapshot)]
    pod = snapshot.pod(Component.GATEWAY)
    if snapshot.gateway.deleting or (pod is not None and is_terminating(pod)):
        own.append(Hold(GateReason.PLANNED_STOP))
    if unexpected_account(snapshot):
        own.append(Hold(GateReason.UNEXPECTED_ACCOUNT))
    report = snapshot.report
    return (*own, *(h.as_hold() for h in (report.holds if report else ())))


def told_holds(snapshot: Snapshot) -> tuple[GateReason, ...]:
    """The holds that the executor is told of, beside the spec's own suspend."""
    found = []
    if handover_due(snapshot):
        found.append(GateReason.HANDED_OVER)
    if read_only(snapshot):
        found.append(GateReason.READ_ONLY_API)
    if change_requested(snapshot):
        found.append(GateReason.PLANNED_STOP)
    return tuple(found)


def read_only(snapshot: Snapshot) -> str:
    """Why no order may be sent through this gateway, in words; empty where it takes orders.

    The spec counts at once, the running gateway until it has the new setting.
    """
    spec = snapshot.gateway.spec
    if spec is not None and spec.gateway.read_only_api:
        return "spec.gateway.readOnlyApi is true: no order is sent"
    if variable_of(snapshot.pod(Component.GATEWAY), "gateway", READ_ONLY_VARIABLE) == "yes":
        return (
            "the running gateway was started with readOnlyApi and takes no orders until it is"
            " restarted: see ChangePending"
        )
    return ""


def unexpected_account(snapshot: Snapshot) -> str:
    """What is wrong with the login's accounts, in words; empty where nothing is."""
    spec, report = snapshot.gateway.spec, snapshot.report
    if spec is None or report is None or not report.accounts:
        return ""
    return account_problem(spec.trading_mode, report.accounts, spec.executor.accounts)
