"""The ledger as a dead executor has left it, in SQLite or in PostgreSQL."""

import sqlite3
from typing import Final, Protocol

from crash_campaign.deaths import StoredOrder
from executor_world import ExecutorWorld
from postgres_server import PostgresServer

DATABASE: Final = "campaign"
_ORDERS: Final = "SELECT id, order_ref, state, order_id FROM jobs"
_DOUBTED: Final = """
SELECT count(*), sum(CASE WHEN resolution <> '' OR state = 'Unknown' THEN 1 ELSE 0 END) FROM jobs
WHERE sequence IN (SELECT order_sequence FROM order_history WHERE state = 'Unknown')
"""


class StoredLedger(Protocol):
    """Read while no executor has it open, or in a copy."""

    def orders(self) -> list[StoredOrder]:
        """All of them; none where the tables have not been made."""

    def doubts(self) -> tuple[int, int]:
        """How many orders have ever been Unknown; how many of them are parked, or were resolved by a person."""


class SqliteLedger:
    """In the executor's data folder, read in a copy: the next executor finds it untouched."""

    def __init__(self, here: ExecutorWorld) -> None:
        self._executor = here.executor

    def orders(self) -> list[StoredOrder]:
        """All of them."""
        try:
            return [StoredOrder(*row) for row in self._executor.stored(_ORDERS)]
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise

    def doubts(self) -> tuple[int, int]:
        """How many orders have been in doubt, and how many of them are a person's."""
        [(ever, parked)] = self._executor.stored(_DOUBTED)
        return ever, parked or 0


class PostgresLedger:
    """In a server of the campaign's own."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def orders(self) -> list[StoredOrder]:
        """All of them."""
        if not self._server.execute("SELECT 1 FROM pg_tables WHERE tablename = 'jobs'", DATABASE):
            return []
        return [StoredOrder(*row) for row in self._server.execute(_ORDERS, DATABASE)]

    def doubts(self) -> tuple[int, int]:
        """How many orders have been in doubt, and how many of them are a person's."""
        [(ever, parked)] = self._server.execute(_DOUBTED, DATABASE)
        return ever, parked or 0
