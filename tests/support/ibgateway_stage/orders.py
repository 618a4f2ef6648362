"""A client of the executor's order API."""

from typing import Any

import httpx

Json = dict[str, Any]


class Orders:
    """Places and reads orders at one address with one token."""

    def __init__(self, address: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=f"http://{address}", headers=headers, timeout=30)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def place(self, key: str, **order: Any) -> Json:
        """`POST /v1/orders`: a whole-share market order unless `order` says otherwise."""
        body = {
            "contract": {"symbol": "AAPL"},
            "side": "BUY",
            "quantity": 1,
            "orderType": "MKT",
            **order,
        }
        answer = self._http.post("/v1/orders", json=body, headers={"Idempotency-Key": key})
        result: Json = answer.raise_for_status().json()
        return result

    def get(self, order: str) -> Json:
        """`GET /v1/orders/{id}`."""
        result: Json = self._http.get(f"/v1/orders/{order}").raise_for_status().json()
        return result

    def all(self) -> Json:
        """`GET /v1/orders`."""
        result: Json = self._http.get("/v1/orders").raise_for_status().json()
        return result
