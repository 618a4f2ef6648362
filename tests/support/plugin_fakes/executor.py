"""An executor behind the forwarded port: what it answers by path, and what it was asked."""

from dataclasses import dataclass, field
from typing import Any

import httpx

Json = dict[str, Any]
IDLE: Json = {"open": True, "unacknowledged": 0, "openOrders": 0, "inDoubt": 0}


@dataclass
class FakeExecutor:
    """`answers` by (method, path); what is not there is a 404."""

    answers: dict[tuple[str, str], Json] = field(
        default_factory=lambda: {("GET", "/v1/gate"): dict(IDLE)}
    )
    requests: list[httpx.Request] = field(default_factory=list)
    down: bool = False

    def transport(self) -> httpx.BaseTransport | None:
        """The way to it; None: the network."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.down:
            raise httpx.ConnectError("connection refused", request=request)
        found = self.answers.get((request.method, request.url.path))
        if found is None:
            return httpx.Response(404, json={"status": 404, "code": "NoSuchPath", "detail": "none"})
        return httpx.Response(200, json=found)
