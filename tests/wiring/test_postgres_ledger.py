"""The ledger in a PostgreSQL that is killed, put back, shared or set up wrong."""

import itertools
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from executor_fakes import NOON, accept, entry, observe
from ibgateway_executor.errors import (
    LedgerChangedError,
    LedgerUnavailableError,
    StartRefusedError,
)
from ibgateway_executor.ledger.postgres import PostgresStore, postgres_store
from ibgateway_executor.orders.broker_reports import OrderError
from postgres_server import PostgresServer

Open = Callable[[], PostgresStore]


@pytest.fixture
def opened(postgres_url: Path) -> Iterator[Open]:
    """Stores of one database, each as a process of its own would have it; they try again at once."""
    made: list[PostgresStore] = []

    def make() -> PostgresStore:
        made.append(postgres_store(postgres_url, itertools.count(step=1000).__next__))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(opened: Open) -> PostgresStore:
    made = opened()
    made.stamp("paper")
    return made


def database(url: Path) -> str:
    return url.read_text(encoding="utf-8").rpartition("/")[2]


def cut(postgres: PostgresServer, url: Path) -> None:
    """End every session of the database."""
    postgres.execute(
        sql.SQL(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}"
        ).format(database(url))
    )


def state(postgres: PostgresServer, url: Path, name: str) -> str:
    query = sql.SQL("SELECT state FROM jobs WHERE id = {}").format(name)
    return str(postgres.execute(query, database(url))[0][0])


def test_what_is_read_comes_from_the_server_that_is_written_to(
    store: PostgresStore, postgres: PostgresServer, postgres_url: Path
) -> None:
    """The session that writes has failed over; the one that reads still stands at the server of before."""

    def readers() -> list[int]:
        query = sql.SQL(
            "SELECT pid FROM pg_stat_activity WHERE datname = {} AND application_name LIKE '%reader%'"
        )
        return [row[0] for row in postgres.execute(query.format(database(postgres_url)))]

    assert store.find("a") is None
    before = readers()
    postgres.execute(
        sql.SQL(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {} AND application_name LIKE '%writer%'"
        ).format(database(postgres_url))
    )
    with pytest.raises(LedgerUnavailableError):
        store.mark_written(NOON)
    store.mark_written(NOON)
    assert store.find("a") is None
    assert len(before) == len(readers()) == 1
    assert before != readers()


def test_a_second_executor_is_told_who_has_the_ledger_and_goes_on_after_it(
    store: PostgresStore, opened: Open
) -> None:
    accept(store, entry("a"))
    second = opened()
    with pytest.raises(
        LedgerUnavailableError,
        match=r"another executor holds this ledger \(ibgateway-executor writer ",
    ):
        second.open()
    with pytest.raises(LedgerUnavailableError, match="another executor holds"):
        second.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    assert second.find("a") is not None, "who reads needs no lock"
    store.close()
    second.open()
    assert [order.id for order in second.active()] == ["a"]


def test_who_lost_the_lock_to_another_never_commits_sending(
    store: PostgresStore, opened: Open, postgres: PostgresServer, postgres_url: Path
) -> None:
    accept(store, entry("a"))
    with store._postgres.direct() as session:
        session.execute("SELECT pg_advisory_unlock_all()")
    second = opened()
    second.stamp("paper")
    with pytest.raises(LedgerChangedError, match="another executor has it"):
        store.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    assert state(postgres, postgres_url, "a") == "Accepted"
    second.close()
    for _ in range(3):
        with pytest.raises(LedgerChangedError):
            store.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    assert state(postgres, postgres_url, "a") == "Accepted"


def test_a_transaction_under_way_is_not_committed_after_another_one_took_over(
    store: PostgresStore, opened: Open, postgres: PostgresServer, postgres_url: Path
) -> None:
    accept(store, entry("a"))

    def overtaken() -> None:
        with store._postgres.direct() as session:
            cut(postgres, postgres_url)
            opened().stamp("paper")
            session.execute("UPDATE jobs SET state = 'Sending'")

    with pytest.raises(LedgerUnavailableError):
        overtaken()
    assert state(postgres, postgres_url, "a") == "Accepted"


