"""What the sentinel tells everybody who may open the console's page."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ibgateway_api.console_documents import QueueReport
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal
from sentinel_fakes import FakePod
from sentinel_fakes.pod import PUSH


def test_a_push_that_waits_has_its_deadline_and_the_week_its_restart(tmp_path: Path) -> None:
    pod = FakePod(tmp_path)
    pod.waits()
    pod.runs()
    pod.says(PUSH)
    told = pod.sentinel.console_report()
    assert told.state is LoginState.AWAITING_APPROVAL
    assert told.since is not None
    assert told.deadline == told.since + timedelta(seconds=180)
    assert told.week_open
    assert told.restart == datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
    assert (told.attempts_today, told.daily_attempts) == (1, 6)
    assert told.queue is None


async def test_a_login_tells_no_account_and_how_many_orders_wait(tmp_path: Path) -> None:
    pod = FakePod(tmp_path)
    knows = pod.logs_in()
    assert knows.accounts == ("DU1",)
    queue = QueueReport(at=pod.time.now, waiting=3, sent=1)
    with pod.sentinel.drain.heard(knows.sequence, drained=False, queue=queue):
        told = pod.sentinel.console_report()
    assert (told.queue, told.week_open) == (queue, False)
    assert "DU1" not in told.to_json()
    pod.time.passes(timedelta(seconds=4))
    assert pod.sentinel.console_report().queue is None


def test_a_start_that_may_not_log_in_tells_why_and_until_when(tmp_path: Path) -> None:
    pod = FakePod(tmp_path)
    pod.waits()
    pod.runs()
    pod.ends()
    pod.waits()
    told = pod.sentinel.console_report()
    assert told.refusal is PermitRefusal.INTERVAL
    assert told.refused_until is not None
    assert told.at is not None
    assert timedelta(minutes=14) < told.refused_until - told.at < timedelta(minutes=15)
