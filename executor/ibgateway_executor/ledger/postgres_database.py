"""The ledger's tables in PostgreSQL: one session that writes and holds the lock, one that reads.

The session that writes is made anew when it breaks, later and later. Nothing is written before it has the lock and
the database holds what this process wrote last (`fence`).
"""

import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.pool import StaticPool

from ibgateway_executor.errors import LedgerUnavailableError, StartRefusedError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.fence import LedgerFence
from ibgateway_executor.ledger.migration import create
from ibgateway_executor.ledger.postgres_url import read_url, without_secrets
from ibgateway_executor.ledger.session import RowRefusedError

logger = logging.getLogger(__name__)

Raw = psycopg.Connection[tuple[Any, ...]]

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 10.0
_AWAY: Final = (psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError)
_SESSION: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
    "target_session_attrs": "read-write",
}
"""A peer that is gone is noticed within seconds, and a standby is no place to write; the URL may say otherwise."""
_PRIMARY: Final = ("read-write", "primary")
_SETTINGS: Final = (
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 3",
    "SET tcp_keepalives_count = 3",
    "SET default_transaction_isolation = 'read committed'",
)
"""The server lets go of the lock of a session whose machine is gone as soon."""
_KEY: Final = "hashtextextended('ibgateway ledger ' || current_schema(), 0)"
_LOCK: Final = f"SELECT pg_try_advisory_lock({_KEY})"
_HOLDER: Final = f"""
SELECT a.application_name, a.client_addr::text, a.backend_start::text
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND ((l.classid::bigint << 32) | l.objid::bigint) = {_KEY}
"""  # noqa: S608 - our own words


_NEEDED: Final = {
    "synchronous_commit": "switch it on, as in ALTER DATABASE ... SET synchronous_commit = on",
    "fsync": "use a server that has it on",
}


class PostgresSession:
    """Statements with a ? for each value, in the transaction of a connection."""

    def __init__(self, connection: Raw) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
        """Run a statement. RowRefusedError for a value that the database can't take."""
        try:
            return self._connection.execute(_translated(statement), [_text(v) for v in values])
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            raise RowRefusedError(error.diag.message_primary or type(error).__name__) from None