def test_a_session_that_broke_is_made_anew_and_nothing_is_read_twice(
    store: PostgresStore, postgres: PostgresServer, postgres_url: Path
) -> None:
    accept(store, entry("a"))
    cut(postgres, postgres_url)
    with pytest.raises(LedgerUnavailableError):
        accept(store, entry("b"))
    assert accept(store, entry("b")).new
    assert store.find("a") is not None
    cut(postgres, postgres_url)
    with pytest.raises(LedgerUnavailableError):
        store.find("a")
    assert store.find("a") is not None


def test_nothing_acknowledged_is_lost_where_the_server_is_killed(
    store: PostgresStore, postgres: PostgresServer
) -> None:
    names = [f"a{n}" for n in range(20)]
    for name in names:
        accept(store, entry(name))
    sent = store.reserve("a0", client_id=17, next_valid_id=1, at=NOON).after
    postgres.kill()
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError, match="the ledger's database can't be used"):
            accept(store, entry("b"))
    with pytest.raises(LedgerUnavailableError):
        store.find("a0")
    postgres.start()
    assert [order.id for order in store.active()] == names
    assert store.find("a0") == sent
    assert accept(store, entry("b")).new


def test_while_it_is_away_it_is_not_asked_again_at_once(
    postgres: PostgresServer, postgres_url: Path
) -> None:
    now = [0.0]
    store = postgres_store(postgres_url, lambda: now[0])
    store.stamp("paper")
    cut(postgres, postgres_url)
    other = postgres_store(postgres_url, itertools.count(step=1000).__next__)
    with pytest.raises(LedgerUnavailableError):
        store.accounts()
    other.open()
    with pytest.raises(LedgerUnavailableError, match="another executor"):
        store.accounts()
    other.close()
    with pytest.raises(LedgerUnavailableError, match="another executor"):
        store.accounts()
    now[0] += 0.5
    with pytest.raises(LedgerChangedError):
        store.accounts()
    store.close()


def test_a_commit_whose_end_was_not_heard_of_ends_the_process(
    store: PostgresStore, postgres: PostgresServer, postgres_url: Path
) -> None:
    """As where the session breaks after the server has committed and before it has said so."""
    accept(store, entry("a"))
    store._postgres._fence._number -= 1
    cut(postgres, postgres_url)
    with pytest.raises(LedgerUnavailableError):
        store.accounts()
    with pytest.raises(LedgerChangedError, match="the executor starts anew"):
        store.accounts()


def test_a_database_that_was_put_back_ends_the_process(
    store: PostgresStore, postgres: PostgresServer, postgres_url: Path
) -> None:
    here = database(postgres_url)
    copy, gone = sql.Identifier(f"{here}_copy"), sql.Identifier(f"{here}_gone")
    name = sql.Identifier(here)
    accept(store, entry("a"))
    cut(postgres, postgres_url)
    postgres.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(copy, name))
    with pytest.raises(LedgerUnavailableError):
        store.accounts()
    store.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    cut(postgres, postgres_url)
    postgres.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(name, gone))
    postgres.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(copy, name))
    with pytest.raises(LedgerUnavailableError):
        store.accounts()
    with pytest.raises(LedgerChangedError, match="it was put back"):
        store.accounts()


@pytest.mark.parametrize("word", ["off"])
def test_a_database_that_forgets_what_it_confirms_is_refused(
    opened: Open, postgres: PostgresServer, postgres_url: Path, word: str
) -> None:
    name = sql.Identifier(database(postgres_url))
    postgres.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = {}").format(name, word))
    with pytest.raises(StartRefusedError, match="SET synchronous_commit = on"):
        opened().open()
    postgres.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = on").format(name))
    opened().open()


def test_a_database_that_takes_no_writing_refuses_and_is_taken_up_again(
    store: PostgresStore, postgres: PostgresServer, postgres_url: Path
) -> None:
    name = sql.Identifier(database(postgres_url))
    mode = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    postgres.execute(mode.format(name, "on"))
    cut(postgres, postgres_url)
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError):
            accept(store, entry("a"))
    postgres.execute(mode.format(name, "off"))
    assert accept(store, entry("a")).new


