"""Request bodies: JSON read strictly, because a second meaning of the same bytes is another order."""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.query import check_query

_JSON: Final = re.compile(r"application/([^;\s]+\+)?json\s*(;.*)?", re.IGNORECASE)


class OrderRequest(Request):
    """A request whose JSON has one meaning: no key twice, no NaN, UTF-8."""

    async def json(self) -> Any:
        """The document; JSONDecodeError with a text for people."""
        return parse(await self.body())


class OrderRoute(APIRoute):
    """A route whose bodies are read by `OrderRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, given the stricter request; the query is looked at first, and what the body is said to be."""
        handle = super().get_route_handler()
        known = {parameter.alias for parameter in self.dependant.query_params}
        takes_body = self.body_field is not None

        async def strictly(request: Request) -> Response:
            check_query(request, known)
            if takes_body and request.headers.get("content-length") != "0":
                check_media_type(request.headers)
            return await handle(OrderRequest(request.scope, request.receive))

        return strictly


def check_media_type(headers: Headers) -> None:
    """OrderRefusedError where the body is not said to be JSON."""
    if not _JSON.fullmatch(headers.get("content-type", "")):
        raise OrderRefusedError(
            415, "UnsupportedMediaType", "send it with Content-Type: application/json"
        )


def parse(body: bytes) -> Any:
    """The JSON of a body; JSONDecodeError for what is no JSON or has no single meaning."""
    try:
        return json.loads(body, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deeply", "", 0) from None
    except ValueError as error:
        text = "it is not UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise json.JSONDecodeError(text, "", 0) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice} stands in it twice")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
