"""`POST /v1/orders` as it is read: the key, then the order.

The route's signature is what FastAPI documents. It is read here, because FastAPI's own way costs 0.4 ms of a
request, which is more than everything else that is done for an order (docs/decisions/0029-orders-share-a-commit.md).
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ibgateway_executor.intake.body import check_media_type, parse
from ibgateway_executor.intake.idempotency import read_key
from ibgateway_executor.intake.query import check_query
from ibgateway_executor.intake.schema import OrderBody


class OrderIntakeRoute(APIRoute):
    """Its endpoint takes the application's services, the key and the order, and gives the answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Read a request and call the endpoint; RequestValidationError for what is no order."""
        place: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            try:
                text = await request.body()
            except ClientDisconnect as gone:
                raise HTTPException(400, "the request was not finished") from gone
            check_query(request, ())
            headers = request.headers
            key = read_key(headers.getlist("idempotency-key")).field
            return await place(request.app.state.services, key, _order(headers, text))

        return handle


def _order(headers: Headers, text: bytes) -> OrderBody:
    if not text:
        raise _invalid("missing", ("body",))
    check_media_type(headers)
    try:
        return OrderBody.model_validate(parse(text))
    except json.JSONDecodeError as error:
        raise _invalid("json_invalid", ("body", error.pos), error=error.msg) from error
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in told]) from error


def _invalid(kind: str, where: tuple[str | int, ...], **context: str) -> RequestValidationError:
    return RequestValidationError([{"type": kind, "loc": where, "msg": "", "ctx": context}])
