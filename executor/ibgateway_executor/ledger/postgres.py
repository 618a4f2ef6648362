"""Orders in PostgreSQL. Every method is one transaction, confirmed by the server when it returns.

The statements are those of SQLite. Only one executor writes: it holds a lock of the database as long as its session lives, and each
transaction, so also the one that commits Sending, checks that no other process has written since (`fence`).
"""

from collections.abc import Callable
from pathlib import Path

from ibgateway_executor.ledger.postgres_database import PostgresDatabase
from ibgateway_executor.ledger.sqlite import OrderStore


class PostgresStore(OrderStore):
    """Orders in one database."""

    def __init__(self, database: PostgresDatabase) -> None:
        super().__init__(database)
        self._postgres = database

    def open(self) -> None:
        """Have the ledger for this process; see `PostgresDatabase.open`."""
        self._postgres.open()


def postgres_store(url: Path, monotonic: Callable[[], float]) -> PostgresStore:
    """The store of the database whose URL the file has; nothing is opened by making it."""
    return PostgresStore(PostgresDatabase(url, monotonic))
