"""What has been proven over the connection to the gateway, and what still speaks against sending. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ibgateway_api.accounts import TradingMode, account_problem
from ibgateway_api.gate import GateReason

SKEW_LIMIT_SECONDS: Final = 5.0
"""Farther from IBKR's clock than this, sessions and deadlines can't be trusted."""


@dataclass(frozen=True)
class ConnectionState:
    """The state of one connection; the default is none.

    `skew` is our clock minus IBKR's in seconds, None before it was asked. `ledger_accounts` are the
    accounts the ledger is stamped with. `detail` tells a person what went wrong last.
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
    """One reason not to send, and what it means here."""

    reason: GateReason
    message: str


def objections(
    proof: ConnectionState, mode: TradingMode, expected: Iterable[str]
) -> tuple[Objection, ...]:
    """Everything that speaks against sending, most important first; empty when all is proven."""
    if not proof.connected:
        return (_unproven(f"no connection to the gateway{_tail(proof)}"),)
    found: list[Objection] = []
    wrong = wrong_account(proof, mode, expected)
    if wrong:
        found.append(Objection(GateReason.UNEXPECTED_ACCOUNT, wrong))
    if proof.skew is not None and abs(proof.skew) > SKEW_LIMIT_SECONDS:
        text = f"this clock is {proof.skew:+.0f} s off IBKR's: set the node's clock right"
        found.append(Objection(GateReason.CLOCK_SKEW, text))
    if proof.link_lost:
        found.append(_unproven(f"the gateway has lost IBKR{_tail(proof)}"))
    elif proof.skew is None or not proof.reconciled:
        found.append(_unproven(f"the broker is being asked about earlier orders{_tail(proof)}"))
    return tuple(found)


def wrong_account(proof: ConnectionState, mode: TradingMode, expected: Iterable[str]) -> str:
    """Why this login must not be traded on, empty when it may."""
    problem = account_problem(mode, proof.accounts, expected)
    if problem:
        return problem
    foreign = [a for a in proof.ledger_accounts if a not in proof.accounts]
    if foreign:
        return (
            f"the ledger belongs to {', '.join(proof.ledger_accounts)} and the login has "
            f"{', '.join(proof.accounts)}: give this gateway a ledger volume of its own"
        )
    return ""


def _unproven(message: str) -> Objection:
    return Objection(GateReason.NOT_RECONCILED, message)


def _tail(proof: ConnectionState) -> str:
    return f": {proof.detail}" if proof.detail else ""
