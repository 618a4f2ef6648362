"""Orders, executions and accounts as JSON, pure; numbers are strings."""

from typing import Any

from ibgateway_simulator.model import market
from ibgateway_simulator.model.accounts import Account
from ibgateway_simulator.model.orders import BookedOrder, Execution


def order_view(order: BookedOrder) -> dict[str, Any]:
    """An order with everything a test may assert."""
    ticket = order.ticket
    return {
        "perm_id": order.perm_id,
        "order_id": ticket.order_id,
        "client_id": ticket.client_id,
        "account": ticket.account,
        "order_ref": ticket.order_ref,
        "symbol": ticket.symbol,
        "action": ticket.action,
        "quantity": str(ticket.quantity),
        "order_type": ticket.order_type,
        "limit": str(ticket.limit),
        "tif": ticket.tif,
        "status": order.status,
        "filled": str(order.filled),
        "average_price": str(order.average_price),
        "reason": order.reason,
        "held": order.held,
        "placed": order.placed.isoformat(),
    }


def execution_view(execution: Execution) -> dict[str, Any]:
    """One fill."""
    ticket = execution.ticket
    return {
        "exec_id": execution.exec_id,
        "perm_id": execution.perm_id,
        "order_id": ticket.order_id,
        "client_id": ticket.client_id,
        "account": ticket.account,
        "order_ref": ticket.order_ref,
        "symbol": ticket.symbol,
        "action": ticket.action,
        "quantity": str(execution.quantity),
        "price": str(execution.price),
        "commission": str(execution.commission),
        "at": execution.at.isoformat(),
    }


def account_view(account: Account) -> dict[str, Any]:
    """Cash by currency and positions by symbol."""
    return {
        "id": account.id,
        "cash": {currency: str(amount) for currency, amount in account.cash.items()},
        "positions": {
            market.BY_ID[con_id].symbol: {
                "quantity": str(held.quantity),
                "average_cost": str(held.average_cost),
            }
            for con_id, held in account.positions.items()
        },
    }
