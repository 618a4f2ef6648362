"""The SQLite file itself: opened, checked, and what to do where that fails."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy import event as engine_event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from ibgateway_executor.errors import LedgerUnavailableError, StartRefusedError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.migration import create

_CONNECT: dict[str, Any] = {"check_same_thread": False, "isolation_level": None}


class LedgerFile:
    """One file: a connection that writes, and one beside it that only reads and waits for no writer.

    The disk may be full or read-only when the process starts. What writes is then opened once it can be; until
    then what is on the disk is read as it is. One thread writes; looks are taken one after the other.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opening, self._looking = threading.Lock(), threading.Lock()
        self._writer: Engine | None = None
        self._driver: sqlite3.Connection | None = None
        self._reader: Engine | None = None

    @property
    def engine(self) -> Engine:
        """What writes. LedgerUnavailableError while the disk forbids it, StartRefusedError for a damaged file."""
        with self._opening:
            if self._writer is None:
                self._writer = _opened(self._path)
            return self._writer

    @property
    def driver(self) -> sqlite3.Connection:
        """sqlite3's own connection, the only one of `engine`."""
        if self._driver is None:
            self._driver = cast(sqlite3.Connection, self.engine.raw_connection().driver_connection)
        return self._driver

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that has the file's write lock from its beginning."""
        with _told(), self.engine.begin() as connection:
            yield connection

    def session(self, _: Connection) -> sqlite3.Connection:
        """The only connection is in the transaction of `writing`."""
        return self.driver

    @contextmanager
    def direct(self) -> Iterator[sqlite3.Connection]:
        """The same for statements of sqlite3's own. LedgerUnavailableError where it could not be written; then nothing was."""
        file = self.driver
        try:
            file.execute("BEGIN IMMEDIATE")
            yield file
            file.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise LedgerUnavailableError(unavailable(str(error))) from error
        finally:
            if file.in_transaction:
                file.execute("ROLLBACK")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A look at what has been committed. While nothing can write, nothing begins to in the middle of it."""
        with _told(), ExitStack() as stack:
            stack.enter_context(self._looking)
            if self._writer is None:
                stack.enter_context(self._opening)
                engine = _reader(self._path, self._as_it_is())
                stack.callback(engine.dispose)
            else:
                self._reader = engine = self._reader or _reader(self._path, "mode=ro")
            yield stack.enter_context(engine.begin())

    def close(self) -> None:
        """Release the file."""
        for engine in (self._reader, self._writer):
            if engine is not None:
                engine.dispose()

    def _as_it_is(self) -> str:
        """Without its journal beside it the file is complete, and as long as nobody writes it stays so.

        Then SQLite need not make files to coordinate with a writer, which a full disk has no room for.
        """
        complete = self._writer is None and not _size(Path(f"{self._path}-wal"))
        return "mode=ro&immutable=1" if complete else "mode=ro"


def holds_orders(path: Path) -> bool:
    """Whether there is a ledger already."""
    return _size(path) > 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise LedgerUnavailableError(unavailable(str(error.orig))) from error


def _reader(path: Path, options: str) -> Engine:
    def connect() -> sqlite3.Connection:
        file: sqlite3.Connection = sqlite3.connect(
            f"file:{quote(str(path))}?{options}", uri=True, **_CONNECT
        )
        return file

    engine = create_engine("sqlite://", poolclass=StaticPool, creator=connect)
    engine_event.listen(engine, "begin", _begin_reading)
    return engine


def _opened(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", poolclass=StaticPool, connect_args=_CONNECT)
    engine_event.listen(engine, "connect", _prepare)
    engine_event.listen(engine, "begin", _begin)
    with _released(engine), _told():
        _check(engine, path)
    return engine


@contextmanager
def _released(engine: Engine) -> Iterator[None]:
    """A failed opening leaves no connection: SQLite would take what it has seen of the file for all later ones."""
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


def _check(engine: Engine, path: Path) -> None:
    try:
        with engine.begin() as connection:
            verdict = connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
            if verdict != "ok":
                raise StartRefusedError(_damaged(path, str(verdict)))
            if not inspect(connection).has_table(tables.facts.name):
                create(connection)
    except OperationalError:
        raise
    except DatabaseError as error:
        raise StartRefusedError(_damaged(path, str(error.orig))) from error


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


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _damaged(path: Path, detail: str) -> str:
    return (
        f"the ledger {path.name} can't be used ({detail}): orders would be lost or sent twice, so the "
        "executor does not start; restore the volume from a copy"
    )
