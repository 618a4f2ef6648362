"""The API's calls as values: what is sent and how the answer is read. Pure; both clients run them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from ibgateway.client.order_request import OrderRequest
from ibgateway_api.document import Document
from ibgateway_api.executor_documents import (
    AccountDocument,
    CancelResult,
    ExecutionPage,
    HistoryPage,
    OrderDocument,
    OrderPage,
    PauseDocument,
    PositionPage,
)
from ibgateway_api.rebalance_documents import (
    PlannedRebalance,
    RebalanceDocument,
    RebalancePage,
)

T = TypeVar("T")
D = TypeVar("D", bound=Document)
LARGEST_PAGE: Final = 500


class HttpAnswer(NamedTuple):
    """A good answer."""

    status: int
    content: bytes


@dataclass(frozen=True)
class ApiCall(Generic[T]):
    """One request. All of them may be repeated: an order is sent with its caller's key."""

    method: str
    path: str
    read: Callable[[HttpAnswer], T]
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class PlacedOrder(NamedTuple):
    """The order of a key, and whether this request is the one that stored it."""

    order: OrderDocument
    new: bool


class PlacedRebalance(NamedTuple):
    """The rebalance of a key, and whether this request is the one that stored it."""

    run: RebalanceDocument
    new: bool


class OrderQuery(NamedTuple):
    """Which orders are asked for; None leaves the choice open. `since` is the earliest acceptance."""

    state: str | None = None
    account: str | None = None
    symbol: str | None = None
    client_reference: str | None = None
    since: datetime | None = None
    newest_first: bool = False


def place(order: OrderRequest | Mapping[str, Any], key: str) -> ApiCall[PlacedOrder]:
    """Store an order under the caller's key."""
    body = order.document() if isinstance(order, OrderRequest) else dict(order)
    headers = {"Idempotency-Key": key_field(key)}
    return ApiCall("POST", "/v1/orders", _placed, body=body, headers=headers)


def replace(order_id: str, changes: Mapping[str, Any], key: str) -> ApiCall[PlacedOrder]:
    """Cancel an order and send the rest anew, under the caller's key."""
    path = f"{_order_path(order_id)}/replace"
    headers = {"Idempotency-Key": key_field(key)}
    return ApiCall("POST", path, _placed, body=dict(changes), headers=headers)


def place_rebalance(body: Mapping[str, Any], key: str) -> ApiCall[PlacedRebalance]:
    """Trade an account to its target weights, under the caller's key."""
    headers = {"Idempotency-Key": key_field(key)}
    return ApiCall("POST", "/v1/rebalances", _stands, body=dict(body), headers=headers)


def preview(body: Mapping[str, Any]) -> ApiCall[PlannedRebalance]:
    """What a rebalance would do now."""
    read = partial(_document, PlannedRebalance)
    return ApiCall("POST", "/v1/rebalances", read, params={"dryRun": "true"}, body=dict(body))


def get_rebalance(rebalance_id: str) -> ApiCall[RebalanceDocument]:
    """One rebalance."""
    return _get(_rebalance_path(rebalance_id), RebalanceDocument)


def cancel_rebalance(rebalance_id: str) -> ApiCall[RebalanceDocument]:
    """End a rebalance."""
    return ApiCall("DELETE", _rebalance_path(rebalance_id), partial(_document, RebalanceDocument))


def rebalance_page(cursor: str | None) -> ApiCall[RebalancePage]:
    """A page of rebalances."""
    return _get("/v1/rebalances", RebalancePage, {"cursor": cursor} if cursor else {})


def get_order(order_id: str) -> ApiCall[OrderDocument]:
    """One order."""
    return _get(_order_path(order_id), OrderDocument)


def cancel(order_id: str) -> ApiCall[OrderDocument]:
    """Cancel an order, or ask the broker to."""
    return ApiCall("DELETE", _order_path(order_id), partial(_document, OrderDocument))


