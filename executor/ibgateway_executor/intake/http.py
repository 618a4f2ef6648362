"""The HTTP API on port 8080: orders in, their state out, the gate for the operator.

An order is answered after the commit. Errors are `{"error": {"code", "message"}}` and say what to
do. `/openapi.json` describes the API; there is no `/docs` page, because it would load scripts from a
foreign host.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ibgateway_api.gate import Closed, Gate
from ibgateway_api.reports import ExecutorReport
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.errors import LedgerUnavailableError, OrderRefusedError
from ibgateway_executor.intake.accept import Acceptance
from ibgateway_executor.intake.access import CLUSTER_DOMAIN, host_allowed
from ibgateway_executor.intake.body import OrderRoute
from ibgateway_executor.intake.resolution import ResolutionBody, resolved
from ibgateway_executor.intake.schema import OrderBody, order_document
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.order import Order, OrderState, cancel
from ibgateway_runtime.auth import bearer_matches

BODY_LIMIT: Final = 64 * 1024
LARGEST_PAGE: Final = 500
LARGEST_SEQUENCE: Final = 2**63 - 1
"""What the ledger can hold."""
LONGEST_MESSAGE: Final = 2000
RETRY_AFTER_SECONDS: Final = "5"
GATE_PATH: Final = "/v1/gate"
_LENGTH: Final = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, kw_only=True)
class IntakeServices:
    """What the routes call. Settings and tokens are read anew for each request."""

    ledger: Ledger
    acceptance: Acceptance
    gate: Callable[[], Gate]
    settings: Callable[[], ExecutorSettings]
    client_token: Callable[[], bytes]
    agent_token: Callable[[], bytes]
    ask_cancel: Callable[[str], Awaitable[bool]]
    """Has a cancel written, and waits a moment for it: whether it has left."""
    cancel_written: Callable[[str], bool]
    """Whether the last cancel that was asked for has left; both take an order's id."""
    cluster_domain: str = CLUSTER_DOMAIN


router = APIRouter(route_class=OrderRoute)


def _services(request: Request) -> IntakeServices:
    services: IntakeServices = request.app.state.services
    return services


Services = Annotated[IntakeServices, Depends(_services)]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[!-~]{1,255}$")]


def application(services: IntakeServices) -> FastAPI:
    """The API; nothing is started by making it."""
    app = FastAPI(title="ibgateway executor", version="v1", docs_url=None, redoc_url=None)
    app.state.services = services
    app.include_router(router)
    app.middleware("http")(_check_request)
    app.add_exception_handler(OrderRefusedError, _refused)
    app.add_exception_handler(LedgerUnavailableError, _unavailable)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    return app


@router.post("/v1/orders", status_code=202)
async def place_order(
    services: Services, key: IdempotencyKey, body: OrderBody, response: Response
) -> dict[str, Any]:
    """Store an order: 202 when it is new, 200 with the first answer's order for a repeated key."""
    order, new = await services.acceptance.accept(key, body)
    response.status_code = 202 if new else 200
    return order_document(order)


@router.get("/v1/orders")
async def list_orders(
    services: Services,
    state: OrderState | None = None,
    after: Annotated[int, Query(ge=0, le=LARGEST_SEQUENCE)] = 0,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 100,
) -> dict[str, Any]:
    """Orders, oldest first. `next` is the `after` of the following page, null on the last one."""
    wanted = state.value if state else None
    found = await services.ledger.page(after=after, limit=limit + 1, state=wanted)
    page = found[:limit]
    follows = page[-1].sequence if len(found) > limit else None
    return {"orders": [order_document(order) for order in page], "next": follows}


@router.get("/v1/orders/{order_id}")
async def get_order(services: Services, order_id: str) -> dict[str, Any]:
    """One order."""
    order = await _find(services.ledger, order_id)
    return order_document(order) | _cancel_part(services, order)


@router.delete("/v1/orders/{order_id}")
async def cancel_order(services: Services, order_id: str, response: Response) -> dict[str, Any]:
    """Cancel: at once while unsent (200), by the broker once it has the order (202).

    Each request for an order that the broker has writes a cancel, as it may have ignored the last one; the
    answer waits a moment for it, says whether it has left (`cancelWritten`), and has the order as it is then.
    """
    order = await _find(services.ledger, order_id)
    after = await services.ledger.advance(order.id, cancel)
    if after.state is OrderState.CANCELLED:
        return order_document(after)
    if after.terminal or after.state is OrderState.UNKNOWN:
        raise OrderRefusedError(409, "CannotCancel", _not_cancelled(after))
    response.status_code = 202
    left = await services.ask_cancel(after.id)
    return order_document(await _find(services.ledger, order_id)) | {"cancelWritten": left}


