"""The sentinel's looks at a gateway: lines and wrapper states in, permits and reports out.

Time is the test's; nothing is awaited. The API's word is spoken by the test.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ibgateway_agent.sentinel.permits.records import RequestKind
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState, Sign
from ibgateway_api.permits import AttemptOutcome
from sentinel_fakes import FakePod
from sentinel_fakes.pod import ANSWERED, ATTEMPT, DONE, PUSH, START

MISSED = "IBC: Re-login after second factor authentication timeout not required"
GIVES_WAY = "IBC: End this session and let the other session proceed (scenario 2)"


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    return FakePod(tmp_path)


@contextmanager
def full_volume(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing reaches the disk meanwhile."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        yield


def test_the_first_start_gets_a_permit(pod: FakePod) -> None:
    pod.look()
    assert pod.permit() == ""
    assert pod.waits().state is LoginState.WAITING_FOR_PERMIT
    assert pod.permit() == "id=1 kind=full existingSession=secondary"


def test_a_start_gets_one_permit_however_often_it_is_looked_at(pod: FakePod) -> None:
    pod.waits()
    pod.later(seconds=20)
    assert pod.permit().startswith("id=1 ")
    pod.takes_permit()
    pod.later(hours=5)
    assert pod.permit() == ""
    assert pod.outcomes() == [None]


def test_a_login_takes_the_apis_word(pod: FakePod) -> None:
    pod.waits()
    pod.runs()
    assert pod.says(PUSH).state is LoginState.AWAITING_APPROVAL
    assert pod.says(ANSWERED, DONE).state is LoginState.LOGGING_IN
    report = pod.api(Sign.API_READY, "DU1")
    assert (report.state, report.accounts) == (LoginState.LOGGED_IN, ("DU1",))
    assert pod.outcomes() == [AttemptOutcome.LOGGED_IN]


def test_after_ten_minutes_the_episode_is_over(pod: FakePod) -> None:
    pod.logs_in()
    pod.later(minutes=9)
    assert pod.outcomes() == [AttemptOutcome.LOGGED_IN]
    pod.later(minutes=1)
    assert pod.outcomes() == [AttemptOutcome.SETTLED]


def test_three_misses_park_and_a_request_gives_one_more(pod: FakePod) -> None:
    for _ in range(3):
        pod.waits()
        pod.runs()
        pod.says(PUSH, ANSWERED, MISSED)
        pod.time.passes(timedelta(minutes=15))
        pod.ends()
    report = pod.waits()
    assert pod.permit() == ""
    assert report.state is LoginState.APPROVAL_MISSED
    assert report.waiting is not None
    assert report.waiting.refusal == "Parked"
    assert pod.outcomes() == [AttemptOutcome.MISSED] * 3
    assert pod.sentinel.accept(RequestKind.LOGIN, "2026-11-25T15:46:00Z")
    assert not pod.sentinel.accept(RequestKind.LOGIN, "2026-11-25T15:46:00Z")
    assert not pod.sentinel.accept(RequestKind.LOGIN, "2026-11-25T15:45:00Z")
    assert pod.look().taken_login_request == "2026-11-25T15:46:00Z"
    assert pod.permit().startswith("id=4 kind=full")


def test_a_rejected_password_shows_while_the_start_waits(pod: FakePod) -> None:
    pod.waits()
    pod.runs()
    pod.says("IBC: Login failed")
    since = pod.look().since
    pod.time.passes(timedelta(minutes=1))
    pod.ends()
    report = pod.waits()
    assert (report.state, report.since) == (LoginState.REJECTED, since)
    pod.later(hours=9)
    assert pod.permit() == ""


async def test_a_session_given_up_to_a_person_is_not_pushed_for(pod: FakePod) -> None:
    pod.logs_in()
    pod.later(minutes=10)
    pod.later(minutes=600)
    pod.says("IBC: Re-login to session", GIVES_WAY)
    pod.ends()
    report = pod.waits()
    await pod.stopped()
    assert report.state is LoginState.SESSION_CONFLICT
    assert pod.permit() == ""
    pod.later(minutes=14)
    assert pod.permit() == ""
    pod.later(minutes=1)
    assert pod.permit().endswith("existingSession=secondary")


def test_a_killed_container_costs_no_push_by_itself(pod: FakePod) -> None:
    pod.logs_in()
    report = pod.waits()
    assert report.state is LoginState.WAITING_FOR_PERMIT
    assert report.waiting is not None
    assert report.waiting.refusal == "Interval"
    assert pod.permit() == ""


def test_an_attempt_that_ibc_begins_by_itself_is_counted(pod: FakePod) -> None:
    pod.logs_in()
    pod.later(minutes=10)
    pod.says("IBC: detected dialog entitled: Restart in progress; event=Opened")
    report = pod.prints(
        "IBC returned exit status 0", "IBC will cold-restart shortly", "IBC will restart shortly"
    )
    assert report.attempts_today == 2
    assert pod.outcomes() == [AttemptOutcome.SETTLED, None]
    pod.says(START, ATTEMPT, PUSH, ANSWERED, MISSED)
    assert pod.outcomes() == [AttemptOutcome.SETTLED, AttemptOutcome.MISSED]


def test_no_permit_is_given_once_the_pod_is_to_stop(pod: FakePod) -> None:
    (pod.run / "planned-stop").touch()
    report = pod.waits()
    assert pod.permit() == ""
    assert [hold.reason for hold in report.holds] == [GateReason.PLANNED_STOP]


def test_a_sentinel_that_crashed_goes_on_where_it_stood(pod: FakePod) -> None:
    pod.waits()
    pod.runs()
    before = pod.says(PUSH)
    pod.time.passes(timedelta(seconds=30))
    pod.boot()
    after = pod.look()
    assert (after.state, after.deadline) == (LoginState.AWAITING_APPROVAL, before.deadline)
    assert pod.outcomes() == [None]


def test_what_happened_while_no_sentinel_looked_is_read_later(pod: FakePod) -> None:
    pod.waits()
    pod.runs()
    pod.says(PUSH)
    written = pod.time.now
    pod.writes(f"{written:%Y-%m-%d %H:%M:%S}:000 {MISSED}")
    pod.time.passes(timedelta(minutes=3))
    pod.boot()
    report = pod.look()
    assert (report.state, report.since) == (LoginState.APPROVAL_MISSED, written)
    assert pod.outcomes() == [AttemptOutcome.MISSED]


def test_a_login_is_not_believed_again_before_the_api_says_so(pod: FakePod) -> None:
    full = pod.logs_in().full_auth_time
    pod.time.passes(timedelta(days=3))
    pod.boot()
    assert pod.look().state is LoginState.UNKNOWN
    report = pod.api(Sign.API_READY, "DU1")
    assert (report.state, report.full_auth_time) == (LoginState.LOGGED_IN, full)


def test_a_login_that_nobody_saw_counts_for_no_week(pod: FakePod) -> None:
    pod.logs_in()
    (pod.state / "checkpoint.json").unlink()
    (pod.run / "gateway.log").write_text("")
    pod.boot()
    pod.look()
    report = pod.api(Sign.API_READY, "DU1")
    assert (report.state, report.full_auth_time) == (LoginState.LOGGED_IN, None)


def the_next_sentinel_dates_it(pod: FakePod, full: datetime | None) -> None:
    """A new sentinel proves the login and has it from about `full`, not from its own proof."""
    pod.boot()
    pod.look()
    report = pod.api(Sign.API_READY, "DU1")
    assert report.state is LoginState.LOGGED_IN
    assert full is not None
    assert report.full_auth_time is not None
    assert abs(report.full_auth_time - full) < timedelta(seconds=5)


def test_a_login_that_is_read_anew_counts_from_when_it_was_shown(pod: FakePod) -> None:
    """Else last week's login would be this week's, by a sentinel that has lost its checkpoint."""
    full = pod.logs_in().full_auth_time
    (pod.state / "checkpoint.json").unlink()
    pod.time.passes(timedelta(days=3))
    the_next_sentinel_dates_it(pod, full)


def test_a_login_that_was_proven_while_the_disk_was_full_is_no_later_one_after_a_restart(
    pod: FakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod.waits()
    pod.runs()
    with full_volume(monkeypatch):
        pod.says(PUSH, ANSWERED, DONE)
        full = pod.api(Sign.API_READY, "DU1").full_auth_time
        pod.time.passes(timedelta(days=3))
    the_next_sentinel_dates_it(pod, full)


def test_an_unreadable_ledger_allows_nothing_until_a_person_asks(pod: FakePod) -> None:
    (pod.state / "attempts.jsonl").write_text("nonsense\n")
    pod.boot()
    report = pod.waits()
    assert pod.permit() == ""
    assert report.waiting is not None
    assert report.waiting.refusal == "LedgerLost"
    assert not pod.sentinel.accept(RequestKind.LOGIN, "2026-11-20T15:00:00Z")
    assert pod.sentinel.accept(RequestKind.LOGIN, "2026-11-25T15:00:00Z")
    pod.look()
    assert pod.permit().startswith("id=1 kind=full")


async def test_a_token_start_that_never_logs_in_has_a_dead_token(pod: FakePod) -> None:
    pod.logs_in()
    pod.later(minutes=10)
    pod.says("IBC: Re-starting session")
    assert pod.later(minutes=2, seconds=59).state is LoginState.RESTARTING
    assert pod.look().state is LoginState.TOKEN_EXPIRED


def test_settings_of_a_running_sentinel_may_change(pod: FakePod) -> None:
    pod.settings('{"existingSession": "takeOver"}')
    pod.look()
    pod.waits()
    assert pod.permit().endswith("existingSession=primary")


def test_a_report_changes_its_number_only_with_its_content(pod: FakePod) -> None:
    first = pod.waits().sequence
    assert pod.later(seconds=5).sequence == first
    pod.runs()
    assert pod.look().sequence > first


def test_settings_that_break_leave_the_good_ones_in_force(pod: FakePod) -> None:
    pod.settings('{"existingSession": "takeOver"}')
    pod.look()
    pod.settings("{")
    pod.waits()
    assert pod.permit().endswith("existingSession=primary")


def test_settings_are_read_once_a_second(pod: FakePod) -> None:
    pod.look()
    pod.settings('{"existingSession": "takeOver"}')
    pod.wrapper("waiting")
    pod.time.monotonic += 0.9
    pod.sentinel.look()
    assert pod.permit().endswith("existingSession=secondary")


def test_a_sentinel_that_no_longer_looks_is_not_alive(pod: FakePod) -> None:
    pod.look()
    pod.time.monotonic += 9.9
    assert pod.sentinel.alive()
    pod.time.monotonic += 0.1
    assert not pod.sentinel.alive()


def test_an_outcome_that_a_full_volume_refuses_is_written_at_a_later_look(
    pod: FakePod, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pod.waits()
    pod.runs()
    with full_volume(monkeypatch):
        report = pod.says(PUSH, ANSWERED, MISSED)
        assert (report.state, pod.outcomes()) == (LoginState.APPROVAL_MISSED, [None])
    assert "outcome of attempt [1] could not be written: [Errno 28]" in caplog.text
    pod.look()
    assert pod.outcomes() == [AttemptOutcome.MISSED]


def test_a_rejection_that_is_written_late_is_not_overwritten_by_an_end(
    pod: FakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the parking would be undone, and a full permit would follow with the bad password."""

    pod.waits()
    pod.runs()
    with full_volume(monkeypatch):
        pod.says("IBC: Login failed")
    (pod.run / "permit.taken").unlink()
    pod.wrapper("waiting")
    pod.look()
    assert pod.outcomes() == [AttemptOutcome.REJECTED]
    pod.waits()
    pod.later(hours=1)
    assert pod.permit() == ""


