"""Pages of orders: `GET /v1/orders`, its filters and its cursor.

A cursor is the last order that was seen, by its place in the order of acceptance. Orders only ever come behind it, and one that is
archived meanwhile is missing from a later page, not counted twice nor skipped over.
"""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic.alias_generators import to_camel

from ibgateway_executor.intake.body import OrderRoute
from ibgateway_executor.intake.schema import Moment, order_document
from ibgateway_executor.intake.services import Services
from ibgateway_executor.orders.order import OrderState

LARGEST_PAGE: Final = 500
LARGEST_SEQUENCE: Final = 2**63 - 1
"""What the ledger can hold."""
LONGEST_CURSOR: Final = 100
ID: Final = re.compile("[!-~]{1,64}")
"""Nothing else is an order's id, nor a rebalance's; not every database can be asked for every text."""
_CURSOR: Final = re.compile(r"([0-9]{1,19})-([0-9a-f]{12})")

router = APIRouter(route_class=OrderRoute)


@dataclass(frozen=True, kw_only=True)
class OrderFilter:
    """Which orders are asked for; empty and None leave the choice open."""

    state: OrderState | None = None
    account: str = ""
    symbol: str = ""
    client_reference: str = ""
    since: datetime | None = None

    def parameters(self) -> dict[str, str]:
        """As they stand in a query, one text for each meaning."""
        since = self.since and self.since.astimezone(UTC).isoformat()
        said = {**asdict(self), "since": since}
        return {to_camel(name): str(value) for name, value in said.items() if value}


@router.get("/v1/orders")
async def list_orders(
    *,
    services: Services,
    response: Response,
    state: OrderState | None = None,
    account: Annotated[str, Query(pattern=r"^([A-Z]{1,3}[0-9]{3,12})?$")] = "",
    symbol: Annotated[str, Query(pattern=r"^([!-~]([ -~]{0,30}[!-~])?)?$")] = "",
    client_reference: Annotated[
        str, Query(alias="clientReference", max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    ] = "",
    since: Annotated[Moment | None, Query(description="Accepted at or after this time.")] = None,
    cursor: Annotated[str, Query(max_length=LONGEST_CURSOR)] = "",
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 100,
) -> dict[str, Any]:
    """Orders, oldest first. `next` is the cursor of the following page, null on the last one.

    A cursor goes with the filters of its first page. The header Link has the following page's address.
    """
    wanted = OrderFilter(
        state=state,
        account=account,
        symbol=symbol,
        client_reference=client_reference,
        since=since,
    )
    found = await services.ledger.page(
        after=read_cursor(cursor, wanted) if cursor else 0,
        limit=limit + 1,
        state=state.value if state else None,
        account=account,
        symbol=symbol,
        client_reference=client_reference,
        since=since,
    )
    page, follows = found[:limit], None
    if len(found) > limit:
        follows = cursor_of(page[-1].sequence, wanted)
        query = urlencode({**wanted.parameters(), "limit": limit, "cursor": follows})
        response.headers["Link"] = f'</v1/orders?{query}>; rel="next"'
    return {"orders": [order_document(order) for order in page], "next": follows}


def cursor_of(sequence: int, wanted: OrderFilter) -> str:
    """What leads to the orders after this one."""
    return base64.urlsafe_b64encode(f"{sequence}-{_digest(wanted)}".encode()).decode().rstrip("=")


def read_cursor(cursor: str, wanted: OrderFilter) -> int:
    """The sequence behind a cursor; RequestValidationError for one that belongs to other filters, or is none."""
    found = _CURSOR.fullmatch(_decoded(cursor))
    if found is None or int(found[1]) > LARGEST_SEQUENCE:
        raise _invalid("give the cursor exactly as `next` had it")
    if found[2] != _digest(wanted):
        raise _invalid("it belongs to other filters: repeat those of the first page")
    return int(found[1])


def _decoded(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _digest(wanted: OrderFilter) -> str:
    said = json.dumps(wanted.parameters(), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _invalid(words: str) -> RequestValidationError:
    return RequestValidationError(
        [{"type": "value_error", "loc": ("query", "cursor"), "msg": words}]
    )
