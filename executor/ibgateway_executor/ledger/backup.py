"""Copies of a ledger in SQLite: taken while the executor works, put back at its next start.

A copy is whole when it has its name. What is put back replaces nothing: the ledger that stood there is kept beside it.
"""

import asyncio
import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ibgateway_api.reports import PauseReport
from ibgateway_executor.errors import BackupError, StartRefusedError
from ibgateway_executor.ledger import facts, tables
from ibgateway_executor.ledger.backup_record import BackupRecord
from ibgateway_executor.ledger.rows import instant, text
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 60.0
NUMBERS_APART: Final = 1_000_000_000
"""More than a ledger has numbered since its copy was taken: event ids and cursors that clients have from it are never given again."""
_NUMBERED: Final = (tables.orders.name, tables.rebalances.name, tables.history.name)
_NAME: Final = re.compile(r"ledger-(\d{8}T\d{6}Z)\.db")
_TIME: Final = "%Y%m%dT%H%M%SZ"
_BUSY_SECONDS: Final = 10.0

Sleep = Callable[[float], Awaitable[None]]


def back_up(ledger: Path, folder: Path, *, keep: int, now: datetime) -> Path:
    """A whole copy of the ledger as it is committed now, named by `now`; the newest `keep` of the folder stay.

    So do those that know of more orders than this ledger, which is then another one: what its volume had may be lost.
    BackupError where it can't be made; then no other copy is touched.
    """
    made = folder / f"ledger-{now.astimezone(UTC):{_TIME}}.db"
    part = made.with_suffix(".part")
    try:
        part.unlink(missing_ok=True)
        with closing(_opened(ledger, "mode=ro")) as file:
            file.execute("VACUUM INTO ?", (str(part),))
        check(part)
        _synced(part)
        part.replace(made)
        _synced(folder)
        _prune(_until(copies(folder), now)[:-keep], orders_taken(made))
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise BackupError(
            f"no copy of the ledger could be made in {folder} ({error}): see that there is a ledger, and that the folder is "
            "mounted, writable and has room"
        ) from error
    return made


def orders_taken(ledger: Path) -> int:
    """How many orders a ledger has ever taken, archived ones too; 0 where it can't be read."""
    try:
        with closing(_opened(ledger, "mode=ro&immutable=1")) as file:
            row = file.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
    except sqlite3.Error:
        return 0
    return 0 if row is None else int(row[0]) % NUMBERS_APART


def _prune(old: list[Path], taken: int) -> None:
    """Remove the copies that the ledger's newest one replaces."""
    more = {copy for copy in old if orders_taken(copy) > taken}
    for copy in old:
        if copy not in more:
            copy.unlink()
    if more:
        logger.warning(
            "the ledger has taken fewer orders (%s) than copies of it know of: those are kept. Was its volume lost, restore the "
            "newest of them, %s; is it to begin anew, move them away",
            taken,
            max(more).name,
        )


def copies(folder: Path) -> list[Path]:
    """The whole copies in a folder, oldest first."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def check(copy: Path) -> None:
    """BackupError where this is no whole ledger."""
    try:
        alone = "" if _written_ahead(copy).exists() else "&immutable=1"
        with closing(_opened(copy, f"mode=ro{alone}")) as file:
            verdict = file.execute("PRAGMA integrity_check").fetchone()[0]
            mode = file.execute("SELECT value FROM facts WHERE name = ?", (facts.MODE,)).fetchone()
    except sqlite3.Error as error:
        raise BackupError(
            f"{copy} is no ledger ({error}): name a copy that `backup` made"
        ) from error
    if verdict != "ok" or mode is None:
        raise BackupError(f"{copy} is no whole ledger ({verdict}): take an earlier copy")


def stage(copy: Path, ledger: Path, now: datetime) -> None:
    """Have this copy put in the ledger's place at the executor's next start. BackupError where it is none."""
    check(copy)
    _check_fits(copy, ledger)
    part, staged = ledger.with_name(f"{ledger.name}.part"), staged_copy(ledger)
    try:
        _drop(part)
        if _written_ahead(copy).exists():
            with closing(_opened(copy, "mode=ro")) as file:
                file.execute("VACUUM INTO ?", (str(part),))
        else:
            shutil.copyfile(copy, part)
        _mark(part, now)
        part.replace(staged)
        _synced(ledger.parent)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            _drop(part)
        raise BackupError(
            f"the copy can't be laid beside the ledger ({error}): free its volume"
        ) from error


def _check_fits(copy: Path, ledger: Path) -> None:
    """BackupError for a copy with which the next start would be refused: no command could take it back then."""
    mode, version = _stamp(copy)
    here = _stamp(ledger)[0] if ledger.exists() else mode
    if here not in ("", mode):
        raise BackupError(
            f"{copy} is of a {mode} gateway, and the ledger here of a {here} one: name one of its own"
        )
    if version.isdecimal() and int(version) > int(tables.REVISION):
        raise BackupError(
            f"{copy} is of a newer version of the executor ({version}, and this one knows {tables.REVISION}): upgrade first"
        )


def _stamp(ledger: Path) -> tuple[str, str]:
    """Trading mode and schema version; empty where it has none, or can't be read: what is damaged may be replaced by any copy."""
    try:
        with closing(_opened(ledger, "mode=ro")) as file:
            return facts.fact(file, facts.MODE) or "", facts.fact(file, facts.SCHEMA_VERSION) or ""
    except sqlite3.Error:
        return "", ""