async def test_what_the_driver_begins_while_the_volume_is_full_is_ended(
    pod: FakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod.waits()
    pod.runs()
    with full_volume(monkeypatch):
        pod.prints("IBC will cold-restart shortly", "IBC will restart shortly")
        assert pod.sentinel._stop.busy


async def test_a_nightly_restart_while_no_sentinel_looked_costs_no_push(pod: FakePod) -> None:
    """Its start by token stands in the log; that it has logged in, only the API tells."""
    pod.logs_in()
    pod.later(minutes=10)
    pod.says("IBC: detected dialog entitled: Restart in progress; event=Opened")
    restarted = f"{pod.time.now:%Y-%m-%d %H:%M:%S}:000 IBC: Re-starting session"
    pod.writes("IBC returned exit status 0", restarted)
    pod.time.passes(timedelta(hours=2))
    pod.boot()
    assert pod.look().state is LoginState.RESTARTING
    pod.later(seconds=5)
    report = pod.api(Sign.API_READY, "DU1")
    assert report.state is LoginState.LOGGED_IN
    assert not pod.sentinel._stop.busy
    assert pod.outcomes() == [AttemptOutcome.SETTLED]


async def test_a_login_that_ibc_began_while_no_sentinel_looked_is_counted_and_left(
    pod: FakePod,
) -> None:
    """It would not have been granted so soon; but somebody has answered its push since."""
    pod.logs_in()
    pod.says("IBC: detected dialog entitled: Restart in progress; event=Opened")
    at = f"{pod.time.now:%Y-%m-%d %H:%M:%S}:000 "
    pod.writes("IBC returned exit status 0", "IBC will restart shortly")
    pod.writes(*[at + line for line in (START, ATTEMPT, PUSH, ANSWERED, DONE)])
    pod.time.passes(timedelta(minutes=2))
    pod.boot()
    pod.look()
    assert not pod.sentinel._stop.busy
    assert pod.api(Sign.API_READY, "DU1").state is LoginState.LOGGED_IN
    assert pod.outcomes() == [AttemptOutcome.LOGGED_IN, AttemptOutcome.LOGGED_IN]
