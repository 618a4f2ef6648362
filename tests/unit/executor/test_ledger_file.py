"""A ledger on a disk that takes no writing when the executor starts: what is there is shown, nothing is done."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor_fakes import (
    NOON,
    CountingWakeup,
    HookedStore,
    ManualClock,
    accept,
    entry,
    open_hooked,
)
from ibgateway_executor.errors import LedgerUnavailableError, StartRefusedError
from ibgateway_executor.ledger.engine import LedgerFile
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.sqlite import SqliteStore, open_sqlite
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.order import OrderState

AT_THE_DISK = "the ledger can't be used"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with one order that was on its way, closed in good order."""
    path = tmp_path / "ledger.db"
    store = open_hooked(path)
    accept(store, entry("a"))
    store.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    store.close()
    return path


@pytest.fixture
def full(path: Path) -> Iterator[Path]:
    """No room for the files beside it: a folder stands where SQLite would make one."""
    shm = Path(f"{path}-shm")
    shm.mkdir()
    yield shm
    if shm.exists():
        shm.rmdir()


def made(store: SqliteStore) -> Ledger:
    return Ledger(
        store, clock=ManualClock().clock, metrics=ExecutorMetrics(), changed=CountingWakeup()
    )


async def test_a_full_disk_at_the_start_leaves_the_orders_to_be_read(
    path: Path, full: Path
) -> None:
    ledger = made(open_sqlite(path))
    with pytest.raises(LedgerUnavailableError, match=AT_THE_DISK):
        await ledger.begin("paper")
    found = await ledger.find("a")
    assert found is not None
    assert found.state is OrderState.SENDING
    assert len(await ledger.page(after=0, limit=9, state="Sending")) == 1
    with pytest.raises(LedgerUnavailableError, match=AT_THE_DISK):
        await ledger.accept(entry("b"))
    with pytest.raises(LedgerUnavailableError, match=AT_THE_DISK):
        await ledger.mark_written()
    assert AT_THE_DISK in ledger.problem
    os.rmdir(full)  # noqa: PTH106 - at once
    await ledger.mark_written()
    assert ledger.problem == ""
    assert [(o.id, o.state.value) for o in await ledger.page(after=0, limit=9, state=None)] == [
        ("a", "Unknown")
    ]
    assert [order.state.value for order in ledger.active.sent.values()] == ["Unknown"]
    assert (await ledger.accept(entry("b")))[1]
    assert (await ledger.find("b")) is not None
    ledger.close()


async def test_nothing_is_written_or_reserved_before_the_start_is_done(path: Path) -> None:
    store = HookedStore(LedgerFile(path))
    store._file.driver.execute("PRAGMA query_only=ON")
    ledger = made(store)
    with pytest.raises(LedgerUnavailableError):
        await ledger.begin("paper")
    store._file.driver.execute("PRAGMA query_only=OFF")
    with pytest.raises(LedgerUnavailableError):
        await ledger.accept(entry("b"))
    with pytest.raises(LedgerUnavailableError):
        await ledger.advance("a", lambda order: order)
    with pytest.raises(LedgerUnavailableError):
        await ledger.reserve("a", client_id=17, next_valid_id=1)
    with pytest.raises(LedgerUnavailableError):
        await ledger.claim(("DU1234567",))
    with pytest.raises(LedgerUnavailableError):
        await ledger.archive(NOON)
    found = await ledger.find("a")
    assert found is not None
    assert found.state is OrderState.SENDING
    await ledger.mark_written()
    assert (await ledger.accept(entry("b")))[1]
    ledger.close()


def test_a_journal_that_was_left_is_never_passed_over(path: Path, full: Path) -> None:
    full.rmdir()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE jobs SET state = 'Unknown'")
        other.commit()
        copy = path.with_name("copy.db")
        shutil.copy(path, copy)
        shutil.copy(f"{path}-wal", f"{copy}-wal")
    other.close()
    Path(f"{copy}-shm").mkdir()
    store = open_sqlite(copy)
    seen = store.find("a")
    Path(f"{copy}-shm").rmdir()
    store.stamp("paper")
    found = store.find("a")
    assert seen is not None
    assert found is not None
    assert (seen.state.value, found.state.value) == ("Unknown", "Unknown")
    store.close()


def test_a_file_that_is_damaged_is_refused_also_where_it_is_opened_later(
    path: Path, full: Path
) -> None:
    store = open_sqlite(path)
    full.rmdir()
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StartRefusedError, match="restore the volume"):
        store.stamp("paper")


def test_a_ledger_is_not_written_by_a_start_that_changes_nothing(path: Path) -> None:
    store = open_sqlite(path)
    store.stamp("paper")
    store.close()
    before = path.read_bytes()
    again = open_sqlite(path)
    again.stamp("paper")
    assert Path(f"{path}-wal").stat().st_size == 0, "a full disk has no room for it"
    again.close()
    assert path.read_bytes() == before