class PostgresDatabase:
    """One ledger in one database. `url` is the file with its URL; `monotonic` a clock in seconds."""

    def __init__(self, url: Path, monotonic: Callable[[], float]) -> None:
        self._url = url
        self._monotonic = monotonic
        self._fence = LedgerFence()
        self._writer: Engine | None = None
        self._reader: Engine | None = None
        self._sessions: dict[Engine, Raw] = {}
        self._made = self._read_since = 0
        """How many sessions that write there were, and with which of them the one that reads began."""
        self._pause = FIRST_PAUSE_SECONDS
        self._not_before = float("-inf")
        self._problem: LedgerUnavailableError | None = None

    def open(self) -> None:
        """Have the lock and the tables.

        LedgerUnavailableError while the database is away or another executor holds the ledger, StartRefusedError where
        it would lose what it has confirmed.
        """
        self._engine()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction behind the fence, and in which nobody else writes."""
        with self._told(), self._engine().begin() as connection:
            self._fence.check(self.session(connection))
            yield connection
        self._fence.passed()

    @contextmanager
    def direct(self) -> Iterator[PostgresSession]:
        """The same, for statements as text."""
        with self.writing() as connection:
            yield self.session(connection)

    def session(self, connection: Connection) -> PostgresSession:
        """The transaction of `writing`, for statements as text."""
        return PostgresSession(_raw(connection))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A look at what has been committed; it needs no lock."""
        reader = self._reader = self._reading()
        try:
            with reader.begin() as connection:
                yield connection
        except (*_AWAY, DBAPIError) as error:
            self._reader = None
            self._discard(reader)
            raise self._unavailable(error) from None

    def _reading(self) -> Engine:
        """The session that reads. After a failover the one before may be at a server that gets nothing new any more."""
        made, reader = self._made, self._reader
        if reader is not None and self._read_since == made:
            return reader
        if reader is not None:
            self._reader = None
            self._discard(reader)
        self._read_since = made
        return self._connecting("reader")

    def close(self) -> None:
        """Release the lock and the sessions."""
        for engine in (self._reader, self._writer):
            if engine is not None:
                self._discard(engine)

    def _discard(self, engine: Engine) -> None:
        """Also a session that SQLAlchemy has given up already."""
        with suppress(*_AWAY, DBAPIError):
            engine.dispose()
        if (session := self._sessions.pop(engine, None)) is not None:
            with suppress(*_AWAY):
                session.close()

    def _engine(self) -> Engine:
        if self._writer is None:
            if self._problem is not None and self._monotonic() < self._not_before:
                raise type(self._problem)(str(self._problem))
            try:
                self._writer = self._opened()
            except LedgerUnavailableError as error:
                self._problem = error
                self._not_before = self._monotonic() + self._pause
                self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
                raise
            self._pause, self._problem = FIRST_PAUSE_SECONDS, None
            self._made += 1
        return self._writer

    def _opened(self) -> Engine:
        engine, first = self._connecting("writer"), not self._fence.taken
        try:
            with self._translating(), engine.begin() as connection:
                raw = _raw(connection)
                for statement in _SETTINGS:
                    raw.execute(statement)
                _check_durable(raw)
                _lock(raw)
                if not inspect(connection).has_table(tables.facts.name):
                    create(connection)
                self._fence.take(PostgresSession(raw))
        except BaseException as error:
            if first:
                self._fence.dropped()
            self._discard(engine)
            if isinstance(error, (psycopg.ProgrammingError, ProgrammingError)):
                raise StartRefusedError(
                    f"the ledger's database does not do what is asked ({_words(error)}): the URL's user must own its schema"
                ) from None
            raise
        return engine

    def _connecting(self, kind: str) -> Engine:
        def connect() -> Raw:
            url = read_url(self._url)
            name = f"ibgateway-executor {kind} {socket.gethostname()}"
            try:
                made = psycopg.connect(_session_of(url, name))
            except (psycopg.ProgrammingError, ValueError):
                raise StartRefusedError(
                    "the URL in the Secret of spec.executor.database.postgresSecretRef can't be read: signs such as @ / : % in "
                    "its password are written as %40 %2F %3A %25"
                ) from None
            except psycopg.Error as error:
                raise self._unavailable(error) from None

            self._sessions[engine] = made
            return made

        engine = create_engine(
            "postgresql+psycopg://", poolclass=StaticPool, creator=connect, use_native_hstore=False
        )
        return engine

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A session that broke is given up; its successor takes the lock first."""
        try:
            with self._translating():
                yield
        except LedgerUnavailableError:
            writer, self._writer = self._writer, None
            if writer is not None:
                self._discard(writer)
            raise

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except _AWAY as error:
            raise self._unavailable(error) from None
        except DBAPIError as error:
            if not isinstance(error.orig, _AWAY):
                raise
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> LedgerUnavailableError:
        try:
            told = without_secrets(_words(error), read_url(self._url))
        except (LedgerUnavailableError, StartRefusedError):
            told = type(error).__name__
        return LedgerUnavailableError(
            f"the ledger's database can't be used ({' '.join(told.split())}): see that PostgreSQL runs, takes connections and has room"
        )


def _session_of(url: str, name: str) -> str:
    """What the URL asks for, and what it leaves open. StartRefusedError for several hosts of which a standby would do."""
    asked = {word: str(value) for word, value in conninfo_to_dict(url).items()}
    several = any("," in asked.get(word, "") for word in ("host", "hostaddr"))
    if several and asked.get("target_session_attrs", _PRIMARY[0]) not in _PRIMARY:
        raise StartRefusedError(
            "the URL of spec.executor.database.postgresSecretRef names several hosts and its target_session_attrs takes one that can't be "
            "written: leave it out, or say read-write"
        )
    return make_conninfo(**{**_SESSION, "application_name": name[:63], **asked})


def _words(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    return said or str(cause)


def _raw(connection: Connection) -> Raw:
    return cast(Raw, connection.connection.driver_connection)


def _check_durable(raw: Raw) -> None:
    """A commit that is confirmed before it is on disk would lose orders."""
    for name, mend in _NEEDED.items():
        row = raw.execute(f"SHOW {name}").fetchone()
        if row is not None and row[0] == "off":
            raise StartRefusedError(
                f"the ledger's database has {name} = off and would forget what it has confirmed: {mend}"
            )
    row = raw.execute("SELECT pg_is_in_recovery()").fetchone()
    if row is not None and row[0]:
        raise LedgerUnavailableError(
            "the ledger's database is a standby and takes no writing: let the URL lead to the primary, as with "
            "target_session_attrs=read-write"
        )


def _lock(raw: Raw) -> None:
    row = raw.execute(_LOCK).fetchone()
    if row is not None and row[0]:
        return
    holder = raw.execute(_HOLDER).fetchone()
    who = f" ({holder[0]}, {holder[1] or 'local'}, since {holder[2]})" if holder else ""
    raise LedgerUnavailableError(
        f"another executor holds this ledger{who}: only one may run at a time; this one goes on when the other has ended"
    )


@cache
def _translated(statement: str) -> bytes:
    return statement.replace("%", "%%").replace("?", "%s").encode()


def _text(value: Any) -> Any:
    """PostgreSQL takes every text but one with a NUL, which the broker's words may have."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value
