"""A lost attempt ledger starts at its limit, and only a lost one does."""

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ibgateway_agent.sentinel.permits.records import NoteKind, RequestKind
from ibgateway_api.permits import PermitRefusal
from sentinel_fakes.pod import PUSH, FakePod

MISSED = "IBC: Timed out waiting for second factor authentication"


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    return FakePod(tmp_path)


def ledger(pod: FakePod) -> Path:
    return pod.state / "attempts.jsonl"


def notes(pod: FakePod) -> list[NoteKind]:
    return [note.note for note in pod.records().notes]


def why_it_waits(pod: FakePod) -> str:
    waiting = pod.look().waiting
    return str(waiting.refusal) if waiting else ""


def misses(pod: FakePod) -> None:
    """One push that nobody answers."""
    pod.runs()
    pod.says(PUSH)
    pod.later(seconds=181)
    pod.ends()
    pod.waits()


def pushes_within(pod: FakePod, hours: int) -> int:
    """As many attempts as are allowed, with the ledger removed and the sentinel started anew each time."""
    pushes, ends = 0, pod.time.now + timedelta(hours=hours)
    pod.waits()
    while pod.time.now < ends:
        if pod.permit():
            misses(pod)
            pushes += 1
            ledger(pod).unlink()
            pod.boot()
        pod.later(minutes=5)
    return pushes


def checkpoint(pod: FakePod) -> dict[str, Any]:
    document = json.loads((pod.state / "checkpoint.json").read_text())
    assert isinstance(document, dict)
    return document


def as_an_older_version_left_it(pod: FakePod) -> None:
    """No first line in the ledger, no trading mode in the checkpoint."""
    lines = ledger(pod).read_text().splitlines(keepends=True)
    ledger(pod).write_text("".join(line for line in lines if "begun" not in line))
    document = checkpoint(pod)
    document.pop("mode")
    (pod.state / "checkpoint.json").write_text(json.dumps(document))


def test_a_ledger_that_is_removed_again_and_again_brings_no_pushes(pod: FakePod) -> None:
    assert pushes_within(pod, hours=23) == 1


def test_a_lost_ledger_says_until_when_and_then_goes_on_by_budget(pod: FakePod) -> None:
    pod.waits()
    misses(pod)
    ledger(pod).unlink()
    pod.boot()
    report = pod.look()
    assert report.waiting is not None
    assert report.waiting.refusal is PermitRefusal.LEDGER_LOST
    lost = pod.records().last_noted(NoteKind.LOST)
    assert lost is not None
    assert report.waiting.until == lost + timedelta(days=1)
    pod.later(hours=23, minutes=59)
    assert not pod.permit()
    pod.later(minutes=1)
    assert pod.permit().startswith("id=1 kind=full")


def test_a_persons_attempt_is_made_at_once(pod: FakePod) -> None:
    pod.waits()
    misses(pod)
    ledger(pod).unlink()
    pod.boot()
    pod.look()
    assert pod.sentinel.accept(RequestKind.LOGIN, pod.time.now.isoformat())
    pod.look()
    assert pod.permit().startswith("id=1 kind=full")
    misses(pod)
    pod.later(hours=2)
    assert why_it_waits(pod) == "LedgerLost"


def test_a_token_of_a_gateway_without_memory_is_not_tried(pod: FakePod) -> None:
    pod.logs_in()
    ledger(pod).unlink()
    pod.boot()
    pod.ends()
    pod.waits(token=True)
    assert (why_it_waits(pod), pod.permit()) == ("LedgerLost", "")


def test_a_new_gateway_has_lost_nothing(pod: FakePod) -> None:
    pod.waits()
    assert pod.permit().startswith("id=1 kind=full")
    assert notes(pod) == [NoteKind.BEGUN]


def test_a_sentinel_that_starts_again_has_lost_nothing(pod: FakePod) -> None:
    pod.logs_in()
    pod.boot()
    pod.look()
    pod.boot()
    pod.look()
    assert notes(pod) == [NoteKind.BEGUN]


@pytest.mark.parametrize("emptied", [True, False])
def test_the_operator_knows_that_this_gateway_was_logged_in(pod: FakePod, emptied: bool) -> None:
    """A volume that was made anew under a resource that stayed; another one under a new resource."""
    before = "true" if emptied else "false"
    pod.settings(f'{{"tradingMode": "paper", "loggedInBefore": {before}}}')
    shutil.rmtree(pod.state)
    pod.state.mkdir()
    pod.boot()
    pod.waits()
    assert bool(pod.permit()) is not emptied
    assert notes(pod) == [NoteKind.LOST if emptied else NoteKind.BEGUN]


