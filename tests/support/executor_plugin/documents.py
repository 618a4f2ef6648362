"""The executor's documents, by its own examples, with what a test wants otherwise."""

from typing import Any

from ibgateway_executor.intake.examples import ORDER
from ibgateway_executor.intake.rebalance_examples import PREVIEW, REBALANCE

Json = dict[str, Any]
GATE: Json = {"open": True, "reason": "", "message": ""}
NO_PAUSE: Json = {
    "paused": False,
    "by": None,
    "reason": None,
    "since": None,
    "unacknowledged": 0,
}
PLAN: Json = PREVIEW


def order_json(number: int = 1, **changes: Any) -> Json:
    """An order; its id and its moment are those of its number."""
    name = f"{number:024x}"
    own = {"id": name, "orderRef": f"ibg-{name}", "acceptedAt": f"2026-12-02T07:00:{number:02}Z"}
    blank: Json = {"orderId": None, "permId": None, "sentAt": None, "filledQuantity": "0"}
    return {**ORDER, **own, **blank, "averagePrice": None, **changes}


def run_json(**changes: Any) -> Json:
    """A rebalance that sells."""
    return {**REBALANCE, **changes}


def report_json() -> Json:
    """How a rebalance ended: one sell filled, one buy in part."""
    trade: Json = {"conId": 272093, "symbol": "MSFT", "side": "SELL", "quantity": 100}
    sold: Json = {**trade, "decisionPrice": "420", "value": "42000.0000", "orderId": "a" * 24}
    sold |= {"state": "Filled", "message": "", "filledQuantity": "100", "averagePrice": "419.99"}
    sold |= {"slippage": "1.0000", "commission": "1.0500"}
    bought = {**sold, "conId": 265598, "symbol": "AAPL", "side": "BUY", "quantity": 444}
    bought |= {"decisionPrice": "190", "value": "84360.0000", "state": "Cancelled"}
    bought |= {"message": "CancelledByClient: after 300 s", "filledQuantity": "200"}
    bought |= {"averagePrice": "190.01", "slippage": "2.0000", "commission": None}
    weights = [
        {"conId": 272093, "symbol": "MSFT", "target": "0", "before": "0.295775", "after": "0"},
        {"conId": 265598, "symbol": "AAPL", "target": "0.594", "before": "0", "after": "0.267615"},
    ]
    sums: Json = {
        "driftBefore": "0.594000",
        "driftAfter": "0.326385",
        "accountValue": "141995.9500",
    }
    sums |= {"cash": "103993.9500", "slippage": "3.0000", "commission": None}
    return {"orders": [sold, bought], "weights": weights, **sums}
