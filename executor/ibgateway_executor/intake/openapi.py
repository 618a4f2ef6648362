"""`/openapi.json`: what FastAPI knows of the routes, and what it can't: answers, problems, headers, examples.

FastAPI's own way of declaring answers would check and copy each one as it leaves, at a cost an order would pay.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ibgateway_api.executor_documents import (
    AccountDocument,
    CancelResult,
    ExecutionPage,
    GateDocument,
    HistoryPage,
    OrderChange,
    OrderDocument,
    OrderPage,
    PauseDocument,
    PositionPage,
    ProblemDocument,
    RebalanceChange,
    StreamEnd,
)
from ibgateway_api.rebalance_documents import (
    RebalanceAnswer,
    RebalanceDocument,
    RebalancePage,
    TargetsDocument,
)
from ibgateway_api.reports import ExecutorReport
from ibgateway_executor.intake import examples, rebalance_examples
from ibgateway_executor.intake.docs_page import HEADERS, docs_page
from ibgateway_executor.intake.problems import KINDS, MEDIA_TYPE

GATE_OPERATION: Final = "get_gate"
_REF: Final = "#/components/schemas/{model}"
_UNNAMED: Final[frozenset[type[BaseModel]]] = frozenset(
    {ProblemDocument, OrderChange, RebalanceChange, GateDocument, StreamEnd}
)
"""Documents that are no route's whole answer."""
_COMMON: Final = (
    "Unauthorized",
    "UnknownHost",
    "TooManyRequests",
    "InvalidRequest",
    "InternalError",
)
_BODY: Final = ("LengthRequired", "TooLarge", "MalformedRequest", "UnsupportedMediaType")
_TEXT: Final = {"schema": {"type": "string"}}
_NUMBER: Final = {"schema": {"type": "integer"}}
_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Location": {"description": "The order's own path.", **_TEXT, "example": "/v1/orders/4be1"},
    "Link": {
        "description": 'The following page, `rel="next"`; not there on the last one.',
        **_TEXT,
        "example": '</v1/orders?limit=100&cursor=MTAwLTQ0>; rel="next"',
    },
    "Retry-After": {"description": "Seconds.", **_NUMBER, "example": 5},
    "WWW-Authenticate": {"description": "What is missing.", **_TEXT, "example": "Bearer"},
    "RateLimit": {
        "description": "What is left, and in how many seconds there is more.",
        **_TEXT,
        "example": '"address";r=0;t=1',
    },
    "RateLimit-Policy": {
        "description": "Requests in so many seconds.",
        **_TEXT,
        "example": '"address";q=30000;w=30',
    },
}
_PROBLEM_HEADERS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    409: ("Retry-After",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}


@dataclass(frozen=True, kw_only=True)
class AnswerKind:
    """One answer that is no error: what it means, its document, and an example of it."""

    meaning: str
    model: type[BaseModel] | None
    """None: text."""
    example: Any
    headers: tuple[str, ...] = ()
    media_type: str = "application/json"


@dataclass(frozen=True, kw_only=True)
class RouteAnswers:
    """What a route answers: by status, and the codes of its problems beside the common ones."""

    answers: Mapping[int, AnswerKind]
    problems: tuple[str, ...] = ()
    bodies: Mapping[str, Any] = field(default_factory=dict)
    """Examples of its body, by title."""


def _history(example: Any) -> AnswerKind:
    return AnswerKind(
        meaning="A page of its changes.", model=HistoryPage, example=example, headers=("Link",)
    )


def _order(meaning: str, *headers: str) -> AnswerKind:
    return AnswerKind(meaning=meaning, model=OrderDocument, example=examples.ORDER, headers=headers)


def _rebalance(meaning: str, *headers: str) -> AnswerKind:
    return AnswerKind(
        meaning=meaning,
        model=RebalanceDocument,
        example=rebalance_examples.REBALANCE,
        headers=headers,
    )


