"""Orders that come at once: they share commits, and nothing else."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
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
from ibgateway_executor.errors import LedgerUnavailableError, OrderRefusedError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.shared_commit import LARGEST
from ibgateway_executor.ledger.sqlite import SqliteStore
from ibgateway_executor.ledger.store import Answer, Entry, EntryResult
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.broker_reports import OrderStatusReport

PATIENCE = 30


class CommitWorld:
    """A ledger whose store stands still while `moving` is not set; `sizes` of what it committed."""

    def __init__(self, store: HookedStore) -> None:
        self.moving, self.begun, self.sizes = threading.Event(), threading.Event(), list[int]()
        self.moving.set()
        self.store, self._accept = store, store.accept
        store.accept = self._slowly  # type: ignore[method-assign] # the place where the disk is slow
        self.ledger = Ledger(
            store, clock=ManualClock().clock, metrics=ExecutorMetrics(), changed=CountingWakeup()
        )

    def _slowly(self, entries: Sequence[Entry], at: datetime) -> list[Answer]:
        self.sizes.append(len(entries))
        self.begun.set()
        assert self.moving.wait(PATIENCE)
        return self._accept(entries, at)

    async def held_up(self) -> "asyncio.Task[tuple[object, bool]]":
        """The disk stands still, in the commit of a first order."""
        self.moving.clear()
        first = asyncio.ensure_future(self.ledger.accept(entry("first")))
        await asyncio.to_thread(self.begun.wait, PATIENCE)
        return first


@pytest.fixture
async def commits(tmp_path: Path) -> AsyncIterator[CommitWorld]:
    world = CommitWorld(open_hooked(tmp_path / "ledger.db"))
    yield world
    world.moving.set()
    world.ledger.close()


async def test_what_comes_while_the_disk_is_busy_shares_the_next_commits(
    commits: CommitWorld,
) -> None:
    first = await commits.held_up()
    others = [
        asyncio.ensure_future(commits.ledger.accept(entry(f"o{n}"))) for n in range(LARGEST + 8)
    ]
    await asyncio.sleep(0.05)
    assert not first.done(), "answered before it is on disk"
    commits.moving.set()
    answers = await asyncio.gather(first, *others)
    assert commits.sizes == [1, LARGEST, 8]
    assert all(new for _, new in answers)
    stored = commits.store.active()
    assert [order.sequence for order in stored] == list(range(1, LARGEST + 10))
    assert [order for order, _ in answers] == stored


async def test_one_key_a_hundred_times_at_once_is_one_order(commits: CommitWorld) -> None:
    first = await commits.held_up()
    others = [asyncio.ensure_future(commits.ledger.accept(entry("k"))) for _ in range(100)]
    await asyncio.sleep(0)
    commits.moving.set()
    answers = await asyncio.gather(*others)
    await first
    assert [new for _, new in answers].count(True) == 1
    assert {order.id for order, _ in answers} == {"k"}
    assert [order.id for order in commits.store.active()] == ["first", "k"]


async def test_the_dispatcher_has_its_turn_between_two_commits(commits: CommitWorld) -> None:
    first = await commits.held_up()
    others = [
        asyncio.ensure_future(commits.ledger.accept(entry(f"o{n}"))) for n in range(3 * LARGEST)
    ]
    await asyncio.sleep(0)
    reserving = asyncio.ensure_future(
        commits.ledger.reserve("first", client_id=17, next_valid_id=1)
    )
    await asyncio.sleep(0)
    commits.moving.set()
    await reserving
    assert len(commits.sizes) <= 3
    await asyncio.gather(first, *others)


async def test_who_reads_waits_for_no_commit(commits: CommitWorld) -> None:
    await commits.ledger.accept(entry("there"))
    first = await commits.held_up()
    async with asyncio.timeout(PATIENCE):
        assert (await commits.ledger.find("there")) is not None
        assert len(await commits.ledger.page(after=0, limit=9, state=None)) == 1
    assert not first.done()
    commits.moving.set()
    await first
    assert len(await commits.ledger.page(after=0, limit=9, state=None)) == 2


async def test_a_full_disk_is_the_answer_of_everyone_in_the_commit(commits: CommitWorld) -> None:
    first = await commits.held_up()
    others = [asyncio.ensure_future(commits.ledger.accept(entry(f"o{n}"))) for n in range(5)]
    await asyncio.sleep(0)
    cursor = commits.store._file.engine.raw_connection().cursor()
    pages = cursor.execute("PRAGMA page_count").fetchone()[0]
    cursor.execute(f"PRAGMA max_page_count={pages}")
    big = entry("big")
    terms = replace(big.order.terms, contract=replace(big.order.terms.contract, symbol="A" * 9999))
    others.append(
        asyncio.ensure_future(
            commits.ledger.accept(replace(big, order=replace(big.order, terms=terms)))
        )
    )
    await asyncio.sleep(0)
    commits.moving.set()
    answers = await asyncio.gather(*others, return_exceptions=True)
    await first
    assert {type(answer) for answer in answers} == {LedgerUnavailableError}
    assert all("full" in str(answer) for answer in answers)
    cursor.execute("PRAGMA max_page_count=100000")
    assert [order.id for order in commits.store.active()] == ["first"]
    assert (await commits.ledger.accept(entry("o1")))[1]


def named(name: str, **changes: object) -> Entry:
    return replace(entry(name), **changes)  # type: ignore[arg-type] # fields of an entry


def kinds(answers: Sequence[Answer]) -> list[str]:
    """Each answer in a word: its order's id, or what it was refused for."""
    return [_kind(answer) for answer in answers]


