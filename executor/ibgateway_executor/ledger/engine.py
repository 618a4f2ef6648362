"""The SQLite file itself: opened, checked, and what to do where that fails."""

import sqlite3
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy import event as engine_event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from ibgateway_executor.errors import StartRefusedError
from ibgateway_executor.ledger import tables

_CONNECT: dict[str, Any] = {"check_same_thread": False, "isolation_level": None}


def opened(path: Path) -> Engine:
    """The file, opened or created; StartRefusedError when it is damaged or can't be written."""
    engine = create_engine(f"sqlite:///{path}", poolclass=StaticPool, connect_args=_CONNECT)
    engine_event.listen(engine, "connect", _prepare)
    engine_event.listen(engine, "begin", _begin)
    try:
        with engine.begin() as connection:
            verdict = connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
            if verdict != "ok":
                raise StartRefusedError(_damaged(path, str(verdict)))
            tables.metadata.create_all(connection)
    except OperationalError as error:
        raise StartRefusedError(unavailable(str(error.orig))) from error
    except DatabaseError as error:
        raise StartRefusedError(_damaged(path, str(error.orig))) from error
    return engine


def driver_connection(engine: Engine) -> sqlite3.Connection:
    """sqlite3's own connection, the only one of this engine."""
    return cast(sqlite3.Connection, engine.raw_connection().driver_connection)


def unavailable(detail: str) -> str:
    """Words for a disk that is full, gone, or read-only."""
    return (
        f"the ledger can't be used ({detail}): free or enlarge its volume, and see that it "
        "is mounted and writable"
    )


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _damaged(path: Path, detail: str) -> str:
    return (
        f"the ledger {path.name} can't be used ({detail}): orders would be lost or sent twice, so the "
        "executor does not start; restore the volume from a copy"
    )
