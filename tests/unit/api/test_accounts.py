"""The one rule that says which accounts may be traded."""

import pytest

from ibgateway_api.accounts import TradingMode, account_problem


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
    found = account_problem(TradingMode(mode), accounts, expected)
    assert problem in found
    assert bool(found) is bool(problem)