def staged_copy(ledger: Path) -> Path:
    """Where a copy waits for the next start."""
    return ledger.with_name(f"{ledger.name}.restore")


def put_in_place(ledger: Path) -> None:
    """At the start, with the ledger's lock: what was staged is the ledger, and what it was is kept, named by when it was staged.

    Interrupted, it goes on at the next start under the same names. StartRefusedError where it can't be done.
    """
    staged = staged_copy(ledger)
    if not staged.exists():
        return
    try:
        kept = ledger.with_name(f"{ledger.name}.replaced-{_staged_at(staged)}")
        for part in ("-wal", "-shm", ""):
            path = Path(f"{ledger}{part}")
            if path.exists():
                path.replace(f"{kept}{part}")
        # Before the copy has the ledger's name: beside it the old journal would be taken for its own.
        _synced(ledger.parent)
        staged.replace(ledger)
        _synced(ledger.parent)
    except (sqlite3.Error, OSError) as error:
        raise StartRefusedError(
            f"the restored ledger can't be put in its place ({error}): see that the volume is mounted and writable"
        ) from error
    logger.warning(
        "the ledger is a restored copy now, and trading is paused until a person resumes it; what it was is kept as %s",
        kept.name,
    )


def _staged_at(staged: Path) -> str:
    """When it was staged, as names have it. An earlier version's `restore` has not marked it."""
    with closing(_opened(staged, "mode=rw")) as file:
        at = facts.fact(file, facts.STAGED)
    if not at:
        _mark(staged, datetime.fromtimestamp(staged.stat().st_mtime, UTC))
        return _staged_at(staged)
    return f"{instant(at).astimezone(UTC):{_TIME}}"


def _mark(staged: Path, now: datetime) -> None:
    """In one transaction: it is known to be a copy, nothing is sent from it before a person has looked, and what it numbers from here
    on has numbers that the ledger before it has given to nothing."""
    with closing(_opened(staged, "mode=rw")) as file:
        file.execute("PRAGMA journal_mode=DELETE")
        with file:
            for table in _NUMBERED:
                _number_anew(file, table)
            facts.set_fact(file, facts.STAGED, text(now))
            facts.set_fact(file, facts.PAUSED, _pause(file, now).to_json())
    _synced(staged)


def _number_anew(file: sqlite3.Connection, table: str) -> None:
    change = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?"
    if file.execute(change, (NUMBERS_APART, table)).rowcount == 0:
        file.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, NUMBERS_APART))


def _pause(file: sqlite3.Connection, now: datetime) -> PauseReport:
    written = facts.fact(file, facts.WRITTEN_AT) or "an unknown time"
    return PauseReport(
        by="a restore",
        reason=f"the ledger is a copy that was written last at {written}: orders that were cancelled after that wait again. Look at "
        "them, cancel what is not wanted any more, then resume",
        since=now,
    )


def _written_ahead(file: Path) -> Path:
    """The part of it that is not in the file yet, where there is one: of a ledger whose executor was killed."""
    return Path(f"{file}-wal")


def _drop(part: Path) -> None:
    """With its journals: an old one beside a new file would be taken for its own."""
    for suffix in ("-journal", "-wal", "-shm", ""):
        Path(f"{part}{suffix}").unlink(missing_ok=True)


async def keep_backups(
    ledger: Path,
    folder: Path,
    *,
    every: timedelta,
    keep: int,
    clock: Clock,
    record: BackupRecord,
    metrics: ExecutorMetrics,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """A copy each time the newest one is older than `every`, for ever. What fails is logged, noted and tried again."""
    while True:
        try:
            newest = await asyncio.to_thread(newest_copy, folder, clock.now())
            if newest is None or newest <= clock.now() - every:
                made = await asyncio.to_thread(back_up, ledger, folder, keep=keep, now=clock.now())
                logger.info("the ledger was copied to %s", made)
                newest = _taken_at(made)
            record.made(newest)
        except (BackupError, OSError) as error:
            logger.error("%s", error)  # noqa: TRY400 - the words say it all
            record.failed(str(error))
            metrics.backup_failed()
        await sleep(LOOK_SECONDS)


def newest_copy(folder: Path, now: datetime) -> datetime | None:
    """When the newest whole copy of a folder was taken; None where there is none.

    One whose name is ahead of `now` was taken while the clock was wrong: it would put off all others until then.
    """
    found = _until(copies(folder), now)
    return _taken_at(found[-1]) if found else None


def _until(found: list[Path], now: datetime) -> list[Path]:
    return [copy for copy in found if _taken_at(copy) <= now]


def _taken_at(copy: Path) -> datetime:
    name = copy.name.removeprefix("ledger-").removesuffix(".db")
    return datetime.strptime(name, _TIME).replace(tzinfo=UTC)


def _opened(path: Path, options: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?{options}", uri=True, timeout=_BUSY_SECONDS)


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
