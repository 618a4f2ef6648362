"""What has been proven over the connection to the gateway, and what still forbids sending. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from ibgateway_api.accounts import TradingMode, account_problem
from ibgateway_api.clock_skew import SKEW_LIMIT_SECONDS
from ibgateway_api.gate import GateReason


@dataclass(frozen=True)
class ConnectionState:
    """The state of one connection; the default is none.

    `skew` is our clock minus IBKR's in seconds, None before it was asked. `ledger_accounts` are the
    accounts the ledger is stamped with. `detail` is what went wrong last, for a person.
    """

    connected: bool = False
    link_lost: bool = False
    accounts: tuple[str, ...] = ()
    ledger_accounts: tuple[str, ...] = ()
    skew: float | None = None
    reconciled: bool = False
    detail: str = ""


@dataclass(frozen=True)
class Objection:
    """One reason not to send, in words for a person."""

    reason: GateReason
    message: str


def objections(
    state: ConnectionState, mode: TradingMode, expected: Iterable[str]
) -> tuple[Objection, ...]:
    """Every reason not to send, most important first; empty when all is proven."""
    if not state.connected:
        return (_unproven(f"no connection to the gateway{_tail(state)}"),)
    found: list[Objection] = []
    wrong = wrong_account(state, mode, expected)
    if wrong:
        found.append(Objection(GateReason.UNEXPECTED_ACCOUNT, wrong))
    if state.skew is not None and abs(state.skew) > SKEW_LIMIT_SECONDS:
        text = f"this clock is {state.skew:+.0f} s off IBKR's: set the node's clock right"
        found.append(Objection(GateReason.CLOCK_SKEW, text))
    if state.link_lost:
        found.append(_unproven(f"the gateway has lost IBKR{_tail(state)}"))
    elif state.skew is None or not state.reconciled:
        found.append(_unproven(f"the broker is being asked about earlier orders{_tail(state)}"))
    return tuple(found)


def wrong_account(state: ConnectionState, mode: TradingMode, expected: Iterable[str]) -> str:
    """Why this login must not be traded on, empty when it may."""
    problem = account_problem(mode, state.accounts, expected)
    if problem:
        return problem
    foreign = [a for a in state.ledger_accounts if a not in state.accounts]
    if foreign:
        return (
            f"the ledger belongs to {', '.join(state.ledger_accounts)} and the login has "
            f"{', '.join(state.accounts)}: give this gateway a ledger volume of its own"
        )
    return ""


def _unproven(message: str) -> Objection:
    return Objection(GateReason.NOT_RECONCILED, message)


def _tail(state: ConnectionState) -> str:
    return f": {state.detail}" if state.detail else ""
