"""Which accounts may be traded: trading mode, account ids and the spec must agree. Pure.

The one rule for the sentinel, the operator and the executor: every expected account is there, and
every account of the login is of the trading mode. More accounts than expected are fine; they are
not traded.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

PAPER_PREFIX: Final = "D"
"""Paper account ids start with D (DU1234567, DF1234567); live ones never do."""


MOST_NAMED: Final = 10


class TradingMode(StrEnum):
    """Which kind of account the gateway logs in to."""

    PAPER = "paper"
    LIVE = "live"


def account_problem(mode: TradingMode, accounts: Iterable[str], expected: Iterable[str]) -> str:
    """What is wrong with the login's `accounts`, in words; empty when nothing is.

    `expected` are the accounts that may be traded; empty means any in paper mode and none in live.
    """
    found, wanted = sorted(accounts), sorted(expected)
    if not found:
        return "the broker told no account"
    if mode is TradingMode.LIVE and not wanted:
        return "live trading needs spec.executor.accounts: list the accounts that may be traded"
    wrong = [account for account in found if is_paper(account) == (mode is TradingMode.LIVE)]
    if wrong:
        return f"the gateway is in {mode} mode but is logged in to {_listed(wrong)}"
    there = set(found)
    missing = [account for account in wanted if account not in there]
    if missing:
        return f"expected {_listed(missing)}, but the login has {_listed(found)}"
    return ""


def _listed(accounts: Sequence[str]) -> str:
    """As many as a sentence bears."""
    more = len(accounts) - MOST_NAMED
    named = ", ".join(accounts[:MOST_NAMED])
    return f"{named} and {more} more" if more > 0 else named


def is_paper(account: str) -> bool:
    """Whether an account id belongs to a paper account."""
    return account.startswith(PAPER_PREFIX)
