"""The sentinel's looks at a gateway: lines and wrapper states in, permits and reports out.

Time is the test's; nothing is awaited. The API's word is spoken by the test.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ibgateway_agent.sentinel.loop import Sentinel
from ibgateway_agent.sentinel.settings import environment
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState, Sign
from ibgateway_api.permits import AttemptOutcome
from ibgateway_api.reports import SentinelReport

START = "IBC: Starting session: will exit if login dialog is not displayed within 60 seconds"
ATTEMPT = "IBC: Login attempt: 1"
PUSH = "IBC: Second Factor Authentication initiated"
ANSWERED = "IBC: detected dialog entitled: Second Factor Authentication; event=Closed"
MISSED = "IBC: Re-login after second factor authentication timeout not required"
DONE = "IBC: Login has completed"
GIVES_WAY = "IBC: End this session and let the other session proceed (scenario 2)"


class Pod:
    """The files of one pod, its clock, and the sentinel that looks at them."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
        self.folder = folder
        self.start = 0
        for name in ("run", "state"):
            (folder / name).mkdir()
        (folder / "settings.json").write_text("{}")
        self.sentinel = self.boot()

    def boot(self) -> Sentinel:
        paths = {"SETTINGS": "settings.json", "RUN_DIR": "run", "STATE_DIR": "state"}
        env = {f"SENTINEL_{name}": str(self.folder / path) for name, path in paths.items()}
        at = environment({**env, "SENTINEL_COMMAND_PORT": "1"})
        self.sentinel = Sentinel(at, lambda: self.now, boot="boot")
        return self.sentinel

    def look(self) -> SentinelReport:
        self.sentinel._next_duties = 0.0
        self.sentinel.look()
        return self.sentinel.bulletin.latest()

    def says(self, *lines: str) -> SentinelReport:
        with (self.folder / "run" / "gateway.log").open("a") as log:
            for line in lines:
                log.write(f"{self.now:%Y-%m-%d %H:%M:%S}:000 {line}\n")
        return self.look()

    def wrapper(self, state: str, permit: int = 0, token: str = "no") -> None:  # noqa: S107
        text = f"state={state}\nstart={self.start}\npermit={permit or ''}\ntoken={token}\n"
        (self.folder / "run" / "wrapper").write_text(text)

    def waits(self) -> SentinelReport:
        """A container starts and its wrapper waits."""
        self.start += 1
        self.taken().unlink(missing_ok=True)
        self.wrapper("waiting")
        return self.says("wrapper: waiting for a permit")

    def taken(self) -> Path:
        return self.folder / "run" / "permit.taken"

    def permit(self) -> str:
        """The permit that lies ready; empty for none."""
        path = self.folder / "run" / "permit"
        return path.read_text().replace("\n", " ").strip() if path.exists() else ""

    def runs(self) -> int:
        """The wrapper takes the permit and starts run.sh."""
        number = int(self.permit().split()[0].removeprefix("id="))
        (self.folder / "run" / "permit").rename(self.taken())
        self.wrapper("running", number)
        self.says(f"wrapper: permit {number} taken: full, secondary", START, ATTEMPT)
        return number

    def ends(self) -> SentinelReport:
        self.wrapper("ended")
        return self.says("wrapper: run.sh ended with 0")

    def api(self, sign: Sign, detail: str = "") -> SentinelReport:
        self.sentinel._tell(sign, detail)
        return self.look()

    def logs_in(self) -> SentinelReport:
        self.waits()
        self.runs()
        self.says(PUSH, ANSWERED, DONE)
        return self.api(Sign.API_READY, "DU1")

    def later(self, **span: float) -> SentinelReport:
        self.now += timedelta(**span)
        return self.look()

    def outcomes(self) -> list[AttemptOutcome | None]:
        return [attempt.outcome for attempt in self.sentinel._keeper.records.attempts]


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_the_first_start_gets_a_permit(pod: Pod) -> None:
    pod.look()
    assert pod.permit() == ""
    assert pod.waits().state is LoginState.WAITING_FOR_PERMIT
    assert pod.permit() == "id=1 kind=full existingSession=secondary"