_PAUSED: Final = AnswerKind(
    meaning="How it stands now.", model=PauseDocument, example=examples.PAUSED
)
OPERATIONS: Final[Mapping[str, RouteAnswers]] = {
    "place_order": RouteAnswers(
        answers={
            202: _order("Stored: on disk before this was sent.", "Location"),
            200: _order("The same request was stored before: its order, as it is now.", "Location"),
        },
        problems=(
            *("IdempotencyKeyMissing", "IdempotencyKeyInvalid", "IdempotencyKeyReused"),
            *("RequestInFlight", "UnknownAccount", "ValidityEnded"),
            *("OrderValueLimit", "SymbolNotAllowed", "PriceCollar", "DailyOrderLimit"),
            *("LedgerUnavailable", *_BODY),
        ),
        bodies=examples.ORDER_BODIES,
    ),
    "list_orders": RouteAnswers(
        answers={
            200: AnswerKind(
                meaning="A page of orders.",
                model=OrderPage,
                example={"orders": [examples.ORDER], "next": "MTAwLTQ0MTM2ZmEzNTViMw"},
                headers=("Link",),
            )
        },
    ),
    "get_order": RouteAnswers(answers={200: _order("The order.")}, problems=("NoSuchOrder",)),
    "get_history": RouteAnswers(
        answers={200: _history(examples.HISTORY)}, problems=("NoSuchOrder",)
    ),
    "stream_events": RouteAnswers(
        answers={
            200: AnswerKind(
                meaning="Events `order` (OrderChange), `rebalance` (RebalanceChange), `gate` (GateDocument), `pause` "
                "(PauseDocument) and, as the last one, `closed` (StreamEnd), each with JSON as its data and an `id` to go on from.",
                model=None,
                example=examples.EVENTS,
                media_type="text/event-stream",
            )
        },
        problems=("UnknownEvent", "TooManyStreams"),
    ),
    "list_positions": RouteAnswers(
        answers={
            200: AnswerKind(
                meaning="What IBKR told last.",
                model=PositionPage,
                example=examples.POSITIONS,
                headers=("Link",),
            )
        },
        problems=("BrokerUnavailable",),
    ),
    "get_account": RouteAnswers(
        answers={
            200: AnswerKind(
                meaning="What IBKR told last.", model=AccountDocument, example=examples.ACCOUNT
            )
        },
        problems=("UnknownAccount", "BrokerUnavailable"),
    ),
    "list_executions": RouteAnswers(
        answers={
            200: AnswerKind(
                meaning="What IBKR told last.",
                model=ExecutionPage,
                example=examples.EXECUTIONS,
                headers=("Link",),
            )
        },
        problems=("BrokerUnavailable",),
    ),
    "cancel_order": RouteAnswers(
        answers={
            200: _order("It had not been sent, and is cancelled."),
            202: _order("The broker is asked to cancel it."),
        },
        problems=("NoSuchOrder", "CannotCancel", "LedgerUnavailable"),
    ),
    "replace_order": RouteAnswers(
        answers={
            202: _order(
                "Stored: it is sent once the order that it replaces has ended.", "Location"
            ),
            200: _order("The same request was stored before: its order, as it is now.", "Location"),
        },
        problems=(
            *("IdempotencyKeyMissing", "IdempotencyKeyInvalid", "IdempotencyKeyReused"),
            *("NoSuchOrder", "CannotReplace", "UnknownAccount", "ValidityEnded", "OrderValueLimit"),
            *("PriceCollar", "DailyOrderLimit", "LedgerUnavailable", *_BODY),
        ),
        bodies=examples.REPLACEMENT_BODIES,
    ),
    "resolve_order": RouteAnswers(
        answers={200: _order("As the person resolved it.")},
        problems=("NoSuchOrder", "CannotResolve", "LedgerUnavailable", *_BODY),
        bodies=examples.RESOLUTION_BODIES,
    ),
    "get_pause": RouteAnswers(answers={200: _PAUSED}),
    "pause_trading": RouteAnswers(
        answers={200: _PAUSED},
        problems=("LedgerUnavailable", *_BODY),
        bodies={"before the news": {"by": "R.", "reason": "earnings at four"}},
    ),
    "resume_trading": RouteAnswers(
        answers={200: _PAUSED},
        problems=("LedgerUnavailable", *_BODY),
        bodies={"after the news": {"by": "R."}},
    ),
    "cancel_everything": RouteAnswers(
        answers={
            200: AnswerKind(
                meaning="How many orders of which sort.",
                model=CancelResult,
                example={"cancelled": 3, "asked": 2, "inDoubt": 0},
            )
        },
        problems=("LedgerUnavailable", *_BODY),
        bodies={"everything": {"by": "R."}},
    ),
    "rebalance_account": RouteAnswers(
        answers={
            202: _rebalance("Stored: on disk before this was sent.", "Location"),
            200: AnswerKind(
                meaning="The one of the same request, as it stands; of a dry run its plan.",
                model=RebalanceAnswer,
                example=rebalance_examples.PREVIEW,
                headers=("Location",),
            ),
        },
        problems=(
            *("IdempotencyKeyMissing", "IdempotencyKeyInvalid", "IdempotencyKeyReused"),
            *("UnknownAccount", "UnknownContract", "ForeignCurrency", "NoPrice", "ValidityEnded"),
            *("RebalanceActive", "BrokerUnavailable", "LedgerUnavailable", *_BODY),
        ),
        bodies=rebalance_examples.REBALANCE_BODIES,
    ),
    "get_targets": RouteAnswers(
        answers={
            200: AnswerKind(
                meaning="How the source of targets stands.",
                model=TargetsDocument,
                example=rebalance_examples.TARGETS,
            )
        }
    ),
    "list_rebalances": RouteAnswers(
        answers={
            200: AnswerKind(
                meaning="A page of rebalances.",
                model=RebalancePage,
                example={"rebalances": [rebalance_examples.REBALANCE], "next": None},
                headers=("Link",),
            )
        },
    ),
    "get_rebalance_history": RouteAnswers(
        answers={200: _history(rebalance_examples.HISTORY)}, problems=("NoSuchRebalance",)
    ),
    "get_rebalance": RouteAnswers(
        answers={200: _rebalance("The rebalance.")}, problems=("NoSuchRebalance",)
    ),
    "cancel_rebalance": RouteAnswers(
        answers={
            200: _rebalance("It is cancelled: nothing had been traded, or it was asked before."),
            202: _rebalance("Its open orders are being cancelled, and nothing follows them."),
        },
        problems=("NoSuchRebalance", "CannotCancel", "LedgerUnavailable"),
    ),
    GATE_OPERATION: RouteAnswers(
        answers={
            200: AnswerKind(
                meaning="The gate as the executor sees it.",
                model=ExecutorReport,
                example=examples.GATE,
            )
        },
        problems=("LedgerUnavailable",),
    ),
}
"""By the name of the route's function."""


