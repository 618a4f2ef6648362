"""The HTTP API on port 8080: orders in, their state out, the gate for the operator.

An order is answered after the commit. Errors are problem documents (RFC 9457) and say what to do.
`/openapi.json` describes the API for programs, `/docs` for people: neither needs the token, and the page loads nothing.
"""

from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from ibgateway_api.gate import Closed, GateReason
from ibgateway_api.reports import ExecutorReport
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake import events, pages, portfolio
from ibgateway_executor.intake.answers import ANSWERS, error_answer
from ibgateway_executor.intake.body import OrderRoute
from ibgateway_executor.intake.cancel_all import cancel_all
from ibgateway_executor.intake.checks import GATE_PATH, RequestCheck
from ibgateway_executor.intake.cursors import LARGEST_PAGE, Cursor, PageQuery
from ibgateway_executor.intake.idempotency import KEY_SCHEMA, read_key
from ibgateway_executor.intake.openapi import describe, show_docs
from ibgateway_executor.intake.pausing import PauseBody, ResumeBody, pause_document
from ibgateway_executor.intake.placement import OrderIntakeRoute
from ibgateway_executor.intake.rebalance_routes import rebalances
from ibgateway_executor.intake.replacing import OrderReplacementBody
from ibgateway_executor.intake.resolution import ResolutionBody, resolved
from ibgateway_executor.intake.schema import OrderBody, history_document, order_document
from ibgateway_executor.intake.services import IntakeServices, Services
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.orders.order import Order, OrderState, cancel
from ibgateway_executor.orders.replacement import begin

router = APIRouter(route_class=OrderRoute)
placements = APIRouter(route_class=OrderIntakeRoute)


Key = Annotated[str, Header(alias="Idempotency-Key", json_schema_extra=KEY_SCHEMA)]
"""As it is documented; what is none is `IdempotencyKeyInvalid`, which `read_key` says."""


def application(services: IntakeServices) -> FastAPI:
    """The API; nothing is started by making it."""
    app = routes()
    app.state.services = services
    app.add_middleware(RequestCheck, services=services)
    for error, answer in ANSWERS.items():
        app.add_exception_handler(error, answer)
    return app


