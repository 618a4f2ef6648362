"""A ledger that can't be written: nothing is sent or lost, everybody is told, and it goes on by itself."""

import asyncio
from pathlib import Path

import pytest

from executor_fakes import DispatchWorld, IntakeWorld, ManualClock, entry
from executor_fakes.store import HookedStore
from ibgateway_api.gate import Closed, GateReason, Open
from ibgateway_executor.broker.recorder import ReportRecorder
from ibgateway_executor.errors import LedgerUnavailableError, StartRefusedError
from ibgateway_executor.ledger.lock import LedgerLock
from ibgateway_executor.ledger.sqlite import open_sqlite
from ibgateway_executor.orders.broker_reports import OrderStatusReport
from ibgateway_executor.orders.order import OrderState

SUBMITTED = OrderStatusReport(1, 17, 900, "Submitted", order_ref="ibg-a")


def pragma(store: HookedStore, text: str) -> int:
    """Say something to the store's only connection."""
    cursor = store._file.engine.raw_connection().cursor()
    row = cursor.execute(f"PRAGMA {text}").fetchone()
    return row[0] if row else 0


async def accept_many(dispatch: DispatchWorld) -> None:
    """More orders than fit into what is left of a page."""
    for number in range(100):
        await dispatch.ledger.accept(entry(f"order-{number}"))


async def test_a_full_disk_stores_nothing_and_is_told(dispatch: DispatchWorld) -> None:
    full = pragma(dispatch.store, "page_count")
    pragma(dispatch.store, f"max_page_count={full}")
    with pytest.raises(LedgerUnavailableError, match="full"):
        await accept_many(dispatch)
    stored = len(dispatch.ledger.active)
    assert "free or enlarge its volume" in dispatch.ledger.problem
    pragma(dispatch.store, "max_page_count=100000")
    await dispatch.ledger.mark_written()
    assert dispatch.ledger.problem == ""
    await dispatch.ledger.accept(entry("another"))
    assert len(dispatch.ledger.active) == stored + 1


async def test_no_byte_leaves_when_sending_could_not_be_committed(dispatch: DispatchWorld) -> None:
    await dispatch.order("a")
    dispatch.gate = Closed(GateReason.RESTART_WINDOW, "closed")
    await dispatch.dispatch()
    dispatch.gate = Open()
    pragma(dispatch.store, "query_only=ON")
    with pytest.raises(LedgerUnavailableError):
        await dispatch.dispatch()
    assert dispatch.placed == []
    pragma(dispatch.store, "query_only=OFF")
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]


async def test_what_was_not_written_is_put_back_once_the_ledger_takes_it(
    dispatch: DispatchWorld,
) -> None:
    await dispatch.order("a")
    full = Closed(GateReason.LEDGER_UNAVAILABLE, "the disk is full")

    def fill() -> None:
        dispatch.gate = full
        pragma(dispatch.store, "query_only=ON")

    dispatch.store.after_reserve = fill
    with pytest.raises(LedgerUnavailableError):
        await dispatch.dispatch()
    dispatch.time.advance(60)
    with pytest.raises(LedgerUnavailableError):
        await dispatch.dispatch()
    pragma(dispatch.store, "query_only=OFF")
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "LedgerUnavailable")]
    dispatch.store.after_reserve = lambda: None
    dispatch.gate = Open()
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]


async def test_the_wait_for_a_full_disk_is_not_written_down(dispatch: DispatchWorld) -> None:
    await dispatch.order("a")
    dispatch.gate = Closed(GateReason.LEDGER_UNAVAILABLE, "the disk is full")
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Accepted", "")]


async def test_the_recorder_keeps_what_the_broker_said(dispatch: DispatchWorld) -> None:
    await dispatch.order("a")
    await dispatch.dispatch()
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            pragma(dispatch.store, "query_only=OFF")

    recorder = ReportRecorder(dispatch.ledger, dispatch.connection, sleep)
    task = asyncio.create_task(recorder.run())
    pragma(dispatch.store, "query_only=ON")
    recorder.put(SUBMITTED)
    await recorder.drained()
    task.cancel()
    assert pauses == [1, 1, 1]
    assert (await dispatch.stored("a")).state is OrderState.WORKING


async def test_an_order_is_answered_with_when_to_come_again(dispatch: DispatchWorld) -> None:
    intake = IntakeWorld(dispatch.store, dispatch)
    pragma(dispatch.store, "query_only=ON")
    answer = await intake.place()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["code"] == "LedgerUnavailable"
    pragma(dispatch.store, "query_only=OFF")
    assert (await intake.place()).status_code == 202


def test_a_ledger_that_cannot_be_created_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StartRefusedError, match="see that it is mounted and writable"):
        open_sqlite(tmp_path / "missing" / "ledger.db")


def test_a_lock_that_cannot_be_created_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartRefusedError, match="volume is mounted, writable"):
        LedgerLock(tmp_path / "file" / "executor.lock", ManualClock().clock).take()