def test_a_user_who_may_make_no_tables_is_told(postgres: PostgresServer, tmp_path: Path) -> None:
    whole = postgres.database("not_ours")
    postgres.execute("CREATE ROLE guest LOGIN PASSWORD 'guest-canary'")
    url = tmp_path / "url"
    url.write_text(f"postgresql://guest:guest-canary@{whole.rpartition('@')[2]}", encoding="utf-8")
    with pytest.raises(StartRefusedError, match="permission denied for schema public"):
        postgres_store(url, time.monotonic).open()


def test_lines_of_the_history_are_only_added(
    store: PostgresStore, postgres: PostgresServer, postgres_url: Path
) -> None:
    accept(store, entry("a"))
    for statement in (
        "UPDATE order_history SET cause = 'x'",
        "DELETE FROM order_history",
        "TRUNCATE order_history",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="only ever added to"):
            postgres.execute(statement, database(postgres_url))


def test_a_ledger_of_another_mode_or_a_newer_program_is_refused(
    store: PostgresStore, opened: Open, postgres: PostgresServer, postgres_url: Path
) -> None:
    store.close()
    with pytest.raises(StartRefusedError, match="belongs to a paper gateway"):
        opened().stamp("live")
    postgres.execute("UPDATE alembic_version SET version_num = '9999'", database(postgres_url))
    cut(postgres, postgres_url)
    with pytest.raises(StartRefusedError, match="the ledger has schema 9999"):
        opened().stamp("paper")


def test_words_with_a_nul_are_kept_without_it(store: PostgresStore) -> None:
    accept(store, entry("a"))
    store.reserve("a", client_id=17, next_valid_id=1, at=NOON)
    told = observe(store, OrderError(1, 17, 399, "held\0 back"), NOON)
    assert told is not None
    found = store.find("a")
    assert found is not None
    assert found.broker_message == "399: held\ufffd back"


WRONG = {
    "another password": ("canary", "kenary"),
    "a host that is none": ("127.0.0.1", "no-such-host.invalid"),
    "a port that is none": ("127.0.0.1:", "127.0.0.1:x"),
    "a password that is not escaped": ("%40", "@"),
    "a slash that is not escaped": ("%2F", "/"),
    "a percent sign": ("%40", "%"),
    "no such database": ("test_", "none_"),
    "an option that is none": ("127.0.0.1", "127.0.0.1?password=canary-option&nothing=1#"),
    "no URL": ("postgresql://", "mysql://"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_no_message_has_the_password(
    mistake: str, postgres_url: Path, caplog: pytest.LogCaptureFixture
) -> None:
    right = postgres_url.read_text(encoding="utf-8")
    wrong = right.replace(*WRONG[mistake])
    assert wrong != right
    postgres_url.write_text(wrong, encoding="utf-8")
    store = postgres_store(postgres_url, itertools.count(step=1000).__next__)
    secret = right.partition("canary%2F")[2].partition("%40")[0]
    calls: tuple[Callable[[], object], ...] = (store.open, lambda: store.find("a"))
    with caplog.at_level(logging.DEBUG):
        for call in calls:
            with pytest.raises((LedgerUnavailableError, StartRefusedError)) as told:
                call()
            words = "".join(traceback.format_exception(told.value))
            assert str(told.value)
            for canary in (secret, "canary", "kenary"):
                assert canary not in words
                assert canary not in caplog.text
    store.close()


def test_a_secret_that_changes_is_read_at_the_next_connection(
    postgres: PostgresServer, postgres_url: Path
) -> None:
    right = postgres_url.read_text(encoding="utf-8")
    postgres_url.unlink()
    store = postgres_store(postgres_url, itertools.count(step=1000).__next__)
    with pytest.raises(LedgerUnavailableError, match="see that the Secret of"):
        store.open()
    postgres_url.write_text(f"{right}\n", encoding="utf-8")
    store.open()
    store.close()
