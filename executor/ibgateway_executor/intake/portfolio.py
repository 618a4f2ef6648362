"""What the accounts hold, are worth and have traded, as IBKR told it last, and when that was.

These routes answer while the gate is closed too: `problem` then says why the answer is not of now, `asOf` how old it is.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.body import OrderRoute
from ibgateway_executor.intake.schema import contract_document
from ibgateway_executor.intake.services import IntakeServices, Services
from ibgateway_executor.orders.portfolio import (
    AccountReport,
    BrokerAnswer,
    ExecutionReport,
    PositionReport,
)

Account = Annotated[str, Query(pattern=r"^([A-Z]{1,3}[0-9]{3,12})?$")]

router = APIRouter(route_class=OrderRoute)


@router.get("/v1/positions")
async def list_positions(services: Services, account: Account = "") -> dict[str, Any]:
    """What the accounts hold, or one of them; no position of 0."""
    answer = await services.broker_answers.positions()
    rows = [row for row in answer.value if account in ("", row.account)]
    return _aged(answer) | {"positions": [position_document(row) for row in rows]}


@router.get("/v1/account")
async def get_account(services: Services, account: Account = "") -> dict[str, Any]:
    """An account's values; it may be left out where there is exactly one."""
    answer = await services.broker_answers.account(_one(services, account))
    return _aged(answer) | account_document(answer.value)


@router.get("/v1/executions")
async def list_executions(services: Services, account: Account = "") -> dict[str, Any]:
    """What was executed since midnight in New York, by whomever, oldest first."""
    answer = await services.broker_answers.executions()
    rows = sorted(
        (row for row in answer.value if account in ("", row.account)), key=lambda row: row.at
    )
    return _aged(answer) | {"executions": [execution_document(row) for row in rows]}


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
