"""A ledger's file after a power loss, and after its disk has lied: nothing acknowledged is lost, or the start is refused."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from executor_fakes import accept, entry
from ibgateway_executor.errors import LedgerUnavailableError, StartRefusedError
from ibgateway_executor.ledger.sqlite import SqliteStore, open_sqlite

NAMES = [f"a{number}" for number in range(40)]


@pytest.fixture
def killed(store: SqliteStore, tmp_path: Path) -> Path:
    """The files as a kill left them, with commits in the journal that are not in the database yet."""
    for name in NAMES:
        accept(store, entry(name))
    folder = tmp_path / "killed"
    folder.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{tmp_path / 'ledger.db'}{suffix}", folder)
    return folder / "ledger.db"


def found(path: Path) -> list[str]:
    store = open_sqlite(path)
    store.stamp("paper")
    ids = [order.id for order in store.active()]
    store.close()
    return ids


@pytest.mark.parametrize(
    "tail",
    [
        lambda wal: wal + b"\0" * 4120,
        lambda wal: wal + b"\xff" * 1000,
        lambda wal: wal + wal[32 : 32 + 4120],
        lambda wal: wal + wal[-4120:-2000],
    ],
    ids=["zeros", "half a page", "an old page again", "the last page begun again"],
)
def test_a_tail_that_was_never_committed_is_passed_over(
    killed: Path, tail: Callable[[bytes], bytes]
) -> None:
    journal = Path(f"{killed}-wal")
    journal.write_bytes(tail(journal.read_bytes()))
    assert found(killed) == NAMES


def test_a_journal_that_is_cut_off_ends_with_a_whole_commit(killed: Path) -> None:
    journal = Path(f"{killed}-wal")
    journal.write_bytes(journal.read_bytes()[:-6000])
    ids = found(killed)
    assert ids == NAMES[: len(ids)]
    assert 0 < len(ids) < len(NAMES)


def test_a_torn_page_is_refused_and_nothing_is_written(killed: Path) -> None:
    with sqlite3.connect(killed) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'jobs'").fetchone()[0]
    file.close()
    content = bytearray(killed.read_bytes())
    content[(page - 1) * 4096 + 100 : page * 4096] = b"\xa5" * 3996
    killed.write_bytes(content)
    with pytest.raises(StartRefusedError, match="restore the volume from a copy"):
        open_sqlite(killed)
    assert killed.read_bytes() == bytes(content)


def test_a_volume_that_goes_read_only_refuses_what_is_new_and_shows_what_is_there(
    store: SqliteStore,
) -> None:
    accept(store, entry("a"))
    store._file.driver.execute("PRAGMA query_only=ON")
    with pytest.raises(LedgerUnavailableError, match="see that it is mounted and writable"):
        accept(store, entry("b"))
    assert store.find("a") is not None
    store._file.driver.execute("PRAGMA query_only=OFF")
    assert accept(store, entry("b")).new
