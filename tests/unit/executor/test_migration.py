"""Ledgers of every version that ever was go on in place; see `ledgers/`, each as its version wrote it."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from executor_fakes import NOON, accept, entry, observe
from executor_fakes.revisions import taken_back
from ibgateway_executor.errors import LedgerUnavailableError, StartRefusedError
from ibgateway_executor.ledger import migration, tables
from ibgateway_executor.ledger.engine import LedgerFile
from ibgateway_executor.ledger.sqlite import SqliteStore, open_sqlite
from ibgateway_executor.orders.broker_reports import OrderStatusReport
from ibgateway_executor.orders.resend import resend
from ibgateway_executor.orders.restored import LedgerSnapshot
from ibgateway_executor.rebalance.progress import RebalanceRun, cancel

LEDGERS = Path(__file__).parent / "ledgers"
VERSIONS = sorted(migration.ADOPTED)


def written_by(version: str, tmp_path: Path) -> Path:
    path = tmp_path / f"version-{version}.db"
    with sqlite3.connect(path) as file:
        file.executescript((LEDGERS / f"version-{version}.sql").read_text(encoding="utf-8"))
    file.close()
    return path


def opened(path: Path) -> SqliteStore:
    store = open_sqlite(path)
    store.stamp("paper")
    return store


def schema(path: Path) -> dict[str, set[str]]:
    """Columns, indexes and triggers by table."""
    with sqlite3.connect(path) as file:
        names = [
            row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found = {
            name: {row[1] for row in file.execute(f"PRAGMA table_info({name})")}
            | {row[1] for row in file.execute(f"PRAGMA index_list({name})") if row[3] == "c"}
            | {
                row[0]
                for row in file.execute(
                    "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (name,)
                )
            }
            for name in names
        }
    file.close()
    return found


def revisions() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migration._REVISIONS))
    return config


def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.db"
    opened(path).close()
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_ledger_gets_what_a_new_one_has(version: str, tmp_path: Path) -> None:
    path = written_by(version, tmp_path)
    opened(path).close()
    assert schema(path) == schema(new(tmp_path))
    again = opened(path)
    assert accept(again, entry("new"))[0].sequence == (7 if version == "4" else 4)
    again.close()


def test_revisions_alone_make_what_a_new_ledger_has(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    with engine.begin() as connection:
        config = revisions()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
    assert schema(tmp_path / "made.db") == schema(new(tmp_path))


def test_the_tables_are_those_of_the_last_revision() -> None:
    assert ScriptDirectory.from_config(revisions()).get_heads() == [tables.REVISION]


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_orders_of_an_older_ledger_go_on(version: str, tmp_path: Path) -> None:
    store = opened(written_by(version, tmp_path))
    order = store.find("a")
    assert order is not None
    assert (order.sequence, order.state, order.client_id) == (3, "Working", 17)
    assert (order.order_id, order.perm_id, order.sent_at) == (7, 5, NOON)
    assert (order.filled, order.average_price) == (Decimal(4), Decimal("190.3"))
    words = ("", "") if version == "1" else ("201: no", "giveUp")
    assert (order.broker_message, order.resolution) == words
    told = observe(store, OrderStatusReport(0, 0, 5, "Filled", filled=Decimal(10)), NOON)
    assert told is not None
    assert told.after.state == "Filled"
    accept(store, entry("c"))
    assert store.reserve("c", client_id=17, next_valid_id=1, at=NOON).after.order_id == 8
    store.close()


@pytest.mark.parametrize(("version", "kept"), [("2", 1), ("3", 0)])
def test_sightings_without_a_time_are_as_old_as_the_change(
    version: str, kept: int, tmp_path: Path
) -> None:
    before = datetime.now(UTC)
    store = opened(written_by(version, tmp_path))
    store.forget_sightings(before - timedelta(seconds=1))
    state = accept(store, entry("b"))[0].state
    assert state == ("Filled" if kept else "Accepted")
    store.close()


def test_everything_of_the_last_ledger_without_revisions_is_there(tmp_path: Path) -> None:
    store = opened(written_by("4", tmp_path))
    states = {order.id: order.state.value for order in store.page(after=0, limit=9, state=None)}
    assert states == {
        "a": "Sending",
        "b": "Waiting",
        "c": "Working",
        "e": "Filled",
        "f": "Accepted",
    }
    archived = store.find("d")
    assert archived is not None
    assert archived.state == "Filled"
    assert store.accounts() == ("DU1234567",)
    pause = store.paused()
    assert pause is not None
    assert (pause.by, pause.reason) == ("R.", "earnings")
    assert store.snapshot() == LedgerSnapshot(NOON + timedelta(days=40), 6)
    assert accept(store, entry("lost"))[0].state == "Filled"
    assert [change.after.id for change in store.recover(NOON)] == ["a"]
    store.close()


@pytest.mark.parametrize("version", ["1", "3"])
def test_tables_of_a_newer_program_that_was_refused_are_no_hindrance(
    version: str, tmp_path: Path
) -> None:
    path = written_by(version, tmp_path)
    last = LEDGERS / "version-4.sql"
    statements = last.read_text(encoding="utf-8").split(";\n")
    missing = [s for s in statements if s.startswith(("CREATE TABLE arch", "CREATE INDEX arch"))]
    if version == "1":
        missing += [s for s in statements if s.startswith("CREATE TABLE sightings")]
        missing += [s for s in statements if s.startswith("CREATE INDEX sightings")]
    with sqlite3.connect(path) as file:
        file.executescript(";\n".join(missing))
    file.close()
    opened(path).close()
    assert schema(path) == schema(new(tmp_path))


def test_orders_of_the_last_ledger_without_second_sendings_go_on(tmp_path: Path) -> None:
    path = tmp_path / "revision-0008.db"
    with sqlite3.connect(path) as file:
        file.executescript((LEDGERS / "revision-0008.sql").read_text(encoding="utf-8"))
    file.close()
    store = opened(path)
    assert schema(path) == schema(new(tmp_path))
    lost, sending, archived = (store.find(name) for name in "bca")
    assert lost is not None
    assert sending is not None
    assert archived is not None
    assert [order.order_id for order in (lost, sending, archived)] == [6, 7, 5]
    assert [(o.position_at_sending, o.resent_at) for o in (lost, archived)] == [(None, None)] * 2
    assert store.acknowledged_id(17) == 5
    again = store.prove("b", partial(resend, at=NOON), {"gate": "open"}, NOON).after
    assert (again.state, again.resent_at, again.order_id) == ("Sending", NOON, 6)
    held = store.reserve("d", client_id=17, next_valid_id=1, at=NOON, position=Decimal(-3)).after
    assert (held.order_id, held.position_at_sending) == (8, Decimal(-3))
    assert {change.after.id for change in store.recover(NOON)} == {"b", "c", "d"}
    store.close()


def test_a_ledger_of_another_mode_stays_as_it_is(tmp_path: Path) -> None:
    path = written_by("1", tmp_path)
    before = schema(path)
    store = open_sqlite(path)
    with pytest.raises(StartRefusedError, match="belongs to a paper gateway"):
        store.stamp("live")
    store.close()
    assert schema(path) == before


@pytest.mark.parametrize(
    "newer",
    [
        "UPDATE alembic_version SET version_num = '9999'",
        "DROP TABLE alembic_version; UPDATE facts SET value = '9999' WHERE name = 'schema-version'",
    ],
    ids=["by revision", "by version"],
)
def test_a_ledger_of_a_later_program_is_refused_and_stays_as_it_is(
    newer: str, tmp_path: Path
) -> None:
    path = new(tmp_path)
    with sqlite3.connect(path) as other:
        other.executescript(newer)
        before = list(other.iterdump())
    other.close()
    store = open_sqlite(path)
    with pytest.raises(StartRefusedError, match="the ledger has schema 9999"):
        store.stamp("paper")
    store.close()
    with sqlite3.connect(path) as other:
        assert list(other.iterdump()) == before
    other.close()


@pytest.mark.parametrize("version", VERSIONS[:-1])
def test_a_full_disk_leaves_the_old_ledger_whole_and_the_upgrade_is_done_later(
    version: str, tmp_path: Path
) -> None:
    path = written_by(version, tmp_path)
    before = schema(path)
    store = SqliteStore(LedgerFile(path))
    file = store._file.driver
    pages = file.execute("PRAGMA page_count").fetchone()[0]
    file.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(LedgerUnavailableError, match="full"):
        store.stamp("paper")
    assert schema(path) == before
    file.execute("PRAGMA max_page_count=1000000")
    store.stamp("paper")
    store.close()
    assert schema(path) == schema(new(tmp_path))


def test_a_rebalance_that_is_older_than_its_history_begins_it_as_it_is_found(
    tmp_path: Path,
) -> None:
    path = new(tmp_path)
    store = opened(path)
    asked = RebalanceRun("r1", 0, "DU1234567", "{}", NOON, NOON + timedelta(days=1))
    store.add_rebalance("k1", "h", asked, NOON)
    store.advance_rebalance("r1", cancel, NOON + timedelta(hours=1))
    with store._database.writing() as connection:
        connection.execute(text("DROP TRIGGER order_history_no_delete"))
        connection.execute(text("DELETE FROM order_history"))
        taken_back(connection, "0008")
    store.close()
    store = opened(path)
    ((_, subject, uid, line),) = store.lines(after=0, limit=9)
    assert (subject, uid, line.number, line.at) == ("rebalance", "r1", 1, NOON + timedelta(hours=1))
    assert (line.before, line.state, line.reason) == ("", "Cancelled", "CancelledByClient")
    assert line.cause == "upgrade"
    store.close()


START = """
import sys
from collections.abc import Callable
from pathlib import Path
from ibgateway_executor.ledger.sqlite import open_sqlite
store = open_sqlite(Path(sys.argv[1]))
store.stamp("paper")
store.close()
print("alembic" in sys.modules)
"""


@pytest.mark.parametrize("make", [new, lambda path: path / "none.db"], ids=["there", "not there"])
def test_a_start_without_a_missing_revision_does_not_load_alembic(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, str(make(tmp_path))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
