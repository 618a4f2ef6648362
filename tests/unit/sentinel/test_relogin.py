"""Another login ends the session, and the driver logs in again by itself: who comes first, what counts."""

from pathlib import Path

import pytest

from ibgateway_agent.sentinel.permits.records import NoteKind, RequestKind
from ibgateway_api.login import LoginState, Sign
from ibgateway_api.permits import AttemptOutcome
from sentinel_fakes import FakePod
from sentinel_fakes.pod import ANSWERED, ATTEMPT, DONE, PUSH, START

KICKED = "IBC: detected dialog entitled: Re-login is required; event=Opened"
RELOGIN = "IBC: Re-login to session"
UNRECOGNIZED = "IBC: detected dialog entitled: Unrecognized Username or Password; event=Opened"
MISSED = "IBC: Re-login after second factor authentication timeout not required"
TERM = ".> Received SIGINT or SIGTERM"
GIVES_WAY = "IBC: Other session must be primary, so end this session (scenario 4)"
TAKE_OVER = '{"tradingMode": "paper", "existingSession": "takeOver", "dailyTakeOvers": 1}'
S = LoginState
O = AttemptOutcome  # noqa: E741 - a column of a list


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    return FakePod(tmp_path)


def settled(pod: FakePod, settings: str = "{}") -> None:
    """Logged in for a while."""
    pod.settings(settings)
    pod.logs_in()
    pod.later(minutes=10)
    pod.later(hours=1)


def notes(pod: FakePod, kind: NoteKind) -> int:
    return [note.note for note in pod.records().notes].count(kind)


async def test_a_person_comes_first_at_the_first_line(pod: FakePod) -> None:
    settled(pod)
    assert pod.says(KICKED).state is S.SESSION_CONFLICT
    assert pod.sentinel._stop.busy


async def test_a_person_comes_first_although_the_ledger_can_not_be_read(pod: FakePod) -> None:
    settled(pod)
    (pod.state / "attempts.jsonl").write_text("{\n")
    pod.boot()
    pod.says(KICKED)
    assert pod.sentinel._stop.busy


async def test_whoever_takes_over_lets_the_driver_log_in_again(pod: FakePod) -> None:
    settled(pod, TAKE_OVER)
    assert pod.says(KICKED, RELOGIN).state is S.SESSION_CONFLICT
    assert not pod.sentinel._stop.busy
    pod.says(DONE)
    assert pod.api(Sign.API_READY, "DU1").state is S.LOGGED_IN
    assert notes(pod, NoteKind.TOOK_OVER) == 1
    assert pod.outcomes() == [O.SETTLED]
    pod.says(KICKED)
    assert pod.sentinel._stop.busy


async def test_a_session_that_is_taken_back_in_a_dialog_counts_once(pod: FakePod) -> None:
    settled(pod, TAKE_OVER)
    pod.says(KICKED, RELOGIN, "IBC: so continue this one (scenario 3)", DONE)
    assert not pod.sentinel._stop.busy
    pod.api(Sign.API_READY, "DU1")
    assert notes(pod, NoteKind.TOOK_OVER) == 1


async def test_the_push_of_a_relogin_is_an_attempt(pod: FakePod) -> None:
    settled(pod, TAKE_OVER)
    pod.says(KICKED, RELOGIN)
    report = pod.says(PUSH)
    assert (report.state, report.attempts_today) == (S.AWAITING_APPROVAL, 2)
    pod.says(ANSWERED, DONE)
    pod.api(Sign.API_READY, "DU1")
    assert pod.outcomes() == [O.SETTLED, O.LOGGED_IN]


async def test_a_relogin_whose_push_is_missed_leads_on(pod: FakePod) -> None:
    settled(pod, TAKE_OVER)
    pod.says(KICKED, RELOGIN, PUSH, ANSWERED)
    assert pod.says(MISSED).state is S.APPROVAL_MISSED
    assert pod.outcomes() == [O.SETTLED, O.MISSED]
    assert not pod.sentinel._stop.busy
    pod.later(minutes=16)
    assert pod.sentinel._stop.busy


async def test_a_relogin_whose_push_never_comes_leads_on(pod: FakePod) -> None:
    settled(pod, TAKE_OVER)
    pod.says(KICKED, RELOGIN)
    pod.later(minutes=4, seconds=59)
    assert not pod.sentinel._stop.busy
    pod.look()
    assert pod.sentinel._stop.busy


async def test_a_relogin_that_is_refused_parks(pod: FakePod) -> None:
    settled(pod, TAKE_OVER)
    pod.says(KICKED, RELOGIN)
    assert pod.says(UNRECOGNIZED).state is S.REJECTED
    assert pod.outcomes() == [O.SETTLED, O.REJECTED]
    pod.later(hours=30)
    assert not pod.sentinel._stop.busy
    pod.ends()
    assert pod.waits().state is S.REJECTED
    pod.later(hours=30)
    assert pod.permit() == ""


async def test_a_process_that_ended_for_a_person_waits_until_they_may_have_gone(
    pod: FakePod,
) -> None:
    settled(pod)
    pod.says(KICKED, RELOGIN, TERM)
    pod.ends()
    assert pod.waits().state is S.SESSION_CONFLICT
    await pod.stopped()
    assert notes(pod, NoteKind.YIELDED) == 1
    pod.later(minutes=14)
    assert pod.permit() == ""
    pod.later(minutes=1)
    assert pod.permit().endswith("existingSession=secondary")


async def test_a_push_that_was_quicker_than_the_end_counts_and_is_not_repeated(
    pod: FakePod,
) -> None:
    settled(pod)
    pod.says(KICKED, RELOGIN, PUSH)
    pod.later(seconds=1)
    pod.says(TERM)
    pod.ends()
    assert pod.waits().state is S.SESSION_CONFLICT
    await pod.stopped()
    pod.look()
    assert pod.outcomes() == [O.SETTLED, O.ENDED]
    pod.later(minutes=14)
    assert pod.permit() == ""


async def test_a_dialog_that_nobody_knows_asks_for_a_person(pod: FakePod) -> None:
    pod.waits()
    pod.runs()
    pod.says("IBC: detected dialog entitled: A question of IBKR; event=Opened")
    assert pod.later(seconds=59).state is S.LOGGING_IN
    assert pod.later(seconds=2).state is S.NEEDS_PERSON
    pod.later(hours=9)
    assert not pod.sentinel._stop.busy
    answered = "IBC: detected dialog entitled: A question of IBKR; event=Closed"
    assert pod.says(answered).state is S.LOGGING_IN
    assert pod.says(PUSH).state is S.AWAITING_APPROVAL


async def test_a_start_after_a_question_for_a_person_waits_until_somebody_asks(
    pod: FakePod,
) -> None:
    pod.waits()
    pod.runs()
    pod.says("IBC: detected dialog entitled: A question of IBKR; event=Opened")
    assert pod.later(seconds=61).state is S.NEEDS_PERSON
    assert pod.outcomes() == [O.NEEDS_PERSON]
    pod.ends()
    assert pod.waits().state is S.NEEDS_PERSON
    pod.later(hours=30)
    assert pod.permit() == ""
    pod.sentinel.accept(RequestKind.LOGIN, pod.time.now.isoformat())
    pod.look()
    assert "kind=full" in pod.permit()


async def test_a_new_process_has_no_open_dialogs(pod: FakePod) -> None:
    pod.waits()
    pod.runs()
    pod.says("IBC: detected dialog entitled: A question of IBKR; event=Opened")
    pod.says(START, ATTEMPT)
    assert pod.later(minutes=2).state is S.LOGGING_IN
