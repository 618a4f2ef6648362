"""Empty ledgers, as many as a benchmark asks for."""

import contextlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ibgateway_executor.ledger.postgres import postgres_store
from ibgateway_executor.ledger.sqlite import OrderStore, open_sqlite
from postgres_server import PostgresServer, started

STORES: Final = ("sqlite", "postgres")


@dataclass(frozen=True)
class BenchLedger:
    """One ledger. `url` is the file with the database's URL, None for SQLite's file in `folder`."""

    folder: Path
    url: Path | None

    @property
    def where(self) -> Path:
        """What a program is told to find it by: SQLite's file, or the file with the URL."""
        return self.url or self.folder / "ledger.db"

    def opened(self) -> OrderStore:
        """The executor's store of it."""
        if self.url is None:
            return open_sqlite(self.folder / "ledger.db")
        store = postgres_store(self.url, time.monotonic)
        store.open()
        return store

    def make(self) -> None:
        """The tables of a paper gateway."""
        with contextlib.closing(self.opened()) as store:
            store.stamp("paper")


class BenchStore:
    """Makes ledgers of one kind."""

    def __init__(self, server: PostgresServer | None) -> None:
        self._server = server
        self._numbers = itertools.count(1)

    def ledger(self, folder: Path) -> BenchLedger:
        """A new one whose file, or the file with its URL, is in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        if self._server is None:
            return BenchLedger(folder, None)
        url = folder / "database-url"
        url.write_text(self._server.database(f"bench_{next(self._numbers)}"), encoding="utf-8")
        return BenchLedger(folder, url)


@contextlib.contextmanager
def bench_store(kind: str) -> Iterator[BenchStore]:
    """`kind` is one of `STORES`; a server runs until the block ends."""
    if kind == "sqlite":
        yield BenchStore(None)
        return
    with started() as server:
        yield BenchStore(server)


def named(what: str, kind: str) -> str:
    """A figure's words: those of SQLite, which is the default, stand for themselves."""
    return what if kind == "sqlite" else f"{what} (PostgreSQL)"