def _kind(answer: Answer) -> str:
    if isinstance(answer, OrderRefusedError):
        return answer.code
    if isinstance(answer, Exception):
        return type(answer).__name__
    return f"{answer.order.id}{'' if answer.new else ' again'}"


def test_an_entry_that_fails_in_a_shared_commit_fails_alone(store: SqliteStore) -> None:
    accept(store, entry("old"))
    surrogate = entry("bad").order
    surrogate = replace(surrogate, message="\ud800")
    told = store.accept(
        [
            entry("a"),
            named("old", hash="other"),
            named("refused", refusal=OrderRefusedError(422, "OrderValueLimit", "too large")),
            named("b", day_limit=3),
            named("bad", order=surrogate),
            named("c", order=replace(entry("c").order, id="a")),
            entry("old"),
            named("d", day_limit=4),
            entry("b"),
            named("b", hash="other"),
            entry("bad"),
        ],
        NOON,
    )
    assert kinds(told) == [
        "a",
        "IdempotencyKeyReused",
        "OrderValueLimit",
        "b",
        "UnicodeEncodeError",
        "IntegrityError",
        "old again",
        "DailyOrderLimit",
        "b again",
        "IdempotencyKeyReused",
        "UnicodeEncodeError",
    ]
    assert [order.id for order in store.active()] == ["old", "a", "b"]
    assert kinds([accept(store, entry("next"))]) == ["next"]


def test_a_day_has_room_for_as_many_as_its_limit_says(store: SqliteStore) -> None:
    limited = [named(f"o{n}", day_limit=5) for n in range(8)]
    assert kinds(store.accept(limited[:3], NOON)) == ["o0", "o1", "o2"]
    assert kinds(store.accept(limited, NOON)) == [
        *("o0 again", "o1 again", "o2 again", "o3", "o4"),
        *["DailyOrderLimit"] * 3,
    ]
    tomorrow = NOON + timedelta(days=1)
    late = replace(entry("t").order, accepted_at=tomorrow)
    fresh = named("t", order=late, day_start=tomorrow, day_limit=1)
    assert kinds(store.accept([fresh], tomorrow)) == ["t"]
    assert kinds(store.accept([named("o9", day_limit=7), named("o10", day_limit=7)], NOON)) == [
        "o9",
        "DailyOrderLimit",
    ]


def test_orders_that_were_not_committed_do_not_count(store: SqliteStore) -> None:
    assert kinds(store.accept([named("a", day_limit=3)], NOON)) == ["a"]
    cursor = store._file.engine.raw_connection().cursor()
    cursor.execute("PRAGMA query_only=ON")
    with pytest.raises(LedgerUnavailableError):
        store.accept([named("b", day_limit=3)], NOON)
    cursor.execute("PRAGMA query_only=OFF")
    again = [named(f"c{n}", day_limit=3) for n in range(3)]
    assert kinds(store.accept(again, NOON)) == ["c0", "c1", "DailyOrderLimit"]


def test_the_answer_is_what_will_be_read_later(store: SqliteStore) -> None:
    new_york = timezone(timedelta(hours=-5))
    until = datetime(2026, 11, 23, 16, 0, tzinfo=new_york)
    made = accept(store, named("a", order=replace(entry("a").order, valid_until=until))).order
    assert (made, made.valid_until.tzinfo) == (store.find("a"), UTC)


def test_what_the_broker_told_of_some_is_in_the_answers(store: SqliteStore) -> None:
    told = OrderStatusReport(7, 17, 5, "Submitted", order_ref="ibg-b")
    store.observe([told, replace(told, order_ref="ibg-other")], NOON)
    answers = store.accept([entry("a"), entry("b"), entry("c")], NOON)
    orders = [answer.order for answer in answers if isinstance(answer, EntryResult)]
    assert [(o.state.value, o.order_id) for o in orders] == [
        ("Accepted", 0),
        ("Working", 7),
        ("Accepted", 0),
    ]
    assert store.active() == orders
