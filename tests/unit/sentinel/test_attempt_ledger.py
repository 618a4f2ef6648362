"""The attempt ledger on disk: what it remembers, and when it refuses to be believed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ibgateway_agent.errors import LedgerError
from ibgateway_agent.sentinel.permits.attempt_ledger import AttemptLedger
from ibgateway_agent.sentinel.permits.records import (
    Note,
    NoteKind,
    Records,
    RequestKind,
    with_outcome,
)
from ibgateway_api.permits import Attempt, AttemptOutcome, Cause, PermitKind

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)


def note(event: NoteKind, kind: RequestKind, request: str) -> Note:
    return Note(note=event, at=NOW, kind=kind, request=request)


def test_a_new_gateway_has_an_empty_ledger(tmp_path: Path) -> None:
    ledger = AttemptLedger(tmp_path / "attempts.jsonl")
    assert ledger.records == Records()
    assert not ledger.problem


def test_attempts_and_their_outcomes_survive(tmp_path: Path) -> None:
    path = tmp_path / "attempts.jsonl"
    ledger = AttemptLedger(path)
    first = ledger.begin(NOW, PermitKind.FULL, Cause.START)
    ledger.append(with_outcome(first, AttemptOutcome.LOGGED_IN))
    ledger.append(with_outcome(first, AttemptOutcome.SETTLED))
    ledger.begin(LATER, PermitKind.FULL, Cause.WEEKLY, "w1")
    expected = (
        Attempt(
            id=1, at=NOW, kind=PermitKind.FULL, cause=Cause.START, outcome=AttemptOutcome.SETTLED
        ),
        Attempt(id=2, at=LATER, kind=PermitKind.FULL, cause=Cause.WEEKLY, request="w1"),
    )
    assert ledger.records.attempts == expected
    assert AttemptLedger(path).records.attempts == expected


def test_a_day_is_counted_by_the_time_of_its_attempts_and_not_by_their_place() -> None:
    day = timedelta(days=1)
    full = [
        (NOW, AttemptOutcome.SETTLED),
        (NOW + day, AttemptOutcome.MISSED),
        (NOW - day, AttemptOutcome.MISSED),  # the clock was set back
        (NOW + timedelta(hours=1), None),
        (NOW + timedelta(hours=1), AttemptOutcome.YIELDED),
    ]
    attempts = [
        Attempt(id=number, at=at, kind=PermitKind.FULL, cause=Cause.START, outcome=outcome)
        for number, (at, outcome) in enumerate(full, 1)
    ]
    token = Attempt(id=6, at=NOW, kind=PermitKind.TOKEN, cause=Cause.START)
    records = Records((*attempts, token))
    assert records.attempts_today(NOW) == 3
    assert records.attempts_today(NOW + day) == 2
    assert records.attempts_today(NOW + 3 * day) == 0
    assert Records().attempts_today(NOW) == 0


def test_a_line_that_was_never_finished_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "attempts.jsonl"
    AttemptLedger(path).begin(NOW, PermitKind.FULL, Cause.START)
    with path.open("a") as file:
        file.write('{"id":2,"at":"2026-')
    again = AttemptLedger(path)
    assert again.begin(LATER, PermitKind.FULL, Cause.START).id == 2
    assert [attempt.id for attempt in AttemptLedger(path).records.attempts] == [1, 2]


@pytest.mark.parametrize(
    "content", ["nonsense\n", "{}\n", "[]\n", "7\n", '{"note":"else"}\n', "\n", "\u00e9\x00\n"]
)
def test_a_ledger_that_can_not_be_read_allows_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "attempts.jsonl"
    path.write_text(content)
    ledger = AttemptLedger(path)
    assert ledger.problem
    assert ledger.records == Records(readable=False)
    with pytest.raises(LedgerError):
        ledger.begin(NOW, PermitKind.FULL, Cause.START)
    assert path.read_text() == content


def test_a_person_may_start_a_ledger_anew_and_the_old_one_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "attempts.jsonl"
    path.write_text("nonsense\n")
    ledger = AttemptLedger(path)
    ledger.start_anew(NOW)
    ledger.begin(NOW, PermitKind.FULL, Cause.REQUESTED)
    aside = tmp_path / "attempts.jsonl.unreadable-20261125T150000Z"
    assert aside.read_text() == "nonsense\n"
    assert len(AttemptLedger(path).records.attempts) == 1


def test_a_request_is_pending_until_an_attempt_carries_it(tmp_path: Path) -> None:
    path = tmp_path / "attempts.jsonl"
    ledger = AttemptLedger(path)
    ledger.append(note(NoteKind.ASKED, RequestKind.RESTART, "w1"))
    assert AttemptLedger(path).records.pending(RequestKind.RESTART) == "w1"
    assert AttemptLedger(path).records.pending(RequestKind.LOGIN) == ""
    ledger.begin(LATER, PermitKind.FULL, Cause.WEEKLY, "w1")
    assert AttemptLedger(path).records.pending(RequestKind.RESTART) == ""
    assert AttemptLedger(path).records.last_taken(RequestKind.RESTART) == "w1"


def test_a_request_that_needs_no_attempt_is_settled(tmp_path: Path) -> None:
    ledger = AttemptLedger(tmp_path / "attempts.jsonl")
    ledger.append(note(NoteKind.ASKED, RequestKind.LOGIN, "r1"))
    ledger.append(note(NoteKind.DONE, RequestKind.LOGIN, "r1"))
    assert ledger.records.pending(RequestKind.LOGIN) == ""


def test_an_attempt_is_on_disk_before_begin_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "attempts.jsonl"
    ledger = AttemptLedger(path)
    synced: list[str] = []
    monkeypatch.setattr("os.fsync", lambda _: synced.append(path.read_text()))
    ledger.begin(NOW, PermitKind.FULL, Cause.START)
    assert '"id":1' in synced[0]


def test_half_a_line_of_a_full_disk_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "attempts.jsonl"
    ledger = AttemptLedger(path)
    first = ledger.begin(NOW, PermitKind.FULL, Cause.START)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            ledger.begin(LATER, PermitKind.FULL, Cause.START)
    assert len(ledger.records.attempts) == 1
    ledger.append(with_outcome(first, AttemptOutcome.MISSED))
    assert AttemptLedger(path).records == ledger.records
