"""Accounts, clock and ledger: what must agree before an order is sent."""

from dataclasses import replace

import pytest

from ibgateway_executor.broker.connection_state import ConnectionState, objections
from ibgateway_executor.orders.accounts import account_problem

GOOD = ConnectionState(
    connected=True,
    accounts=("DU1234567",),
    ledger_accounts=("DU1234567",),
    skew=0.2,
    reconciled=True,
)


@pytest.mark.parametrize(
    ("mode", "accounts", "expected", "problem"),
    [
        ("paper", ["DU1"], [], ""),
        ("paper", ["DU1"], ["DU1"], ""),
        ("paper", ["DU1", "DU2"], ["DU1"], ""),
        ("live", ["U1"], ["U1"], ""),
        ("paper", [], [], "the broker told no account"),
        ("paper", ["U1"], [], "the gateway is in paper mode but is logged in to U1"),
        ("live", ["DU1"], ["DU1"], "the gateway is in live mode but is logged in to DU1"),
        ("live", ["U1"], [], "live trading needs spec.executor.accounts"),
        ("live", ["U1", "DU1"], ["U1"], "is logged in to DU1"),
        ("paper", ["DU1"], ["DU2"], "expected DU2, but the login has DU1"),
    ],
)
def test_mode_and_accounts_must_agree(
    mode: str, accounts: list[str], expected: list[str], problem: str
) -> None:
    found = account_problem(mode, accounts, expected)
    assert problem in found
    assert bool(found) is bool(problem)


def test_a_full_proof_has_no_objections() -> None:
    assert objections(GOOD, "paper", ()) == ()


@pytest.mark.parametrize(
    ("proof", "reason", "words"),
    [
        (ConnectionState(detail="326"), "NotReconciled", "no connection to the gateway: 326"),
        (replace(GOOD, reconciled=False), "NotReconciled", "asked about earlier orders"),
        (replace(GOOD, skew=None), "NotReconciled", "asked about earlier orders"),
        (
            replace(GOOD, link_lost=True, reconciled=False, detail="1100: lost"),
            "NotReconciled",
            "has lost IBKR: 1100: lost",
        ),
        (replace(GOOD, skew=5.1), "ClockSkew", "+5 s off IBKR's"),
        (replace(GOOD, skew=-60), "ClockSkew", "-60 s off IBKR's"),
        (replace(GOOD, accounts=("U1",)), "UnexpectedAccount", "paper mode but is logged in to U1"),
        (
            replace(GOOD, ledger_accounts=("DU9",)),
            "UnexpectedAccount",
            "a ledger volume of its own",
        ),
    ],
)
def test_each_missing_piece_is_named(proof: ConnectionState, reason: str, words: str) -> None:
    first = objections(proof, "paper", ())[0]
    assert first.reason == reason
    assert words in first.message
