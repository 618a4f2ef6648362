"""The executor's order API, through the project's own client, as the plain documents that the tests look into."""

from typing import Any

from ibgateway.client import ExecutorClient
from ibgateway_api.executor_documents import OrderDocument
from ibgateway_api.rebalance_documents import RebalanceDocument

Json = dict[str, Any]


class Orders:
    """Places and reads orders at one address with one token; raises ClientError."""

    def __init__(self, address: str, token: str) -> None:
        self._client = ExecutorClient(f"http://{address}", token=token, timeout=30)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def place(self, key: str, **order: Any) -> Json:
        """`POST /v1/orders`: a whole-share market order unless `order` says otherwise."""
        body = {
            "contract": {"symbol": "AAPL"},
            "side": "BUY",
            "quantity": 1,
            "orderType": "MKT",
            **order,
        }
        return _json(self._client.place(body, key=key).order)

    def get(self, order: str) -> Json:
        """`GET /v1/orders/{id}`."""
        return _json(self._client.order(order))

    def rebalance(self, key: str, **body: Any) -> RebalanceDocument:
        """`POST /v1/rebalances`; the same key is the same rebalance."""
        return self._client.rebalance(body, key=key)

    def rebalance_run(self, rebalance: str) -> RebalanceDocument:
        """`GET /v1/rebalances/{id}`."""
        return self._client.rebalance_run(rebalance)

    def pause(self, *, by: str, reason: str) -> None:
        """`POST /v1/pause`."""
        self._client.pause(by=by, reason=reason)

    def resume(self, *, by: str) -> None:
        """`POST /v1/resume`."""
        self._client.resume(by=by)

    def all(self) -> Json:
        """`GET /v1/orders`, every page."""
        return {"orders": [_json(order) for order in self._client.orders()]}


def _json(order: OrderDocument) -> Json:
    document: Json = order.model_dump(mode="json", by_alias=True)
    return document