def test_a_start_gets_one_permit_however_often_it_is_looked_at(pod: Pod) -> None:
    pod.waits()
    pod.later(hours=5)
    assert pod.permit().startswith("id=1 ")
    (pod.folder / "run" / "permit").rename(pod.taken())
    pod.later(hours=5)
    assert pod.permit() == ""
    assert pod.outcomes() == [None]


def test_a_login_takes_the_apis_word(pod: Pod) -> None:
    pod.waits()
    pod.runs()
    assert pod.says(PUSH).state is LoginState.AWAITING_APPROVAL
    assert pod.says(ANSWERED, DONE).state is LoginState.LOGGING_IN
    report = pod.api(Sign.API_READY, "DU1")
    assert (report.state, report.accounts) == (LoginState.LOGGED_IN, ("DU1",))
    assert pod.outcomes() == [AttemptOutcome.LOGGED_IN]


def test_after_ten_minutes_the_episode_is_over(pod: Pod) -> None:
    pod.logs_in()
    pod.later(minutes=9)
    assert pod.outcomes() == [AttemptOutcome.LOGGED_IN]
    pod.later(minutes=1)
    assert pod.outcomes() == [AttemptOutcome.SETTLED]


def test_three_misses_park_and_a_request_gives_one_more(pod: Pod) -> None:
    for _ in range(3):
        pod.waits()
        pod.runs()
        pod.says(PUSH, ANSWERED, MISSED)
        pod.now += timedelta(minutes=15)
        pod.ends()
    report = pod.waits()
    assert pod.permit() == ""
    assert report.state is LoginState.APPROVAL_MISSED
    assert report.waiting is not None
    assert report.waiting.refusal == "Parked"
    assert pod.outcomes() == [AttemptOutcome.MISSED] * 3
    assert pod.sentinel.accept("login", "2026-11-25T16:00:00Z")
    assert not pod.sentinel.accept("login", "2026-11-25T16:00:00Z")
    assert not pod.sentinel.accept("login", "2026-11-25T15:59:00Z")
    assert pod.look().taken_login_request == "2026-11-25T16:00:00Z"
    assert pod.permit().startswith("id=4 kind=full")


def test_a_rejected_password_shows_while_the_start_waits(pod: Pod) -> None:
    pod.waits()
    pod.runs()
    pod.says("IBC: Login failed")
    since = pod.look().since
    pod.now += timedelta(minutes=1)
    pod.ends()
    report = pod.waits()
    assert (report.state, report.since) == (LoginState.REJECTED, since)
    pod.later(hours=9)
    assert pod.permit() == ""


def test_a_session_given_up_to_a_person_is_not_pushed_for(pod: Pod) -> None:
    pod.logs_in()
    pod.later(minutes=10)
    pod.later(minutes=600)
    pod.says("IBC: Re-login to session", GIVES_WAY)
    pod.ends()
    report = pod.waits()
    assert report.state is LoginState.SESSION_CONFLICT
    assert pod.permit() == ""
    pod.later(minutes=14)
    assert pod.permit() == ""
    pod.later(minutes=1)
    assert pod.permit().endswith("existingSession=secondary")


def test_a_killed_container_costs_no_push_by_itself(pod: Pod) -> None:
    pod.logs_in()
    report = pod.waits()
    assert report.state is LoginState.WAITING_FOR_PERMIT
    assert report.waiting is not None
    assert report.waiting.refusal == "Interval"
    assert pod.permit() == ""


def test_an_attempt_that_ibc_begins_by_itself_is_counted(pod: Pod) -> None:
    pod.logs_in()
    pod.later(minutes=10)
    pod.says("IBC: detected dialog entitled: Restart in progress; event=Opened")
    with (pod.folder / "run" / "gateway.log").open("a") as log:
        log.write("IBC returned exit status 0\nIBC will cold-restart shortly\n")
        log.write("IBC will restart shortly\n")
    assert pod.look().attempts_today == 2
    assert pod.outcomes() == [AttemptOutcome.SETTLED, None]
    pod.says(START, ATTEMPT, PUSH, ANSWERED, MISSED)
    assert pod.outcomes() == [AttemptOutcome.SETTLED, AttemptOutcome.MISSED]