def test_an_emptied_file_is_a_lost_one(pod: FakePod) -> None:
    pod.waits()
    misses(pod)
    ledger(pod).write_text("")
    pod.boot()
    assert why_it_waits(pod) == "LedgerLost"


def test_a_permit_that_the_ledger_never_gave_shows_that_it_is_another_one(pod: FakePod) -> None:
    """All of the volume is new, nobody ever logged in: only the pod's own log still tells."""
    pod.waits()
    misses(pod)
    shutil.rmtree(pod.state)
    pod.state.mkdir()
    pod.boot()
    assert why_it_waits(pod) == "LedgerLost"
    assert not pod.permit()


def test_a_wrapper_that_runs_with_a_permit_shows_it_too(pod: FakePod) -> None:
    pod.logs_in()
    shutil.rmtree(pod.state)
    pod.state.mkdir()
    (pod.run / "gateway.log").write_text("")
    pod.boot()
    pod.look()
    assert notes(pod) == [NoteKind.LOST]


def test_a_ledger_of_an_older_version_is_not_lost(pod: FakePod) -> None:
    pod.logs_in()
    as_an_older_version_left_it(pod)
    pod.boot()
    pod.later(minutes=20)
    pod.ends()
    pod.waits()
    assert pod.permit().startswith("id=2 kind=full")


def test_a_gateway_that_an_older_version_never_let_start_has_lost_nothing(pod: FakePod) -> None:
    pod.settings('{"tradingMode": "paper", "loginsAllowed": false}')
    pod.boot()
    pod.waits()
    as_an_older_version_left_it(pod)
    ledger(pod).unlink()
    pod.settings('{"tradingMode": "paper"}')
    pod.boot()
    pod.look()
    assert pod.permit().startswith("id=1 kind=full")


def test_a_ledger_that_an_older_version_lost_is_lost(pod: FakePod) -> None:
    pod.waits()
    misses(pod)
    as_an_older_version_left_it(pod)
    ledger(pod).unlink()
    pod.boot()
    assert why_it_waits(pod) == "LedgerLost"


def test_a_file_that_is_removed_under_a_running_sentinel_is_written_again(pod: FakePod) -> None:
    pod.waits()
    misses(pod)
    ledger(pod).unlink()
    pod.later(minutes=20)
    misses(pod)
    assert [attempt.id for attempt in pod.records().attempts] == [1, 2]
    assert notes(pod) == [NoteKind.BEGUN]
    pod.boot()
    assert why_it_waits(pod) == "Interval"


def test_a_ledger_that_a_person_starts_anew_stands_at_its_limit(pod: FakePod) -> None:
    ledger(pod).write_text("nonsense\n")
    pod.boot()
    pod.waits()
    assert pod.sentinel.accept(RequestKind.LOGIN, pod.time.now.isoformat())
    pod.look()
    assert notes(pod)[0] is NoteKind.LOST
    misses(pod)
    pod.later(hours=2)
    assert (why_it_waits(pod), pod.permit()) == ("LedgerLost", "")


def test_a_ledger_that_can_not_be_begun_allows_nothing_until_it_can(
    pod: FakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(pod.state)
    pod.state.mkdir()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        pod.boot()
        report = pod.waits()
        assert not pod.permit()
        assert "No space left" in report.trouble
    pod.later(seconds=6)
    assert pod.permit().startswith("id=1 kind=full")
    assert notes(pod) == [NoteKind.BEGUN]


def test_on_a_sunday_a_gateway_without_memory_is_not_a_new_one(pod: FakePod) -> None:
    """It waits for the hour that its user chose."""
    pod.waits()
    misses(pod)
    ledger(pod).unlink()
    pod.time.now = pod.time.now.replace(day=28, hour=6)
    pod.boot()
    pod.look()
    pod.later(days=1, hours=1)
    assert why_it_waits(pod) == "RestartAhead"


def test_a_ledger_of_the_other_trading_mode_allows_nothing_by_itself(pod: FakePod) -> None:
    pod.logs_in()
    shutil.rmtree(pod.run)
    pod.run.mkdir()
    pod.settings('{"tradingMode": "live", "expectedAccounts": ["U1234567"]}')
    pod.boot()
    report = pod.waits()
    assert report.full_auth_time is None
    assert (why_it_waits(pod), pod.permit()) == ("LedgerLost", "")
    assert pod.sentinel.accept(RequestKind.LOGIN, pod.time.now.isoformat())
    pod.look()
    assert pod.permit().startswith("id=1 kind=full")
    assert pod.records().mode == "live"
