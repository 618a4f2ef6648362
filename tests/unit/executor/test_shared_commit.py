"""Orders that come at once: they share commits, and nothing else."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from executor_fakes import (
    NOON,
    CountingWakeup,
    HookedStore,
    ManualClock,
    entry,
    open_hooked,
)
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.shared_commit import LARGEST
from ibgateway_executor.ledger.store import Answer, Entry
from ibgateway_executor.metrics import ExecutorMetrics

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
    committed: list[int] = []
    commits.store.after_reserve = lambda: committed.extend(commits.sizes)
    reserving = asyncio.ensure_future(
        commits.ledger.reserve("first", client_id=17, next_valid_id=1)
    )
    await asyncio.sleep(0)
    commits.moving.set()
    await asyncio.gather(first, reserving, *others)
    assert committed == [1, LARGEST]
    assert commits.sizes == [1, LARGEST, LARGEST, LARGEST]


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


async def test_who_goes_before_the_answer_keeps_it_from_nobody(commits: CommitWorld) -> None:
    first = await commits.held_up()
    others = [asyncio.ensure_future(commits.ledger.accept(entry(f"o{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    others[0].cancel()
    commits.moving.set()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(first, *others[1:])
    stored = ["first", "o0", "o1", "o2"]
    assert [order.id for order in commits.ledger.active] == stored
    assert [order.id for order in commits.store.active()] == stored


async def test_a_request_that_comes_again_is_not_counted_again(commits: CommitWorld) -> None:
    await commits.ledger.count_day(NOON, NOON + timedelta(days=1), 5)
    await asyncio.gather(*(commits.ledger.accept(entry("k")) for _ in range(3)))
    assert commits.ledger.tallies[NOON].accepted == 1


async def test_an_error_of_ours_is_the_answer_of_everyone_in_the_commit(
    commits: CommitWorld,
) -> None:
    first = await commits.held_up()
    others = [asyncio.ensure_future(commits.ledger.accept(entry(f"o{n}"))) for n in range(2)]
    await asyncio.sleep(0)

    def fail(entries: Sequence[Entry], at: datetime) -> list[Answer]:
        raise RuntimeError("ours")

    commits.store.accept = fail  # type: ignore[method-assign] # an error that nobody foresaw
    commits.moving.set()
    async with asyncio.timeout(PATIENCE):
        await first
        answers = await asyncio.gather(*others, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["ours", "ours"]


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
