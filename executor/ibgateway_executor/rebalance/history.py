"""What became of a rebalance, as lines of the same form as an order's. Pure."""

from decimal import Decimal
from typing import Any

from ibgateway_executor.rebalance.progress import RebalanceRun


def evidence(before: RebalanceRun | None, after: RebalanceRun) -> dict[str, Any] | None:
    """What changed beside state and reason, in the API's names; None where the history has no line of it.

    `before` None: it was just stored. It has none of our own words that changed alone.
    """
    if before is None:
        return {"account": after.account}
    changed = _changed(before, after)
    if not changed and (before.state, before.reason) == (after.state, after.reason):
        return None
    return changed


def _changed(before: RebalanceRun, after: RebalanceRun) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if after.cancel_requested != before.cancel_requested:
        told["cancelRequested"] = after.cancel_requested
    if after.plan is not None and before.plan is None:
        told["driftBefore"] = _part(after.plan.drift_before)
        told["plannedOrders"] = len(after.plan.trades)
    if after.buys is not None and before.buys is None:
        told["buys"] = len(after.buys)
    if len(after.refused) != len(before.refused):
        told["refusedOrders"] = len(after.refused)
    if after.report is not None and before.report is None:
        told["driftAfter"] = _part(after.report.drift_after)
    return told


def _part(weight: Decimal) -> str:
    """To the millionth, as everywhere."""
    return format(weight.quantize(Decimal("0.000001")), "f")