def routes() -> FastAPI:
    """The API without what it calls: enough to describe it."""
    app = FastAPI(
        title="ibgateway executor",
        version="v1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    for each in (placements, router, pages.router, events.router, portfolio.router, rebalances):
        app.include_router(each)
    describe(app)
    show_docs(app)
    return app


@placements.post("/v1/orders", status_code=202)
async def place_order(services: Services, key: Key, body: OrderBody) -> Response:
    """Store an order: 202 when it is new, 200 with the order as it is now for a repeated request."""
    order, new = await services.acceptance.accept(read_key([key]), body)
    return JSONResponse(
        order_document(order),
        status_code=202 if new else 200,
        headers={"Location": f"/v1/orders/{order.id}"},
    )


@router.get("/v1/orders/{order_id}")
async def get_order(services: Services, order_id: str) -> dict[str, Any]:
    """One order."""
    order = await _find(services.ledger, order_id)
    return order_document(order) | _cancel_part(services, order)


@router.get("/v1/orders/{order_id}/history")
async def get_history(
    services: Services,
    order_id: str,
    response: Response,
    cursor: Cursor = "",
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 100,
) -> dict[str, Any]:
    """What became of an order and why, oldest first. `next` is the cursor of the following page."""
    order = await _find(services.ledger, order_id)
    query = PageQuery(f"{pages.PATH}/{quote(order.id, safe='')}/history")
    after = query.sequence(cursor)
    found = await services.ledger.history(order.sequence, after=after, limit=limit + 1)
    page, follows = query.page(found, limit, response, lambda line: line.number)
    return {"history": [history_document(line) for line in page], "next": follows}


@router.delete("/v1/orders/{order_id}")
async def cancel_order(services: Services, order_id: str, response: Response) -> dict[str, Any]:
    """Cancel: at once while unsent (200), by the broker once it has the order (202).

    Each request for an order that the broker has writes a cancel, as it may have ignored the last one; the
    answer waits a moment for it, says whether it has left (`cancelWritten`), and has the order as it is then.
    """
    order = await _find(services.ledger, order_id)
    last = services.last_cancel(order.id)
    after = await services.ledger.advance(order.id, cancel, ChangeCause.CLIENT)
    if after.state is OrderState.CANCELLED:
        return order_document(after)
    if after.terminal or after.state is OrderState.UNKNOWN:
        raise OrderRefusedError(409, "CannotCancel", _not_cancelled(after))
    response.status_code = 202
    left = await services.ask_cancel(after.id, last)
    return order_document(await _find(services.ledger, order_id)) | {"cancelWritten": left}


@router.post("/v1/orders/{order_id}/replace", status_code=202)
async def replace_order(
    request: Request, services: Services, order_id: str, body: OrderReplacementBody, key: Key = ""
) -> Response:
    """Cancel the order, wait for its end, send a new one for the rest: 202 with the new order, 200 for a repeated request."""
    name = read_key(request.headers.getlist("idempotency-key"))
    old = await _find(services.ledger, order_id)
    order, new = await services.acceptance.replace(name, old, body)
    if new:
        await services.ledger.advance(old.id, partial(begin, by=order.id), ChangeCause.CLIENT)
    return JSONResponse(
        order_document(order),
        status_code=202 if new else 200,
        headers={"Location": f"/v1/orders/{order.id}"},
    )


@router.post("/v1/orders/{order_id}/resolve")
async def resolve_order(services: Services, order_id: str, body: ResolutionBody) -> dict[str, Any]:
    """End the doubt about an Unknown or Unverified order with a person's word. Nothing is sent."""
    order = await _find(services.ledger, order_id)
    return order_document(await resolved(services.ledger, order, body))


@router.get("/v1/pause")
async def get_pause(services: Services) -> dict[str, Any]:
    """Whether a person has paused trading."""
    return pause_document(services.ledger)


@router.post("/v1/pause")
async def pause_trading(services: Services, body: PauseBody) -> dict[str, Any]:
    """Send nothing more until `/v1/resume`. Orders are stored and cancels go on; the first pause stands."""
    await services.ledger.pause.begin(body.by, body.reason)
    return pause_document(services.ledger)


@router.post("/v1/resume")
async def resume_trading(services: Services, body: ResumeBody) -> dict[str, Any]:
    """End a pause. What was stored meanwhile goes on as its validity allows."""
    await services.ledger.pause.end(body.by)
    return pause_document(services.ledger)


@router.post("/v1/cancel-all")
async def cancel_everything(services: Services, body: ResumeBody) -> dict[str, Any]:
    """Cancel every order that has not ended, paused or not: `cancelled` were unsent, `asked` are at the broker."""
    return await cancel_all(services, body.by)


@router.get(GATE_PATH)
async def get_gate(services: Services) -> Response:
    """The executor's own view of the gate, and whether it has drained (agent token)."""
    if not services.ledger.begun:
        return error_answer(GateReason.LEDGER_UNAVAILABLE, services.ledger.problem)
    active = services.ledger.active
    gate = services.gate()
    closed = gate if isinstance(gate, Closed) else None
    report = ExecutorReport(
        open=closed is None,
        reason=closed.reason if closed else "",
        message=closed.message if closed else "",
        unacknowledged=services.ledger.unacknowledged,
        open_orders=len(active),
        paused=services.ledger.pause.standing,
        in_doubt=sum(order.state is OrderState.UNKNOWN for order in active),
        rebalances=services.ledger.rebalances.findings(),
        backup_problem=services.backup_problem(),
    )
    return Response(report.to_json(), media_type="application/json")


async def _find(ledger: Ledger, order_id: str) -> Order:
    found = await ledger.find(order_id) if pages.ID.fullmatch(order_id) else None
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
