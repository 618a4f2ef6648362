"""Errors as documents: RFC 9457's `application/problem+json`. Pure.

`code` is for programs, `detail` says what to do, `errors` points at each part of a request that is not valid.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import quote

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:ibgateway:problem:"
"""Before the code: a problem's `type`. It is a name; docs/executor.md has the table."""
LONGEST_DETAIL: Final = 2000


class ProblemKind(NamedTuple):
    """What is the same in each problem of a code."""

    status: int
    title: str


KINDS: Final[Mapping[str, ProblemKind]] = MappingProxyType(
    {
        "MalformedRequest": ProblemKind(400, "This is not HTTP, or only half of it"),
        "IdempotencyKeyMissing": ProblemKind(400, "An order needs an Idempotency-Key"),
        "IdempotencyKeyInvalid": ProblemKind(400, "The Idempotency-Key can't be read"),
        "Unauthorized": ProblemKind(401, "The token is missing or another one"),
        "NoSuchOrder": ProblemKind(404, "There is no such order"),
        "NoSuchRebalance": ProblemKind(404, "There is no such rebalance"),
        "NoSuchPath": ProblemKind(404, "The API has no such path"),
        "MethodNotAllowed": ProblemKind(405, "The path has no such method"),
        "RequestTimeout": ProblemKind(408, "The request was not complete in time"),
        "CannotCancel": ProblemKind(409, "The order can't be cancelled"),
        "CannotReplace": ProblemKind(409, "The order can't be replaced"),
        "CannotResolve": ProblemKind(409, "There is nothing to resolve"),
        "RebalanceActive": ProblemKind(409, "The account has a rebalance that has not ended"),
        "RequestInFlight": ProblemKind(409, "A request with this key is being stored"),
        "LengthRequired": ProblemKind(411, "The length of the body is missing"),
        "TooLarge": ProblemKind(413, "The body is too large"),
        "UnsupportedMediaType": ProblemKind(415, "The body is not said to be JSON"),
        "UnknownHost": ProblemKind(421, "The Host is none of the executor's names"),
        "InvalidRequest": ProblemKind(422, "The request is not valid"),
        "IdempotencyKeyReused": ProblemKind(422, "The key belongs to another request"),
        "UnknownAccount": ProblemKind(422, "The account may not be traded here"),
        "UnknownContract": ProblemKind(
            422, "A contract is unknown, or its name has several meanings"
        ),
        "ForeignCurrency": ProblemKind(422, "A contract is in another currency than the account"),
        "NoPrice": ProblemKind(422, "A price is missing"),
        "ValidityEnded": ProblemKind(422, "The order's validity is past"),
        "OrderValueLimit": ProblemKind(422, "The order is worth too much"),
        "SymbolNotAllowed": ProblemKind(422, "The symbol may not be traded here"),
        "PriceCollar": ProblemKind(422, "The limit price is too far from the stop price"),
        "DailyOrderLimit": ProblemKind(429, "The day's orders are used up"),
        "TooManyRequests": ProblemKind(429, "This address asks too often"),
        "HeadersTooLarge": ProblemKind(431, "The headers are too large"),
        "InternalError": ProblemKind(500, "The executor made a mistake"),
        "UnknownEvent": ProblemKind(422, "The ledger has no such event"),
        "TooManyStreams": ProblemKind(503, "Too many streams of events are open"),
        "BrokerUnavailable": ProblemKind(503, "IBKR can't be asked now"),
        "LedgerUnavailable": ProblemKind(503, "The ledger can't be written now"),
    }
)
"""Every code, in order of its status."""


def problem(
    code: str,
    detail: str,
    *,
    status: int = 0,
    errors: Sequence[Mapping[str, str]] = (),
    rebalance: str = "",
) -> dict[str, Any]:
    """The document of an error; `status` where the code is none of `KINDS`, `rebalance` is in the way of another one."""
    kind = KINDS.get(code) or ProblemKind(status, code)
    document: dict[str, Any] = {
        "type": f"{TYPE}{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": _writable(detail),
        "code": code,
    }
    if rebalance:
        document["rebalance"] = rebalance
    if errors:
        document["errors"] = [{k: _writable(v) for k, v in each.items()} for each in errors]
    return document


def validation_errors(told: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """pydantic's errors: where, and what to do; never the value, which may be a secret."""
    return [{**_where(error), "detail": _what(error)} for error in told]


def in_words(errors: Sequence[Mapping[str, str]]) -> str:
    """The errors as one line."""
    return "; ".join(_line(error) for error in errors)


def pointer(parts: Sequence[str | int]) -> str:
    """A JSON pointer as a URI's fragment (RFC 6901, section 6)."""
    steps = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "#" + "".join(f"/{quote(_writable(step), safe='~')}" for step in steps)


def _line(error: Mapping[str, str]) -> str:
    where = error.get("parameter") or error.get("header") or error.get("field") or ""
    return f"{where}: {error['detail']}" if where else error["detail"]


def _where(error: Mapping[str, Any]) -> dict[str, str]:
    """Of a body, where it is no JSON, there is no part to point at."""
    place, *parts = error["loc"] or ("body",)
    if place == "header":
        return {"header": str(parts[0])}
    if place in ("query", "path"):
        return {"parameter": ".".join(str(part) for part in parts)}
    if error["type"] == "json_invalid":
        parts = []
    named = {"field": ".".join(str(part) for part in parts)} if parts else {}
    return {"pointer": pointer(parts), **named}


def _what(error: Mapping[str, Any]) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    hints = {
        "missing": "is required",
        "extra_forbidden": "is not a field of this document",
        "json_invalid": f"it is no JSON: {error.get('ctx', {}).get('error')}",
    }
    return hints.get(error["type"], text)


def _writable(text: str) -> str:
    """A client's field name may be in it: half a character can't be written as UTF-8."""
    return text[:LONGEST_DETAIL].encode(errors="backslashreplace").decode()