def describe(app: FastAPI) -> None:
    """Have the application answer `/openapi.json` with all of it; made once, when it is first asked for."""
    made: list[dict[str, Any]] = []

    def document() -> dict[str, Any]:
        if not made:
            made.append(openapi_document(app))
        return made[0]

    method: Callable[[], dict[str, Any]] = document
    app.openapi = method  # type: ignore[method-assign] # FastAPI's documented way


def show_docs(app: FastAPI) -> None:
    """Have the application answer `/docs` with the page of it; made once, when it is first asked for."""
    made: list[str] = []

    async def page(_: Request) -> Response:
        if not made:
            made.append(docs_page(app.openapi()))
        return HTMLResponse(made[0], headers=HEADERS)

    app.add_route("/docs", page, include_in_schema=False)


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the application's routes."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description="Orders in, their state out. Every error is a problem document (RFC 9457).",
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
        tags=None,
        routes=app.routes,
    )
    components = document["components"]
    components["schemas"] = _own(components["schemas"]) | _schemas()
    components["securitySchemes"] = {
        name: {"type": "http", "scheme": "bearer", "description": words}
        for name, words in (
            ("clientToken", "Key `token` of the Secret `<name>-executor-token`."),
            ("agentToken", "The operator's and the sentinel's."),
        )
    }
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation)
    return document


def _own(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Without FastAPI's own form of a validation error, which is never sent."""
    return {name: schema for name, schema in schemas.items() if "ValidationError" not in name}


def _schemas() -> dict[str, Any]:
    kinds = [kind for each in OPERATIONS.values() for kind in each.answers.values()]
    models = {kind.model for kind in kinds if kind.model} | _UNNAMED
    ordered = sorted(models, key=lambda model: model.__name__)
    _, found = models_json_schema(
        [(model, "serialization") for model in ordered], ref_template=_REF
    )
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def _complete(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    told = OPERATIONS.get(name, RouteAnswers(answers={}))
    operation["security"] = [{"agentToken" if name == GATE_OPERATION else "clientToken": []}]
    good = {str(status): _answer(kind) for status, kind in told.answers.items()}
    operation["responses"] = good | _problems({*_COMMON, *told.problems})
    if told.bodies:
        content = operation["requestBody"]["content"]["application/json"]
        content["examples"] = _examples(told.bodies)
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in examples.PARAMETERS:
            parameter["example"] = examples.PARAMETERS[parameter["name"]]


def _answer(kind: AnswerKind) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=kind.model.__name__)} if kind.model else {"type": "string"}
    content = {"schema": schema, "example": kind.example}
    headers = {"headers": {name: _HEADERS[name] for name in kind.headers}} if kind.headers else {}
    return {"description": kind.meaning, **headers, "content": {kind.media_type: content}}


def _problems(codes: Iterable[str]) -> dict[str, Any]:
    """By status; each code of it is an example."""
    ordered = [code for code in KINDS if code in set(codes)]
    by_status = groupby(sorted(ordered, key=lambda c: KINDS[c].status), lambda c: KINDS[c].status)
    return {str(status): _problem(status, list(found)) for status, found in by_status}


def _problem(status: int, codes: list[str]) -> dict[str, Any]:
    documents = {code: examples.problem_example(code) for code in codes}
    headers = {name: _HEADERS[name] for name in _PROBLEM_HEADERS.get(status, ())}
    return {
        "description": "; ".join(KINDS[code].title for code in codes) + ".",
        **({"headers": headers} if headers else {}),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": _REF.format(model=ProblemDocument.__name__)},
                "examples": _examples(documents),
            }
        },
    }


def _examples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in values.items()}
