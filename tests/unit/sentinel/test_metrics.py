"""What the sentinel's metrics say of a gateway."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from ibgateway_agent.sentinel.figures import SentinelView
from ibgateway_agent.sentinel.metrics import SentinelMetrics
from ibgateway_agent.sentinel.probe.handshake import ProbeResult
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState, Sign
from ibgateway_api.permits import Attempt, Cause, PermitKind, PermitRefusal
from ibgateway_api.reports import HoldReport, PermitReport, SentinelReport
from ibgateway_api.settings import SentinelSettings
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.figures import VolumeSize

WEDNESDAY = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 29, 5, 0, tzinfo=UTC)
"""01:00 in New York: IBKR's token boundary has just passed an hour ago."""


def report(state: LoginState = LoginState.LOGGED_IN, **more: object) -> SentinelReport:
    full = {"boot": "b", "sequence": 1, "at": WEDNESDAY, "since": WEDNESDAY - timedelta(minutes=2)}
    return SentinelReport.model_validate({**full, "state": state, **more})


IN = report(full_auth_time=datetime(2026, 11, 22, 14, 0, tzinfo=UTC), attempts_today=1)
VIEW = SentinelView(IN, SentinelSettings(), WEDNESDAY, skew=0.25)


class Scraped:
    """The sentinel's metrics with a view and a clock that a test sets."""

    def __init__(self, folder: Path, view: SentinelView | None = VIEW) -> None:
        self.view, self.seconds = view, 50.0
        clock = Clock(now=lambda: WEDNESDAY, monotonic=lambda: self.seconds)
        self.metrics = SentinelMetrics(clock, lambda: self.view, folder)

    def lines(self) -> list[str]:
        text = generate_latest(self.metrics.registry).decode()
        return [line for line in text.splitlines() if line.startswith("ibgateway_")]

    def of(self, name: str) -> dict[str, float]:
        """The series of a name, by their labels."""
        found = (line.rsplit(" ", 1) for line in self.lines())
        return {
            label.removeprefix(name): float(value)
            for label, value in found
            if label == name or label.startswith(f"{name}{{")
        }


@pytest.fixture
def scraped(tmp_path: Path) -> Scraped:
    return Scraped(tmp_path)


def test_before_the_first_look_nothing_is_said_of_the_gateway(tmp_path: Path) -> None:
    lines = Scraped(tmp_path, view=None).lines()
    assert [line for line in lines if "login_state" in line] == []


def test_a_gateway_that_is_logged_in(scraped: Scraped) -> None:
    assert scraped.of("ibgateway_login_state") == {'{state="LoggedIn"}': 1.0}
    since = WEDNESDAY - timedelta(minutes=2)
    assert scraped.of("ibgateway_login_state_since_timestamp_seconds") == {"": since.timestamp()}
    assert scraped.of("ibgateway_full_authentication_timestamp_seconds") == {"": 1795356000.0}
    assert scraped.of("ibgateway_login_attempts_last_day") == {"": 1.0}
    assert scraped.of("ibgateway_login_attempts_daily_limit") == {"": 6.0}
    assert scraped.of("ibgateway_clock_skew_seconds") == {"": 0.25}
    for nothing in ("push_deadline_timestamp_seconds", "permit_refused", "trading_held"):
        assert scraped.of(f"ibgateway_{nothing}") == {}


def test_a_push_that_waits_has_a_deadline(scraped: Scraped) -> None:
    deadline = WEDNESDAY + timedelta(minutes=3)
    waits = report(LoginState.AWAITING_APPROVAL, deadline=deadline)
    scraped.view = replace(VIEW, report=waits)
    assert scraped.of("ibgateway_login_state") == {'{state="AwaitingApproval"}': 1.0}
    assert scraped.of("ibgateway_push_deadline_timestamp_seconds") == {"": deadline.timestamp()}


def test_a_start_without_a_permit_says_why_and_until_when(scraped: Scraped) -> None:
    parked = PermitReport(refusal=PermitRefusal.PARKED)
    scraped.view = replace(VIEW, report=report(LoginState.WAITING_FOR_PERMIT, waiting=parked))
    assert scraped.of("ibgateway_permit_refused") == {'{reason="Parked"}': 1.0}
    assert scraped.of("ibgateway_next_attempt_timestamp_seconds") == {}
    later = PermitReport(refusal=PermitRefusal.INTERVAL, until=WEDNESDAY + timedelta(minutes=15))
    scraped.view = replace(VIEW, report=report(LoginState.WAITING_FOR_PERMIT, waiting=later))
    assert scraped.of("ibgateway_permit_refused") == {'{reason="Interval"}': 1.0}
    assert scraped.of("ibgateway_next_attempt_timestamp_seconds") == {"": 1795619700.0}


def test_what_holds_trading_and_what_the_sentinel_lacks(scraped: Scraped) -> None:
    held = report(holds=(HoldReport(reason=GateReason.CLOCK_SKEW),), undelivered="address 1")
    scraped.view = replace(VIEW, report=held, blind=True, unwritten=True)
    assert scraped.of("ibgateway_trading_held") == {'{reason="ClockSkew"}': 1.0}
    for name in ("sentinel_blind", "sentinel_unwritten", "notifications_undelivered"):
        assert scraped.of(f"ibgateway_{name}") == {"": 1.0}