def resolve(
    order_id: str, outcome: str, note: str, filled_quantity: int | None
) -> ApiCall[OrderDocument]:
    """Say what became of an order in doubt."""
    body: dict[str, Any] = {"outcome": outcome, "note": note}
    if filled_quantity is not None:
        body["filledQuantity"] = filled_quantity
    path = f"{_order_path(order_id)}/resolve"
    return ApiCall("POST", path, partial(_document, OrderDocument), body=body)


def history(order_id: str, cursor: str | None) -> ApiCall[HistoryPage]:
    """A page of an order's changes."""
    return _history(_order_path(order_id), cursor)


def rebalance_history(rebalance_id: str, cursor: str | None) -> ApiCall[HistoryPage]:
    """A page of a rebalance's changes."""
    return _history(_rebalance_path(rebalance_id), cursor)


def order_page(filters: OrderQuery, cursor: str | None, limit: int) -> ApiCall[OrderPage]:
    """A page of orders."""
    said = {
        "state": filters.state,
        "account": filters.account,
        "symbol": filters.symbol,
        "clientReference": filters.client_reference,
        "since": filters.since and filters.since.isoformat(),
        "newestFirst": "true" if filters.newest_first else None,
        "cursor": cursor,
        "limit": str(limit),
    }
    return _get("/v1/orders", OrderPage, {name: value for name, value in said.items() if value})


def positions(account: str | None) -> ApiCall[PositionPage]:
    """What the accounts hold."""
    return _get("/v1/positions", PositionPage, _of(account))


def account_values(account: str | None) -> ApiCall[AccountDocument]:
    """What an account is worth."""
    return _get("/v1/account", AccountDocument, _of(account))


def executions(account: str | None) -> ApiCall[ExecutionPage]:
    """What was executed today."""
    return _get("/v1/executions", ExecutionPage, _of(account))


def get_pause() -> ApiCall[PauseDocument]:
    """Whether trading is paused."""
    return _get("/v1/pause", PauseDocument)


def pause(by: str, reason: str) -> ApiCall[PauseDocument]:
    """Send nothing more."""
    body = {"by": by, "reason": reason}
    return ApiCall("POST", "/v1/pause", partial(_document, PauseDocument), body=body)


def resume(by: str) -> ApiCall[PauseDocument]:
    """Go on."""
    return ApiCall("POST", "/v1/resume", partial(_document, PauseDocument), body={"by": by})


def cancel_all(by: str) -> ApiCall[CancelResult]:
    """Cancel whatever has not ended."""
    return ApiCall("POST", "/v1/cancel-all", partial(_document, CancelResult), body={"by": by})


def key_field(key: str) -> str:
    """The key as a structured field's string (RFC 9651, section 4.1.6)."""
    escaped = key.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _get(path: str, kind: type[D], params: Mapping[str, str] | None = None) -> ApiCall[D]:
    return ApiCall("GET", path, partial(_document, kind), params=params or {})


def _history(path: str, cursor: str | None) -> ApiCall[HistoryPage]:
    params = {"limit": str(LARGEST_PAGE)} | ({"cursor": cursor} if cursor else {})
    return _get(f"{path}/history", HistoryPage, params)


def _document(kind: type[D], answer: HttpAnswer) -> D:
    return kind.model_validate_json(answer.content)


def _placed(answer: HttpAnswer) -> PlacedOrder:
    return PlacedOrder(_document(OrderDocument, answer), answer.status == 202)


def _stands(answer: HttpAnswer) -> PlacedRebalance:
    return PlacedRebalance(_document(RebalanceDocument, answer), answer.status == 202)


def _of(account: str | None) -> dict[str, str]:
    return {"account": account} if account else {}


def _rebalance_path(rebalance_id: str) -> str:
    return f"/v1/rebalances/{quote(rebalance_id, safe='')}"


def _order_path(order_id: str) -> str:
    return f"/v1/orders/{quote(order_id, safe='')}"
