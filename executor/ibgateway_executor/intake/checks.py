"""Host, rate, token and size of a request, looked at before any body is read."""

import re
from typing import Final

from fastapi import Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ibgateway_executor.intake.access import host_allowed
from ibgateway_executor.intake.answers import error_answer
from ibgateway_executor.intake.services import IntakeServices
from ibgateway_runtime.auth import bearer_matches

BODY_LIMIT: Final = 64 * 1024
GATE_PATH: Final = "/v1/gate"
_LENGTH: Final = re.compile("[0-9]{1,9}")


class RequestCheck:
    """In front of every route. As plain ASGI: Starlette's base class for this starts a task for each request."""

    def __init__(self, app: ASGIApp, services: IntakeServices) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what is wrong, or hand the request on."""
        problem = self._problem(scope) if scope["type"] == "http" else None
        await (problem or self._app)(scope, receive, send)

    def _problem(self, scope: Scope) -> Response | None:
        headers, settings = Headers(scope=scope), self._services.settings()
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        allowed = host_allowed(
            host,
            gateway=settings.gateway,
            namespace=settings.namespace,
            domain=self._services.cluster_domain,
        )
        if not allowed:
            return error_answer(
                "UnknownHost", f"this is not {host}: use the executor's Service name"
            )
        if wait := self._services.rate_limit.take(_address(scope), self._services.monotonic()):
            return error_answer(
                "TooManyRequests",
                f"ask again in {wait:.3f} s, and then less often",
                headers=self._services.rate_limit.headers(wait),
            )
        path = scope["path"]
        if path.startswith("/v1/"):
            services = self._services
            token = services.agent_token() if path == GATE_PATH else services.client_token()
            if not bearer_matches(headers.get("authorization", ""), token):
                return error_answer(
                    "Unauthorized", "send Authorization: Bearer with the executor's token"
                )
        return _length_problem(scope["method"], headers)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _length_problem(method: str, headers: Headers) -> Response | None:
    """A chunked body may be longer than any Content-Length beside it says."""
    lengths = headers.getlist("content-length")
    chunked = "transfer-encoding" in headers
    if method != "POST" and not lengths and not chunked:
        return None
    if chunked or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        return error_answer("LengthRequired", "send the body with one Content-Length, not chunked")
    if int(lengths[0]) > BODY_LIMIT:
        return error_answer("TooLarge", f"a request has at most {BODY_LIMIT} bytes")
    return None
