"""What the control API shows, as JSON, pure; amounts are strings, no view has a password."""

from typing import Any

from ibgateway_simulator.model.api_clients import ApiClientIdentity
from ibgateway_simulator.model.trading import market
from ibgateway_simulator.model.trading.accounts import Account
from ibgateway_simulator.model.trading.audit import OrderArrival
from ibgateway_simulator.model.trading.orders import BookedOrder, Execution
from ibgateway_simulator.model.users import LoginAttempt, LoginSession, Push, User

Json = dict[str, Any]


def user_view(user: User) -> Json:
    """A user without the password."""
    return {
        "name": user.name,
        "account": user.account,
        "accounts": list(user.accounts),
        "modes": list(user.modes),
        "two_factor": user.two_factor,
        "devices": list(user.devices),
    }


def push_view(push: Push) -> Json:
    """A push."""
    return {
        "id": push.id,
        "user": push.user,
        "sent": push.sent.isoformat(),
        "deadline": push.deadline.isoformat(),
        "state": push.state,
        "stacked": push.stacked,
        "orphaned": push.orphaned,
        "answered": push.answered.isoformat() if push.answered else None,
    }


def attempt_view(attempt: LoginAttempt) -> Json:
    """A login attempt."""
    return {
        "id": attempt.id,
        "user": attempt.user,
        "kind": attempt.kind,
        "mode": attempt.mode,
        "gateway": attempt.gateway,
        "at": attempt.at.isoformat(),
        "result": attempt.result,
        "push": attempt.push,
    }


def session_view(session: LoginSession) -> Json:
    """A gateway's session."""
    return {
        "id": session.id,
        "user": session.user,
        "account": session.account,
        "mode": session.mode,
        "gateway": session.gateway,
        "read_only": session.read_only,
        "since": session.since.isoformat(),
        "kicked": session.kicked,
        "link_up": session.link_up,
    }


def client_view(client: ApiClientIdentity) -> Json:
    """A connected API client."""
    return {
        "connection": client.number,
        "client_id": client.client_id,
        "version": client.version,
        "account": client.account,
        "accounts": list(client.accounts),
    }


def order_view(order: BookedOrder) -> Json:
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
        "limit": str(ticket.limit_price),
        "stop": str(ticket.aux_price),
        "con_id": ticket.con_id,
        "outside_rth": ticket.outside_rth,
        "tif": ticket.tif,
        "status": order.status,
        "filled": str(order.filled),
        "average_price": str(order.average_price),
        "reason": order.reason,
        "held": order.held,
        "triggered": order.triggered,
        "commission": str(order.commission),
        "placed": order.placed.isoformat(),
        "completed": order.completed.isoformat() if order.completed else None,
    }


def arrival_view(arrival: OrderArrival) -> Json:
    """One placeOrder as it came in, and what became of it."""
    ticket = arrival.ticket
    return {
        "number": arrival.number,
        "at": arrival.at.isoformat(),
        "connection": arrival.connection,
        "client_id": ticket.client_id,
        "order_id": ticket.order_id,
        "order_ref": ticket.order_ref,
        "account": ticket.account,
        "con_id": ticket.con_id,
        "symbol": ticket.symbol,
        "action": ticket.action,
        "quantity": str(ticket.quantity),
        "order_type": ticket.order_type,
        "limit": str(ticket.limit_price),
        "stop": str(ticket.aux_price),
        "tif": ticket.tif,
        "fate": arrival.fate,
        "perm_id": arrival.perm_id,
    }


def execution_view(execution: Execution) -> Json:
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


def account_view(account: Account) -> Json:
    """Type, cash by currency, what has not settled, and positions by symbol."""
    return {
        "id": account.id,
        "type": account.type,
        "unsettled": {item.on.isoformat(): str(item.amount) for item in account.pending},
        "cash": {currency: str(amount) for currency, amount in account.cash.items()},
        "positions": {
            market.BY_ID[con_id].symbol: {
                "quantity": str(held.quantity),
                "average_cost": str(held.average_cost),
            }
            for con_id, held in account.positions.items()
        },
    }