@router.post("/v1/orders/{order_id}/resolve")
async def resolve_order(services: Services, order_id: str, body: ResolutionBody) -> dict[str, Any]:
    """End the doubt about an Unknown or Unverified order with a person's word. Nothing is sent."""
    order = await _find(services.ledger, order_id)
    return order_document(await resolved(services.ledger, order, body))


@router.get(GATE_PATH)
async def get_gate(services: Services) -> Response:
    """The executor's own view of the gate, and whether it has drained (agent token)."""
    active = services.ledger.active
    gate = services.gate()
    closed = gate if isinstance(gate, Closed) else None
    report = ExecutorReport(
        open=closed is None,
        reason=closed.reason if closed else "",
        message=closed.message if closed else "",
        unacknowledged=sum(order.unacknowledged for order in active.sent.values()),
        open_orders=len(active),
    )
    return Response(report.to_json(), media_type="application/json")


async def _find(ledger: Ledger, order_id: str) -> Order:
    found = await ledger.find(order_id)
    if found is None:
        raise OrderRefusedError(404, "NoSuchOrder", f"there is no order {order_id}")
    return found


def _cancel_part(services: IntakeServices, order: Order) -> dict[str, Any]:
    """Whether the cancel has left, while that matters."""
    if order.terminal or not order.cancel_requested:
        return {}
    return {"cancelWritten": services.cancel_written(order.id)}


def _not_cancelled(order: Order) -> str:
    if order.state is OrderState.UNKNOWN:
        return f"the order's fate is not known, so it can't be cancelled here: {order.message}"
    return f"the order is {order.state} already"


async def _check_request(
    request: Request, proceed: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Host, token and size, before any body is read."""
    services = _services(request)
    settings = services.settings()
    host = request.headers.get("host", "")
    allowed = host_allowed(
        host,
        gateway=settings.gateway,
        namespace=settings.namespace,
        domain=services.cluster_domain,
    )
    if not allowed:
        return _error(421, "UnknownHost", f"this is not {host}: use the executor's Service name")
    path = request.scope["path"]
    if path.startswith("/v1/"):
        token = services.agent_token() if path == GATE_PATH else services.client_token()
        if not bearer_matches(request.headers.get("authorization", ""), token):
            return _error(
                401, "Unauthorized", "send Authorization: Bearer with the executor's token"
            )
    return _length_problem(request) or await proceed(request)


def _length_problem(request: Request) -> Response | None:
    """A chunked body may be longer than any Content-Length beside it says."""
    lengths = request.headers.getlist("content-length")
    chunked = "transfer-encoding" in request.headers
    if request.method != "POST" and not lengths and not chunked:
        return None
    if chunked or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        return _error(411, "LengthRequired", "send the body with one Content-Length, not chunked")
    if int(lengths[0]) > BODY_LIMIT:
        return _error(413, "TooLarge", f"a request has at most {BODY_LIMIT} bytes")
    return None


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, OrderRefusedError):
        raise error
    return _error(error.status, error.code, error.message)


async def _unavailable(_: Request, error: Exception) -> Response:
    answer = _error(503, "LedgerUnavailable", f"nothing was stored, try again: {error}")
    answer.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return answer


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return _error(422, "InvalidRequest", "; ".join(_problem(e) for e in error.errors()))


async def _http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _error(error.status_code, "HttpError", str(error.detail))


def _problem(problem: dict[str, Any]) -> str:
    """One validation error: where, and what to do; never the value, which may be a secret."""
    where = ".".join(
        str(part) for part in problem["loc"] if part not in ("body", "header", "query")
    )
    text = str(problem["msg"]).removeprefix("Value error, ")
    hints = {
        "missing": "is required",
        "extra_forbidden": "is not a field of an order",
        "json_invalid": f"it is no JSON: {problem.get('ctx', {}).get('error')}",
    }
    text = hints.get(problem["type"], text)
    return f"{where}: {text}" if where else text


def _error(status: int, code: str, message: str) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    # A client's field name may be in it: half a character can't be written as UTF-8.
    text = message[:LONGEST_MESSAGE].encode(errors="backslashreplace").decode()
    content = {"error": {"code": code, "message": text}}
    return JSONResponse(content, status_code=status, headers=headers)
