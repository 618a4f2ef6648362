"""Accounts, clock and ledger: what must agree before an order is sent."""

from dataclasses import replace

import pytest

from ibgateway_api.accounts import TradingMode
from ibgateway_executor.broker.connection_state import ConnectionState, objections

GOOD = ConnectionState(
    connected=True,
    accounts=("DU1234567",),
    ledger_accounts=("DU1234567",),
    skew=0.2,
    reconciled=True,
)


def test_a_full_proof_has_no_objections() -> None:
    assert objections(GOOD, TradingMode.PAPER, ()) == ()


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
    first = objections(proof, TradingMode.PAPER, ())[0]
    assert first.reason == reason
    assert words in first.message
