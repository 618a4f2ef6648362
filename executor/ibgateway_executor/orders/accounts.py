"""Is this the account that was meant? Mode, account ids and the ledger must agree. Pure."""

from collections.abc import Iterable

LIVE = "live"
PAPER_PREFIX = "D"
"""Paper account ids start with D (DU1234567, DF…); live ones never do."""


def account_problem(mode: str, accounts: Iterable[str], expected: Iterable[str]) -> str:
    """What is wrong with the broker's `accounts`, empty when nothing is.

    `expected` are the accounts that may be traded; empty means any in paper mode and none in live.
    """
    found, wanted = sorted(accounts), sorted(expected)
    if not found:
        return "the broker told no account"
    if mode == LIVE and not wanted:
        return "live trading needs spec.executor.accounts: list the accounts that may be traded"
    wrong = [account for account in found if is_paper(account) == (mode == LIVE)]
    if wrong:
        return f"the gateway is in {mode} mode but is logged in to {', '.join(wrong)}"
    missing = [account for account in wanted if account not in found]
    if missing:
        return f"expected {', '.join(missing)}, but the login has {', '.join(found)}"
    return ""


def is_paper(account: str) -> bool:
    """Whether an account id belongs to a paper account."""
    return account.startswith(PAPER_PREFIX)
