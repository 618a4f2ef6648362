"""What the control API shows, as JSON, pure; amounts are strings, no view has a password."""

from typing import Any

from ibgateway_simulator.model import market
from ibgateway_simulator.model.accounts import Account
from ibgateway_simulator.model.api_clients import ApiClientIdentity
from ibgateway_simulator.model.orders import BookedOrder, Execution
from ibgateway_simulator.model.users import LoginAttempt, LoginSession, Push, User

Json = dict[str, Any]


def user_view(user: User) -> Json:
    """A user without the password."""
    return {
        "name": user.name,
        "account": user.account,
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
        "tif": ticket.tif,
        "status": order.status,
        "filled": str(order.filled),
        "average_price": str(order.average_price),
        "reason": order.reason,
        "held": order.held,
        "placed": order.placed.isoformat(),
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
