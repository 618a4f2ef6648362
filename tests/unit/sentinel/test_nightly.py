"""The gateway's own nightly restart is ridden out: nothing new is sent right before it, and no push follows."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import ibgateway_pod
from ibgateway_agent.sentinel.nightly import HOLD_BEFORE, nightly_restart
from ibgateway_agent.sentinel.settings import environment
from ibgateway_api.gate import NEWS_LIMIT_SECONDS, GateReason
from ibgateway_api.login import Login, LoginState, Sign
from ibgateway_api.permits import AttemptOutcome
from ibgateway_executor.dispatch.dispatcher import ACKNOWLEDGEMENT_SECONDS
from sentinel_fakes import FakePod

TEN = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
"""Ten in the evening of New York."""
BEFORE = TEN - timedelta(hours=20)


def seconds_held(at: datetime, since: datetime = BEFORE, state: str = "LoggedIn") -> float | None:
    restart = nightly_restart("10:00 PM", "America/New_York")
    assert restart is not None
    until = restart.held_until(Login(LoginState(state), since), at)
    return None if until is None else (until - at).total_seconds()


@pytest.mark.parametrize(
    ("seconds", "held"), [(-31, None), (-30, 210), (0, 180), (179, 1), (180, None)]
)
def test_trading_is_held_from_half_a_minute_before_it(seconds: int, held: float | None) -> None:
    assert seconds_held(TEN + timedelta(seconds=seconds)) == held


def test_the_login_after_it_ends_the_hold_and_one_right_before_it_does_not() -> None:
    after = TEN + timedelta(seconds=50)
    assert seconds_held(after, since=TEN + timedelta(seconds=40)) is None
    assert seconds_held(after, since=TEN - timedelta(seconds=1)) == 130


def test_who_is_not_logged_in_has_a_reason_of_its_own() -> None:
    assert seconds_held(TEN, state="Restarting") is None


def test_where_the_hour_comes_twice_both_are_held_and_not_the_hour_between() -> None:
    restart = nightly_restart("02:30 AM", "Europe/Berlin")
    assert restart is not None
    login = Login(LoginState.LOGGED_IN, datetime(2026, 10, 20, tzinfo=UTC))
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    held = [restart.held_until(login, first + timedelta(minutes=m)) for m in (0, 30, 60)]
    assert held == [first + timedelta(minutes=3), None, first + timedelta(minutes=63)]


@pytest.mark.parametrize(
    ("text", "zone"),
    [("", "Etc/UTC"), ("22:00", "Etc/UTC"), ("10:00 PM", ""), ("10:00 PM", "Mars/Olympus")],
)
def test_a_gateway_that_restarts_at_no_time_is_not_held(text: str, zone: str) -> None:
    assert nightly_restart(text, zone) is None
    assert environment({"AUTO_RESTART_TIME": text, "TIME_ZONE": zone}).nightly is None


def test_a_night_as_it_is_reported(tmp_path: Path) -> None:
    """Hold, restart, proof: and the ledger has seen no further attempt."""
    pod = FakePod(tmp_path, AUTO_RESTART_TIME="10:00 PM", TIME_ZONE="America/New_York")
    pod.time.now = TEN - timedelta(hours=1)
    pod.logs_in()
    pod.later(minutes=30)
    assert pod.look().holds == ()
    pod.time.now = TEN - timedelta(seconds=20)
    report = pod.look()
    assert [(hold.reason, hold.until) for hold in report.holds] == [
        (GateReason.NIGHTLY_RESTART, TEN + timedelta(minutes=3))
    ]
    pod.time.now = TEN
    pod.says("IBC: detected dialog entitled: Restart in progress; event=Opened")
    report = pod.says("IBC: Re-starting session")
    assert (report.state, report.holds) == (LoginState.RESTARTING, ())
    pod.later(seconds=30)
    report = pod.api(Sign.API_READY, "DU1")
    assert (report.state, report.holds) == (LoginState.LOGGED_IN, ())
    assert pod.outcomes() == [AttemptOutcome.SETTLED]


def test_an_order_that_left_at_the_last_moment_has_a_fate_before_the_restart_and_before_a_stop() -> (
    None
):
    """Sent by an executor that had just gone deaf, and called unknown after its time."""
    longest = NEWS_LIMIT_SECONDS + ACKNOWLEDGEMENT_SECONDS
    assert longest < HOLD_BEFORE.total_seconds()
    (limit,) = re.findall(r"PRESTOP_DRAIN_SECONDS:-(\d+)", ibgateway_pod.script("prestop.sh"))
    assert longest < int(limit) < 100
