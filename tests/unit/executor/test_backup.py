"""Copies of the ledger: taken beside a store that works, checked, pruned, and put back at the next start."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from executor_fakes import NOON, ManualClock, accept, entry
from ibgateway_executor.errors import BackupError, StartRefusedError
from ibgateway_executor.ledger import backup
from ibgateway_executor.ledger.backup_record import BackupRecord
from ibgateway_executor.ledger.sqlite import SqliteStore, open_sqlite
from ibgateway_executor.metrics import ExecutorMetrics

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backup"
    made.mkdir()
    return made


def ids(path: Path) -> list[str]:
    store = open_sqlite(path)
    store.stamp("paper")
    found = [order.id for order in store.active()]
    store.close()
    return found


def test_a_copy_has_what_was_committed_and_the_store_works_on(
    store: SqliteStore, tmp_path: Path, folder: Path
) -> None:
    accept(store, entry("a"))
    made = backup.back_up(tmp_path / "ledger.db", folder, keep=7, now=NOON)
    accept(store, entry("b"))
    assert made.name == "ledger-20261123T170000Z.db"
    assert list(folder.iterdir()) == [made]
    assert ids(made) == ["a"]
    assert [order.id for order in store.active()] == ["a", "b"]


def test_only_the_newest_copies_are_kept_and_nobody_elses_files_are_touched(
    store: SqliteStore, tmp_path: Path, folder: Path
) -> None:
    (folder / "ledger-by-hand.db").touch()
    for day in range(5):
        backup.back_up(tmp_path / "ledger.db", folder, keep=3, now=NOON + day * DAY)
    assert sorted(path.name for path in folder.iterdir()) == [
        "ledger-20261125T170000Z.db",
        "ledger-20261126T170000Z.db",
        "ledger-20261127T170000Z.db",
        "ledger-by-hand.db",
    ]


def test_a_ledger_that_began_anew_takes_no_older_ones_copies_away(
    store: SqliteStore, tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = backup.back_up(tmp_path / "ledger.db", folder, keep=2, now=NOON)
    for name in ("a", "b"):
        accept(store, entry(name))
    kept = backup.back_up(tmp_path / "ledger.db", folder, keep=2, now=NOON + DAY)
    anew = open_sqlite(tmp_path / "anew.db")
    anew.stamp("paper")
    accept(anew, entry("c"))
    made = [
        backup.back_up(tmp_path / "anew.db", folder, keep=2, now=NOON + day * DAY)
        for day in (2, 3, 4)
    ]
    assert backup.copies(folder) == [kept, *made[1:]]
    assert first not in backup.copies(folder)
    words = "the ledger has taken fewer orders (1) than copies of it know of: those are kept"
    assert [words in record.message for record in caplog.records] == [True, True]
    assert kept.name in caplog.text
    for name in ("d", "e"):
        accept(anew, entry(name))
    last = backup.back_up(tmp_path / "anew.db", folder, keep=2, now=NOON + 5 * DAY)
    assert backup.copies(folder) == [made[2], last]
    anew.close()


def test_a_copy_that_can_not_be_made_leaves_the_others_and_no_half_one(
    store: SqliteStore, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backup.back_up(tmp_path / "ledger.db", folder, keep=1, now=NOON)

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_synced", full)
    with pytest.raises(BackupError, match="No space left on device"):
        backup.back_up(tmp_path / "ledger.db", folder, keep=1, now=NOON + DAY)
    assert list(folder.iterdir()) == [first]


def test_without_a_ledger_it_says_so(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(BackupError, match="see that there is a ledger"):
        backup.back_up(tmp_path / "none.db", folder, keep=1, now=NOON)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(b"not a database" * 1000),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(
            path.read_bytes()[:8192] + b"\xff" * 4096 + path.read_bytes()[12288:]
        ),
    ],
    ids=["no database", "empty", "not there", "cut off", "a torn page"],
)
def test_what_is_no_whole_ledger_is_not_put_back(
    store: SqliteStore, tmp_path: Path, folder: Path, harm: Callable[[Path], object]
) -> None:
    made = backup.back_up(tmp_path / "ledger.db", folder, keep=7, now=NOON)
    harm(made)
    with pytest.raises(BackupError, match="is no"):
        backup.stage(made, tmp_path / "ledger.db", NOON)
    assert not backup.staged_copy(tmp_path / "ledger.db").exists()


def test_a_restored_copy_is_the_ledger_from_the_next_start_on_and_the_old_one_is_kept(
    store: SqliteStore, tmp_path: Path, folder: Path
) -> None:
    ledger = tmp_path / "ledger.db"
    accept(store, entry("a"))
    made = backup.back_up(ledger, folder, keep=7, now=NOON)
    accept(store, entry("b"))
    backup.stage(made, ledger, NOON)
    assert [order.id for order in store.active()] == ["a", "b"], "not before the next start"
    file = store._file.driver
    file.execute("PRAGMA wal_autocheckpoint=0")
    accept(store, entry("c"))
    left = {suffix: Path(f"{ledger}{suffix}").read_bytes() for suffix in ("", "-wal")}
    store.close()
    for suffix, content in left.items():
        Path(f"{ledger}{suffix}").write_bytes(content)
    backup.put_in_place(ledger)
    assert ids(ledger) == ["a"]
    assert ids(tmp_path / "ledger.db.replaced-20261123T170000Z") == ["a", "b", "c"]
    backup.put_in_place(ledger)
    assert ids(ledger) == ["a"]


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_a_start_that_was_killed_in_the_middle_of_it_goes_on(
    store: SqliteStore, tmp_path: Path, folder: Path, moved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = tmp_path / "ledger.db"
    accept(store, entry("a"))
    made = backup.back_up(ledger, folder, keep=7, now=NOON)
    accept(store, entry("b"))
    backup.stage(made, ledger, NOON)
    left = {suffix: Path(f"{ledger}{suffix}").read_bytes() for suffix in ("", "-wal", "-shm")}
    store.close()
    for suffix, content in left.items():
        Path(f"{ledger}{suffix}").write_bytes(content)
    replace = Path.replace
    done: list[Path] = []

    def killed(path: Path, target: str | Path) -> Path:
        if len(done) == moved:
            raise KeyboardInterrupt
        done.append(path)
        return replace(path, target)

    with monkeypatch.context() as dying:
        dying.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            backup.put_in_place(ledger)
    backup.put_in_place(ledger)
    assert ids(ledger) == ["a"]
    (kept,) = tmp_path.glob("ledger.db.replaced-*Z")
    assert ids(kept) == ["a", "b"], "the old ledger and its journal have one name"
    assert restored_numbers(ledger) == {backup.NUMBERS_APART}, "numbered anew once"


def restored_numbers(ledger: Path) -> set[int]:
    """How far apart a restored copy numbers orders, rebalances and events, to the nearest billion."""
    with closing(sqlite3.connect(ledger)) as file:
        rows = file.execute("SELECT seq FROM sqlite_sequence WHERE name <> 'sightings'")
        return {round(seq, -9) for (seq,) in rows}


def test_pages_that_were_read_before_a_restore_go_on_without_a_hole(
    store: SqliteStore, tmp_path: Path, folder: Path
) -> None:
    """A cursor is the last sequence that was seen: no later order of the restored copy may have a lower one."""
    ledger = tmp_path / "ledger.db"
    accept(store, entry("a"))
    made = backup.back_up(ledger, folder, keep=7, now=NOON)
    for name in "bcd":
        accept(store, entry(name))
    seen = store.page(after=0, limit=9)[-1].sequence
    store.close()
    backup.stage(made, ledger, NOON)
    backup.put_in_place(ledger)
    restored = open_sqlite(ledger)
    accept(restored, entry("e"))
    assert [order.id for order in restored.page(after=seen, limit=9)] == ["e"]
    restored.close()
    later = backup.back_up(ledger, folder, keep=7, now=NOON + DAY)
    assert [backup.orders_taken(copy) for copy in (made, later)] == [1, 2]


def test_a_restored_copy_sends_nothing_before_a_person_has_looked(
    store: SqliteStore, tmp_path: Path, folder: Path
) -> None:
    """An order that was cancelled after the copy was taken waits in it again."""
    ledger = tmp_path / "ledger.db"
    accept(store, entry("a"))
    store.mark_written(NOON)
    backup.stage(backup.back_up(ledger, folder, keep=7, now=NOON), ledger, NOON + SECOND)
    assert store.paused() is None, "not before the next start"
    store.close()
    backup.put_in_place(ledger)
    restored = open_sqlite(ledger)
    pause = restored.paused()
    assert pause is not None
    assert (pause.by, pause.since) == ("a restore", NOON + SECOND)
    assert "written last at 2026-11-23T17:00:00" in pause.reason
    restored.close()


def test_a_ledger_whose_last_words_are_in_its_journal_is_put_back_with_them(
    store: SqliteStore, tmp_path: Path
) -> None:
    """That of an executor that was killed: what a restore has put aside is such a one, and may be wanted back."""
    ledger, kept = tmp_path / "ledger.db", tmp_path / "ledger.db.replaced-20261123T170000Z"
    accept(store, entry("a"))
    store._file.driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    accept(store, entry("b"))
    for suffix in ("", "-wal"):
        Path(f"{kept}{suffix}").write_bytes(Path(f"{ledger}{suffix}").read_bytes())
    store.close()
    backup.stage(kept, ledger, NOON + SECOND)
    backup.put_in_place(ledger)
    assert ids(ledger) == ["a", "b"]


def test_a_copy_that_has_no_room_beside_the_ledger_leaves_none_of_it_there(
    store: SqliteStore, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = tmp_path / "ledger.db"
    made = backup.back_up(ledger, folder, keep=7, now=NOON)

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_synced", full)
    with pytest.raises(BackupError, match="free its volume"):
        backup.stage(made, ledger, NOON)
    assert [path.name for path in tmp_path.glob("ledger.db.*")] == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("trading-mode", "live", "is of a live gateway, and the ledger here of a paper one"),
        ("schema-version", "9999", "is of a newer version of the executor"),
    ],
)
def test_a_copy_with_which_the_executor_would_not_start_is_not_laid_beside_the_ledger(
    store: SqliteStore, tmp_path: Path, folder: Path, name: str, value: str, words: str
) -> None:
    """Its container would end at each start, and nothing could be run in it to take the copy back."""
    made = backup.back_up(tmp_path / "ledger.db", folder, keep=7, now=NOON)
    with closing(sqlite3.connect(made)) as file, file:
        file.execute("UPDATE facts SET value = ? WHERE name = ?", (value, name))
    with pytest.raises(BackupError, match=words):
        backup.stage(made, tmp_path / "ledger.db", NOON)
    assert not backup.staged_copy(tmp_path / "ledger.db").exists()


def test_a_damaged_ledger_may_be_replaced(store: SqliteStore, tmp_path: Path, folder: Path) -> None:
    accept(store, entry("a"))
    ledger = tmp_path / "ledger.db"
    made = backup.back_up(ledger, folder, keep=7, now=NOON)
    store.close()
    ledger.write_bytes(b"not a database" * 1000)
    backup.stage(made, ledger, NOON)
    backup.put_in_place(ledger)
    assert ids(ledger) == ["a"]


def test_an_old_journal_is_not_taken_for_that_of_the_next_copy(
    store: SqliteStore, tmp_path: Path, folder: Path
) -> None:
    """Of a `restore` that was killed while it wrote."""
    ledger = tmp_path / "ledger.db"
    accept(store, entry("a"))
    earlier = backup.back_up(ledger, folder, keep=7, now=NOON)
    accept(store, entry("b"))
    made = backup.back_up(ledger, folder, keep=7, now=NOON + DAY)
    store.close()
    part, left = tmp_path / "ledger.db.part", tmp_path / "ledger.db.part-journal"
    part.write_bytes(earlier.read_bytes())
    with closing(sqlite3.connect(part, isolation_level=None)) as file:
        for statement in (
            "PRAGMA cache_size=1",
            "PRAGMA cache_spill=1",
            "BEGIN",
            "DELETE FROM jobs",
            "UPDATE facts SET value = hex(zeroblob(99999))",
        ):
            file.execute(statement)
        journal = left.read_bytes()
    left.write_bytes(journal)
    backup.stage(made, ledger, NOON)
    backup.put_in_place(ledger)
    assert ids(ledger) == ["a", "b"]


def test_the_next_events_of_a_restored_copy_have_numbers_that_were_never_told(
    store: SqliteStore, tmp_path: Path, folder: Path
) -> None:
    """Else who has heard the lost ones goes on after them, and hears nothing of what has their numbers now."""
    ledger = tmp_path / "ledger.db"
    accept(store, entry("a"))
    backup.stage(backup.back_up(ledger, folder, keep=7, now=NOON), ledger, NOON)
    for name in "bcd":
        accept(store, entry(name))
    told = store.newest_line()
    store.close()
    backup.put_in_place(ledger)
    restored = open_sqlite(ledger)
    accept(restored, entry("e"))
    assert [line.position > told for line in restored.lines(after=0, limit=9)] == [False, True]
    assert restored.newest_line() == backup.NUMBERS_APART + 2
    restored.close()


def test_a_volume_that_takes_no_writing_is_one_clear_line(
    store: SqliteStore, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = tmp_path / "ledger.db"
    backup.stage(backup.back_up(ledger, folder, keep=7, now=NOON), ledger, NOON)

    def refused(_: Path, __: str | Path) -> Path:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(StartRefusedError, match="Read-only file system"):
        backup.put_in_place(ledger)


async def test_a_copy_is_taken_when_the_newest_is_old_enough(
    store: SqliteStore, tmp_path: Path, folder: Path
) -> None:
    time, done = ManualClock(), asyncio.Event()
    looks: list[int] = []

    async def sleep(_: float) -> None:
        looks.append(len(backup.copies(folder)))
        if len(looks) == 6:
            done.set()
            await asyncio.Event().wait()
        time.advance(6 * 3600)

    task = asyncio.create_task(
        backup.keep_backups(
            tmp_path / "ledger.db",
            folder,
            every=timedelta(hours=12),
            keep=9,
            clock=time.clock,
            record=BackupRecord(timedelta(hours=12)),
            metrics=ExecutorMetrics(),
            sleep=sleep,
        )
    )
    await done.wait()
    task.cancel()
    assert looks == [1, 1, 2, 2, 3, 3]


def test_a_copy_of_a_clock_that_was_ahead_puts_off_no_other_one(
    store: SqliteStore, tmp_path: Path, folder: Path
) -> None:
    ahead = backup.back_up(tmp_path / "ledger.db", folder, keep=1, now=NOON + 365 * DAY)
    assert backup.newest_copy(folder, NOON) is None
    made = backup.back_up(tmp_path / "ledger.db", folder, keep=1, now=NOON)
    assert backup.newest_copy(folder, NOON) == NOON
    assert backup.copies(folder) == [made, ahead], "what was just made is never pruned"


async def test_a_folder_that_is_away_ends_nothing(
    store: SqliteStore, tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.rmdir()  # noqa: ASYNC240 - at once
    done, record, counted = asyncio.Event(), BackupRecord(DAY), ExecutorMetrics()
    problems: list[str] = []

    async def sleep(_: float) -> None:
        problems.append(record.problem(NOON))
        if folder.is_dir():  # noqa: ASYNC240 - at once
            done.set()
            await asyncio.Event().wait()
        folder.mkdir()  # noqa: ASYNC240 - at once

    task = asyncio.create_task(
        backup.keep_backups(
            tmp_path / "ledger.db",
            folder,
            every=DAY,
            keep=9,
            clock=ManualClock().clock,
            record=record,
            metrics=counted,
            sleep=sleep,
        )
    )
    await done.wait()
    task.cancel()
    away, well = problems
    assert ("No such file or directory" in away, well) == (True, "")
    assert record.newest == NOON
    assert counted.registry.get_sample_value("ibgateway_executor_backup_failures_total") == 1
    assert "No such file or directory" in caplog.text
    assert len(backup.copies(folder)) == 1


def test_a_copy_is_a_file_of_its_own(store: SqliteStore, tmp_path: Path, folder: Path) -> None:
    made = backup.back_up(tmp_path / "ledger.db", folder, keep=7, now=NOON)
    with sqlite3.connect(made) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    file.close()


@pytest.mark.parametrize(
    ("newest", "old"),
    [(NOON - DAY, False), (NOON - DAY - HOUR, False), (NOON - DAY - HOUR - SECOND, True)],
)
def test_a_copy_that_is_an_hour_older_than_it_should_be_is_too_old(
    newest: datetime, old: bool
) -> None:
    record = BackupRecord(DAY)
    assert record.problem(NOON) == ""
    record.made(newest)
    said = record.problem(NOON)
    assert said.startswith("the newest copy of the ledger is of 2026-11-22T15:59:59") == old
    assert bool(said) == old


def test_where_none_are_taken_nothing_is_wrong() -> None:
    assert BackupRecord(None, NOON - DAY).problem(NOON) == ""


def test_a_folder_that_never_answers_is_told_an_hour_after_the_start() -> None:
    record = BackupRecord(DAY, NOON)
    assert record.problem(NOON + HOUR) == ""
    assert "see that its folder answers" in record.problem(NOON + HOUR + SECOND)
    record.made(NOON)
    assert record.problem(NOON + HOUR + SECOND) == ""


def test_what_failed_is_told_until_a_copy_is_there() -> None:
    record = BackupRecord(DAY)
    record.failed("no room")
    assert record.problem(NOON) == "no room"
    record.made(NOON)
    assert record.problem(NOON) == ""


def test_the_newest_copy_is_found_by_its_name(folder: Path) -> None:
    assert backup.newest_copy(folder, NOON) is None
    for name in ("ledger-20261123T170000Z.db", "ledger-20261122T170000Z.db", "ledger-2.part"):
        (folder / name).touch()
    assert backup.newest_copy(folder, NOON) == NOON
