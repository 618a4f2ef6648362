"""What the ledger's statements run in, whichever database it is."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from sqlalchemy import Connection


class RowRefusedError(ValueError):
    """The database refuses a row for what stands in it."""


BAD_ROW: Final = (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, ValueError)
"""What a row may be refused with, by the database or on the way to it."""


class LedgerRows(Protocol):
    """What a statement gave; rows are tuples."""

    def __iter__(self) -> Iterator[Any]: ...

    def fetchone(self) -> Any:
        """The next one; None where there is none."""
        ...


class LedgerSession(Protocol):
    """A transaction: statements have a ? for each value. sqlite3's connection is one."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> LedgerRows:
        """Run a statement."""
        ...


class LedgerDatabase(Protocol):
    """Where a store keeps its tables. LedgerUnavailableError of each: it can't be used now, and nothing was written."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction in which nobody else writes."""
        ...

    def direct(self) -> AbstractContextManager[LedgerSession]:
        """The same, for statements as text."""
        ...

    def session(self, connection: Connection) -> LedgerSession:
        """The transaction of `writing`, for statements as text."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """A look at what has been committed; it waits for nobody who writes."""
        ...

    def close(self) -> None:
        """Release it."""
        ...