WINDOW = (
    "window_open",
    "window_start_timestamp_seconds",
    "window_restart_timestamp_seconds",
    "next_window_timestamp_seconds",
    "next_restart_timestamp_seconds",
    "weekly_restart_overdue",
)


def seconds(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (
            WEDNESDAY,
            (
                0.0,
                seconds(2026, 11, 22, 6),
                seconds(2026, 11, 22, 14),
                seconds(2026, 11, 29, 6),
                seconds(2026, 11, 29, 14),
                0.0,
            ),
        ),
        (
            SUNDAY + timedelta(hours=2),
            (
                1.0,
                seconds(2026, 11, 29, 6),
                seconds(2026, 11, 29, 14),
                seconds(2026, 12, 6, 6),
                seconds(2026, 11, 29, 14),
                0.0,
            ),
        ),
        (
            SUNDAY + timedelta(hours=10),
            (
                1.0,
                seconds(2026, 11, 29, 6),
                seconds(2026, 11, 29, 14),
                seconds(2026, 12, 6, 6),
                seconds(2026, 12, 6, 14),
                1.0,
            ),
        ),
    ],
    ids=["authenticated", "before the restart", "missed"],
)
def test_the_window_and_the_restart(
    scraped: Scraped, now: datetime, expected: tuple[float, ...]
) -> None:
    scraped.view = replace(VIEW, now=now)
    assert tuple(scraped.of(f"ibgateway_{name}")[""] for name in WINDOW) == expected


@pytest.mark.parametrize(
    ("now", "outage"),
    [
        (WEDNESDAY, 0.0),
        (datetime(2026, 11, 26, 5, 0, tzinfo=UTC), 1.0),
        (datetime(2026, 11, 28, 7, 0, tzinfo=UTC), 1.0),
    ],
    ids=["Wednesday at ten", "the nightly reset", "Friday's outage"],
)
def test_ibkrs_announced_outages(scraped: Scraped, now: datetime, outage: float) -> None:
    scraped.view = replace(VIEW, now=now)
    assert scraped.of("ibgateway_ibkr_outage") == {"": outage}


def test_what_happened_is_counted(scraped: Scraped) -> None:
    counted = scraped.metrics
    for sign in (Sign.PUSH_SENT, Sign.APPROVAL_MISSED, Sign.LINK_LOST, Sign.SESSION_TAKEN):
        counted.sign(sign)
    counted.sign(Sign.LOGIN_COMPLETED)
    counted.probe(ProbeResult.READY, 0.2)
    counted.probe(ProbeResult.PORT_CLOSED, 0.001)
    counted.notification("taken")
    for name in ("pushes", "pushes_missed", "link_losses", "session_conflicts"):
        assert scraped.of(f"ibgateway_{name}_total") == {"": 1.0}
    assert scraped.of("ibgateway_api_probes_total") == {
        '{result="Ready"}': 1.0,
        '{result="PortClosed"}': 1.0,
    }
    assert scraped.of("ibgateway_api_handshake_seconds_count") == {"": 1.0}
    assert scraped.of("ibgateway_api_handshake_seconds_sum") == {"": 0.2}
    assert scraped.of("ibgateway_notifications_total") == {'{result="taken"}': 1.0}


def test_restarts_are_told_by_their_cause_and_none_twice(scraped: Scraped) -> None:
    counted = scraped.metrics

    def attempt(kind: PermitKind, cause: Cause) -> Attempt:
        return Attempt(id=1, at=WEDNESDAY, kind=kind, cause=cause)

    counted.attempt(attempt(PermitKind.FULL, Cause.WEEKLY))
    counted.attempt_of_driver(attempt(PermitKind.FULL, Cause.START))
    counted.attempt(attempt(PermitKind.TOKEN, Cause.START))
    counted.sign(Sign.TOKEN_START)
    assert scraped.of("ibgateway_restarts_total") == {
        '{cause="Weekly"}': 1.0,
        '{cause="Driver"}': 1.0,
        '{cause="Token"}': 1.0,
    }
    assert sum(scraped.of("ibgateway_login_attempts_total").values()) == 3.0


def test_each_state_has_the_seconds_that_it_lasted(scraped: Scraped) -> None:
    scraped.metrics.state(LoginState.LOGGING_IN)
    scraped.seconds += 20
    scraped.metrics.state(LoginState.LOGGED_IN)
    scraped.seconds += 600
    assert scraped.of("ibgateway_login_state_seconds_total") == {
        '{state="LoggingIn"}': 20.0,
        '{state="LoggedIn"}': 600.0,
    }


async def test_the_operator_and_the_volume(scraped: Scraped) -> None:
    assert scraped.of("ibgateway_operator_asked_timestamp_seconds") == {}
    scraped.metrics.operator_asked()
    await scraped.metrics.volume.look()
    asked = scraped.of("ibgateway_operator_asked_timestamp_seconds")
    assert asked == {"": WEDNESDAY.timestamp()}
    scraped.metrics.volume.size = VolumeSize(1000.0, 250.0)
    assert scraped.of("ibgateway_sentinel_volume_size_bytes") == {"": 1000.0}
    assert scraped.of("ibgateway_sentinel_volume_available_bytes") == {"": 250.0}
