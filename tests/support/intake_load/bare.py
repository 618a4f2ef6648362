"""`python -m intake_load.bare LEDGER COUNT`: like rows into a ledger, a commit each, and nothing else.

The limit of whoever answers one after the other: Python's sqlite3 with WAL and synchronous=FULL, or psycopg where LEDGER is no
SQLite file but one with a database's URL; the executor's tables with their indexes. Prints one line of JSON.
"""

import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from intake_load.figures import LoadFigures
from intake_load.stored import rows

Insert = Callable[[dict[str, Any]], None]
"""Commits one row."""


def main(path: str, count: int) -> LoadFigures:
    """The figures of `count` commits."""
    made = list(rows((f"bare-{n}" for n in range(count)), waiting=True, now=datetime.now(UTC)))
    names = list(made[0])
    sqlite = path.endswith(".db")
    holes = ", ".join(f":{name}" if sqlite else f"%({name})s" for name in names)
    statement = f"INSERT INTO jobs ({', '.join(names)}) VALUES ({holes})"  # noqa: S608 - our own columns
    insert = _sqlite(path, statement) if sqlite else _postgres(path, statement)
    took = []
    begin, cpu = time.perf_counter(), time.process_time()
    for row in made:
        at = time.perf_counter()
        insert(row)
        took.append(time.perf_counter() - at)
    return LoadFigures.of(took, seconds=time.perf_counter() - begin, cpu=time.process_time() - cpu)


def _sqlite(path: str, statement: str) -> Insert:
    file = sqlite3.connect(path, isolation_level=None)
    file.execute("PRAGMA journal_mode=WAL")
    file.execute("PRAGMA synchronous=FULL")

    def insert(row: dict[str, Any]) -> None:
        file.execute("BEGIN IMMEDIATE")
        file.execute(statement, row)
        file.execute("COMMIT")

    return insert


def values(row: dict[str, Any]) -> dict[str, str | None]:
    """As text: the database knows what its columns are."""
    return {name: None if value is None else str(value) for name, value in row.items()}


def _postgres(path: str, statement: str) -> Insert:
    """One statement is one transaction: autocommit spares two round trips."""
    session = psycopg.connect(Path(path).read_text(encoding="utf-8"), autocommit=True)

    def insert(row: dict[str, Any]) -> None:
        session.execute(statement.encode(), values(row), prepare=True)

    return insert


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])).to_json())
