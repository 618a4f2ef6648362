"""What answers to which error: a problem document (`problems`), with the headers that belong to it."""

from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ibgateway_executor.errors import LedgerUnavailableError, OrderRefusedError
from ibgateway_executor.intake.problems import MEDIA_TYPE, in_words, problem, validation_errors

RETRY_AFTER_SECONDS: Final = "5"
_HEADERS: Final = {
    "Unauthorized": {"WWW-Authenticate": "Bearer"},
    "LedgerUnavailable": {"Retry-After": RETRY_AFTER_SECONDS},
    "BrokerUnavailable": {"Retry-After": RETRY_AFTER_SECONDS},
    "TooManyStreams": {"Retry-After": RETRY_AFTER_SECONDS},
    "RequestInFlight": {"Retry-After": "1"},
}
_METHODS: Final = ("DELETE", "GET", "HEAD", "POST")
_HTTP_CODES: Final = {400: "MalformedRequest", 404: "NoSuchPath", 405: "MethodNotAllowed"}


class ProblemAnswer(JSONResponse):
    """A problem document as an answer."""

    media_type = MEDIA_TYPE


def error_answer(
    code: str,
    detail: str,
    *,
    status: int = 0,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    rebalance: str = "",
) -> ProblemAnswer:
    """An error that a program and a person can read; `status` where the code is none of `KINDS`."""
    document = problem(code, detail, status=status, errors=errors, rebalance=rebalance)
    told = {**_HEADERS.get(code, {}), **(headers or {})}
    return ProblemAnswer(document, status_code=document["status"], headers=told)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, OrderRefusedError):
        raise error
    told = error.rebalance
    return error_answer(error.code, error.message, status=error.status, rebalance=told)


async def _unavailable(_: Request, error: Exception) -> Response:
    return error_answer("LedgerUnavailable", f"nothing was stored, try again: {error}")


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = validation_errors(error.errors())
    told = [{k: v for k, v in each.items() if k != "field"} for each in errors]
    return error_answer("InvalidRequest", in_words(errors), errors=told)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = _HTTP_CODES.get(error.status_code, "MalformedRequest")
    path = request.scope["path"]
    details = {
        "NoSuchPath": f"there is no {path} here: /openapi.json lists what there is",
        "MethodNotAllowed": f"{path} has no {request.method}: use one of the header Allow",
    }
    headers = {"Allow": _methods(request)} if code == "MethodNotAllowed" else error.headers
    return error_answer(code, details.get(code, str(error.detail)), headers=headers)


def _methods(request: Request) -> str:
    """What the path has, over all its routes: Starlette tells of the first one alone (RFC 9110, section 10.2.1)."""
    scopes = ({**request.scope, "method": method} for method in _METHODS)
    found = (s for s in scopes if any(r.matches(s)[0] is Match.FULL for r in request.app.routes))
    return ", ".join(scope["method"] for scope in found)


async def _mistake(_: Request, error: Exception) -> Response:
    """The log has the error itself: it may hold what is nobody's business."""
    return error_answer(
        "InternalError",
        f"{type(error).__name__}: ask with the same Idempotency-Key what became of it, and report it with the log",
    )


ANSWERS: Final = {
    OrderRefusedError: _refused,
    LedgerUnavailableError: _unavailable,
    RequestValidationError: _invalid,
    HTTPException: _http_error,
    Exception: _mistake,
}
"""What answers to which error."""
