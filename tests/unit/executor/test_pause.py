"""A person pauses trading and resumes it: on disk, at once, and as often as they like."""

from pathlib import Path
from typing import Any

import pytest

from executor_fakes import CountingWakeup, IntakeWorld, ManualClock, open_hooked
from executor_fakes.store import HookedStore
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.metrics import ExecutorMetrics

WHY = {"by": "R.", "reason": "earnings at four"}
PAUSED = {**WHY, "paused": True, "since": "2026-11-23T17:00:00+00:00", "unacknowledged": 0}
NOT_PAUSED = {"paused": False, "by": None, "reason": None, "since": None, "unacknowledged": 0}


def on(store: HookedStore) -> Ledger:
    clock, changed = ManualClock().clock, CountingWakeup()
    return Ledger(store, clock=clock, metrics=ExecutorMetrics(), changed=changed)


def ledger(path: Path) -> Ledger:
    return on(open_hooked(path))


async def test_a_pause_says_who_why_and_since_when_and_the_first_one_stands(
    intake: IntakeWorld,
) -> None:
    assert (await intake.http.get("/v1/pause")).json() == NOT_PAUSED
    first = await intake.http.post("/v1/pause", json=WHY)
    assert (first.status_code, first.json()) == (200, PAUSED)
    intake.time.advance(60)
    again = await intake.http.post("/v1/pause", json={"by": "S.", "reason": "me too"})
    assert (again.status_code, again.json()) == (200, PAUSED)
    assert (await intake.http.get("/v1/pause")).json() == PAUSED


async def test_a_resume_ends_it_and_without_a_pause_changes_nothing(intake: IntakeWorld) -> None:
    await intake.http.post("/v1/pause", json=WHY)
    for _ in range(2):
        answer = await intake.http.post("/v1/resume", json={"by": "R."})
        assert (answer.status_code, answer.json()) == (200, NOT_PAUSED)


async def test_the_gate_report_has_the_pause(intake: IntakeWorld) -> None:
    await intake.http.post("/v1/pause", json=WHY)
    agent = {"Authorization": "Bearer agent-secret"}
    report = (await intake.http.get("/v1/gate", headers=agent)).json()
    assert report["paused"] == {**WHY, "since": "2026-11-23T17:00:00Z"}


async def test_orders_are_stored_while_trading_is_paused(intake: IntakeWorld) -> None:
    await intake.http.post("/v1/pause", json=WHY)
    assert (await intake.place()).status_code == 202


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/pause", {}),
        ("/v1/pause", {"by": "R."}),
        ("/v1/pause", {"by": " ", "reason": "x"}),
        ("/v1/pause", {"by": "R.\n", "reason": "two\nlines"}),
        ("/v1/pause", {"by": "R.", "reason": "x" * 501}),
        ("/v1/pause", {**WHY, "until": "noon"}),
        ("/v1/resume", {}),
        ("/v1/resume", WHY),
    ],
)
async def test_a_word_that_does_not_say_who_or_why_is_refused(
    intake: IntakeWorld, path: str, body: dict[str, Any]
) -> None:
    assert (await intake.http.post(path, json=body)).status_code == 422
    assert (await intake.http.get("/v1/pause")).json() == NOT_PAUSED


async def test_only_clients_with_the_token_pause(intake: IntakeWorld) -> None:
    for path in ("/v1/pause", "/v1/resume"):
        answer = await intake.http.post(path, json=WHY, headers={"Authorization": "Bearer x"})
        assert answer.status_code == 401


async def test_a_pause_outlives_the_process_and_so_does_its_end(tmp_path: Path) -> None:
    before = ledger(tmp_path / "ledger.db")
    standing = await before.pause.begin("R.", "earnings")
    before.close()
    after = ledger(tmp_path / "ledger.db")
    await after.begin("paper")
    assert after.pause.standing == standing
    await after.pause.end("R.")
    after.close()
    last = ledger(tmp_path / "ledger.db")
    await last.begin("paper")
    assert last.pause.standing is None
    last.close()


async def test_a_pause_that_can_not_be_written_holds_and_is_written_by_the_next_word(
    tmp_path: Path,
) -> None:
    store = open_hooked(tmp_path / "ledger.db")
    here = on(store)
    pragma(store, "query_only=ON")
    with pytest.raises(LedgerUnavailableError):
        await here.pause.begin("R.", "earnings")
    with pytest.raises(LedgerUnavailableError):
        await here.pause.end("R.")
    assert here.pause.standing is not None
    pragma(store, "query_only=OFF")
    assert store.paused() is None
    await here.pause.begin("R.", "earnings")
    assert store.paused() == here.pause.standing
    here.close()


def pragma(store: HookedStore, text: str) -> None:
    """Say something to the store's only connection."""
    store._file.engine.raw_connection().cursor().execute(f"PRAGMA {text}")
