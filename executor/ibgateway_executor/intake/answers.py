"""Errors as answers: `{"error": {"code", "message"}}`, with what to do. Pure."""

from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ibgateway_executor.errors import LedgerUnavailableError, OrderRefusedError

LONGEST_MESSAGE: Final = 2000
RETRY_AFTER_SECONDS: Final = "5"


def error_answer(status: int, code: str, message: str) -> JSONResponse:
    """An error that a program and a person can read."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    # A client's field name may be in it: half a character can't be written as UTF-8.
    text = message[:LONGEST_MESSAGE].encode(errors="backslashreplace").decode()
    content = {"error": {"code": code, "message": text}}
    return JSONResponse(content, status_code=status, headers=headers)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, OrderRefusedError):
        raise error
    return error_answer(error.status, error.code, error.message)


async def _unavailable(_: Request, error: Exception) -> Response:
    answer = error_answer(503, "LedgerUnavailable", f"nothing was stored, try again: {error}")
    answer.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return answer


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return error_answer(422, "InvalidRequest", "; ".join(_problem(e) for e in error.errors()))


async def _http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return error_answer(error.status_code, "HttpError", str(error.detail))


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


ANSWERS: Final = {
    OrderRefusedError: _refused,
    LedgerUnavailableError: _unavailable,
    RequestValidationError: _invalid,
    HTTPException: _http_error,
}
"""What answers to which error."""
