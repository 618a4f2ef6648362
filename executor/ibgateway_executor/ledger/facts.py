"""What the whole ledger is stamped with, within a transaction."""

from typing import Final

from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.session import LedgerSession

MODE: Final = "trading-mode"
ACCOUNTS: Final = "accounts"
HIGHEST_ORDER_ID: Final = "highest-order-id"
SCHEMA_VERSION: Final = "schema-version"
"""For programs that know no revisions: they refuse a ledger by it."""
WRITTEN_AT: Final = "written-at"
DOUBTED: Final = "doubted"
"""Since when the ledger may be a copy, as JSON; empty once the broker has been asked about what it may lack."""
STAGED: Final = "staged"
"""When a person had this copy laid beside a ledger, to be put in its place; empty once it was opened there."""
OWN_SINCE: Final = "own-since"
"""The last start at which it was, or may have been, a copy of an earlier ledger: what was sent before it may have a fate unknown here."""
PAUSED: Final = "paused"
"""A person's pause as JSON; empty after the resume."""

FENCE: Final = "fence"
"""Who wrote last, of what a shared database holds."""

_READ: Final = f"SELECT value FROM {tables.facts.name} WHERE name = ?"  # noqa: S608 - our own name
_WRITE: Final = (
    f"INSERT INTO {tables.facts.name} (name, value) VALUES (?, ?) "  # noqa: S608 - our own name
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


def fact(file: LedgerSession, name: str) -> str | None:
    """Its value; None where it was never set."""
    row = file.execute(_READ, (name,)).fetchone()
    return None if row is None else str(row[0])


def set_fact(file: LedgerSession, name: str, value: str) -> None:
    """From here on it has this value."""
    file.execute(_WRITE, (name, value))