def test_no_permit_is_given_once_the_pod_is_to_stop(pod: Pod) -> None:
    (pod.folder / "run" / "planned-stop").touch()
    report = pod.waits()
    assert pod.permit() == ""
    assert [hold.reason for hold in report.holds] == [GateReason.PLANNED_STOP]


def test_a_sentinel_that_crashed_goes_on_where_it_stood(pod: Pod) -> None:
    pod.waits()
    pod.runs()
    before = pod.says(PUSH)
    pod.now += timedelta(seconds=30)
    pod.boot()
    after = pod.look()
    assert (after.state, after.deadline) == (LoginState.AWAITING_APPROVAL, before.deadline)
    assert pod.outcomes() == [None]


def test_what_happened_while_no_sentinel_looked_is_read_later(pod: Pod) -> None:
    pod.waits()
    pod.runs()
    pod.says(PUSH)
    with (pod.folder / "run" / "gateway.log").open("a") as log:
        log.write(f"{pod.now:%Y-%m-%d %H:%M:%S}:000 {MISSED}\n")
    written = pod.now
    pod.now += timedelta(minutes=3)
    pod.boot()
    report = pod.look()
    assert (report.state, report.since) == (LoginState.APPROVAL_MISSED, written)
    assert pod.outcomes() == [AttemptOutcome.MISSED]


def test_a_login_is_not_believed_again_before_the_api_says_so(pod: Pod) -> None:
    full = pod.logs_in().full_auth_time
    pod.now += timedelta(days=3)
    pod.boot()
    assert pod.look().state is LoginState.UNKNOWN
    report = pod.api(Sign.API_READY, "DU1")
    assert (report.state, report.full_auth_time) == (LoginState.LOGGED_IN, full)


def test_a_login_that_nobody_saw_counts_for_no_week(pod: Pod) -> None:
    pod.logs_in()
    (pod.folder / "state" / "checkpoint.json").unlink()
    (pod.folder / "run" / "gateway.log").write_text("")
    pod.boot()
    pod.look()
    report = pod.api(Sign.API_READY, "DU1")
    assert (report.state, report.full_auth_time) == (LoginState.LOGGED_IN, None)


def test_an_unreadable_ledger_allows_nothing_until_a_person_asks(pod: Pod) -> None:
    (pod.folder / "state" / "attempts.jsonl").write_text("nonsense\n")
    pod.boot()
    report = pod.waits()
    assert pod.permit() == ""
    assert report.waiting is not None
    assert report.waiting.refusal == "DailyBudget"
    assert not pod.sentinel.accept("login", "2026-11-20T15:00:00Z")
    assert pod.sentinel.accept("login", "2026-11-25T15:00:00Z")
    pod.look()
    assert pod.permit().startswith("id=1 kind=full")


async def test_a_token_start_that_never_logs_in_has_a_dead_token(pod: Pod) -> None:
    pod.logs_in()
    pod.later(minutes=10)
    pod.says("IBC: Re-starting session")
    assert pod.later(minutes=3).state is LoginState.RESTARTING
    assert pod.later(seconds=1).state is LoginState.TOKEN_EXPIRED


def test_settings_of_a_running_sentinel_may_change(pod: Pod) -> None:
    (pod.folder / "settings.json").write_text('{"existingSession": "takeOver"}')
    pod.sentinel._next_settings = 0.0
    pod.waits()
    assert pod.permit().endswith("existingSession=primary")


def test_a_report_changes_its_number_only_with_its_content(pod: Pod) -> None:
    first = pod.waits().sequence
    assert pod.later(seconds=5).sequence == first
    pod.runs()
    assert pod.look().sequence > first
