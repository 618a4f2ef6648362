"""Pages of orders: `GET /v1/orders`, its filters and its cursor.

A cursor is the last order that was seen, by its place in the order of acceptance. Orders only ever come behind it, and one that is
archived meanwhile is missing from a later page, not counted twice nor skipped over.
"""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic.alias_generators import to_camel

from ibgateway_executor.intake.body import OrderRoute
from ibgateway_executor.intake.cursors import LARGEST_PAGE, Cursor, PageQuery
from ibgateway_executor.intake.schema import Moment, order_document
from ibgateway_executor.intake.services import Services
from ibgateway_executor.orders.order import OrderState

ID: Final = re.compile("[!-~]{1,64}")
"""Nothing else is an order's id, nor a rebalance's; not every database can be asked for every text."""
PATH: Final = "/v1/orders"

router = APIRouter(route_class=OrderRoute)


@dataclass(frozen=True, kw_only=True)
class OrderFilter:
    """Which orders are asked for; empty and None leave the choice open."""

    state: OrderState | None = None
    account: str = ""
    symbol: str = ""
    client_reference: str = ""
    since: datetime | None = None
    newest_first: bool = False
    """No filter, but a cursor of the one way means nothing in the other."""

    def parameters(self) -> dict[str, str]:
        """As they stand in a query, one text for each meaning."""
        since = self.since and self.since.astimezone(UTC).isoformat()
        said = {**asdict(self), "since": since, "newest_first": "true" if self.newest_first else ""}
        return {to_camel(name): str(value) for name, value in said.items() if value}


@router.get(PATH)
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
    newest_first: Annotated[bool, Query(alias="newestFirst")] = False,
    cursor: Cursor = "",
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 100,
) -> dict[str, Any]:
    """Orders, oldest first, or with `newestFirst=true` the other way round. `next` is the cursor of the following page, null on the last one.

    A cursor goes with the filters and the direction of its first page. The header Link has the following page's address.
    """
    wanted = OrderFilter(
        state=state,
        account=account,
        symbol=symbol,
        client_reference=client_reference,
        since=since,
        newest_first=newest_first,
    )
    query = PageQuery(PATH, wanted.parameters())
    found = await services.ledger.page(
        after=query.sequence(cursor),
        limit=limit + 1,
        state=state.value if state else None,
        account=account,
        symbol=symbol,
        client_reference=client_reference,
        since=since,
        newest_first=newest_first,
    )
    page, follows = query.page(found, limit, response, lambda order: order.sequence)
    return {"orders": [order_document(order) for order in page], "next": follows}
