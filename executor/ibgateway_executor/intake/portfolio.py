"""What the accounts hold, are worth and have traded, as IBKR told it last, and when that was.

These routes answer while the gate is closed too: `problem` then says why the answer is not of now, `asOf` how old it is.
"""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Response

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.body import OrderRoute
from ibgateway_executor.intake.cursors import LARGEST_PAGE, Cursor, PageQuery
from ibgateway_executor.intake.schema import contract_document
from ibgateway_executor.intake.services import IntakeServices, Services
from ibgateway_executor.orders.portfolio import (
    AccountReport,
    BrokerAnswer,
    ExecutionReport,
    PositionReport,
)

T = TypeVar("T")

PageSize = Annotated[int | None, Query(ge=1, le=LARGEST_PAGE)]
Account = Annotated[str, Query(pattern=r"^([A-Z]{1,3}[0-9]{3,12})?$")]

router = APIRouter(route_class=OrderRoute)


@router.get("/v1/positions")
async def list_positions(
    services: Services,
    response: Response,
    account: Account = "",
    cursor: Cursor = "",
    limit: PageSize = None,
) -> dict[str, Any]:
    """What the accounts hold, or one of them, by account and contract; no position of 0. All of it where no `limit` is given."""
    query = PageQuery("/v1/positions", {"account": account} if account else {})
    answer = await services.broker_answers.positions()
    rows = [row for row in answer.value if account in ("", row.account)]
    page, follows = _page(rows, _position_place, query, cursor, limit=limit, response=response)
    return _aged(answer) | {"positions": [position_document(r) for r in page], "next": follows}


@router.get("/v1/account")
async def get_account(services: Services, account: Account = "") -> dict[str, Any]:
    """An account's values; it may be left out where there is exactly one."""
    answer = await services.broker_answers.account(_one(services, account))
    return _aged(answer) | account_document(answer.value)


@router.get("/v1/executions")
async def list_executions(
    services: Services,
    response: Response,
    account: Account = "",
    cursor: Cursor = "",
    limit: PageSize = None,
) -> dict[str, Any]:
    """What was executed since midnight in New York, by whomever, oldest first. All of it where no `limit` is given."""
    query = PageQuery("/v1/executions", {"account": account} if account else {})
    answer = await services.broker_answers.executions()
    rows = [row for row in answer.value if account in ("", row.account)]
    page, follows = _page(rows, _execution_place, query, cursor, limit=limit, response=response)
    return _aged(answer) | {"executions": [execution_document(r) for r in page], "next": follows}


def _page(
    rows: Sequence[T],
    place: Callable[[T], str],
    query: PageQuery,
    cursor: str,
    *,
    limit: int | None,
    response: Response,
) -> tuple[Sequence[T], str | None]:
    """Of rows that are in no ledger: in the order of their places, those beyond the cursor's."""
    after = query.place(cursor) if cursor else ""
    found = [row for row in sorted(rows, key=place) if place(row) > after]
    return query.page(found, len(found) if limit is None else limit, response, place)


def _position_place(row: PositionReport) -> str:
    return f"{row.account}/{row.contract.con_id:019}"


def _execution_place(row: ExecutionReport) -> str:
    return f"{row.at.astimezone(UTC):%Y%m%dT%H%M%S.%f}/{row.exec_id}"


def _one(services: IntakeServices, account: str) -> str:
    known = services.accounts()
    if account and (account in known or not known):
        return account
    if not account and len(known) == 1:
        return known[0]
    names = ", ".join(known) or "none yet: wait for the first login"
    raise OrderRefusedError(422, "UnknownAccount", f"name one of these as account: {names}")


def _aged(answer: BrokerAnswer[Any]) -> dict[str, Any]:
    return {"asOf": answer.at.isoformat(), "problem": answer.problem or None}


def position_document(row: PositionReport) -> dict[str, Any]:
    """One position."""
    return {
        "account": row.account,
        "contract": contract_document(row.contract),
        "quantity": str(row.quantity),
        "averageCost": str(row.average_cost),
    }


def account_document(row: AccountReport) -> dict[str, Any]:
    """An account's values, each in its base currency but for `cash`."""
    values = {
        "netLiquidation": row.net_liquidation,
        "totalCash": row.total_cash,
        "settledCash": row.settled_cash,
        "availableFunds": row.available_funds,
        "buyingPower": row.buying_power,
    }
    return {
        "account": row.account,
        "currency": row.currency,
        "settlement": row.settlement.value,
        **{name: None if value is None else str(value) for name, value in values.items()},
        "cash": {currency: str(value) for currency, value in row.cash.items()},
    }


def execution_document(row: ExecutionReport) -> dict[str, Any]:
    """One execution."""
    return {
        "execId": row.exec_id,
        "at": row.at.isoformat(),
        "account": row.account,
        "contract": contract_document(row.contract),
        "side": row.side.value,
        "quantity": str(row.quantity),
        "price": str(row.price),
        "orderRef": row.order_ref or None,
        "orderId": row.order_id or None,
        "clientId": row.client_id,
        "permId": row.perm_id or None,
    }
