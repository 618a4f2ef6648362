"""Settings of the Gateway that let no login be used: said by name, and no push is spent on them again."""

from pathlib import Path

import pytest

from ibgateway_agent.sentinel.notifications.login_reading import login_reading
from ibgateway_agent.sentinel.probe.handshake import ProbeResult
from ibgateway_api.login import LoginState, Sign
from ibgateway_api.notifications import Concern
from ibgateway_api.reports import SentinelReport
from ibgateway_api.settings import NotificationSettings
from ibgateway_api.week import Calendar
from sentinel_fakes import FakePod
from sentinel_fakes.pod import ANSWERED, DONE, PUSH


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    return FakePod(tmp_path)


def told(report: SentinelReport) -> str:
    """What people hear of it."""
    settings = NotificationSettings(namespace="trading", gateway="paper")
    reading = login_reading(report, settings, Calendar(), "UTC")
    assert isinstance(reading, Concern)
    return reading.text


def logged_in_without_an_api(pod: FakePod) -> SentinelReport:
    pod.waits()
    pod.runs()
    pod.says(PUSH, ANSWERED, DONE)
    pod.sentinel.on_probe(ProbeResult.PORT_CLOSED, 0.0)
    return pod.later(seconds=61)


def test_an_api_on_another_port_is_said_with_the_port_it_belongs_on(pod: FakePod) -> None:
    report = logged_in_without_an_api(pod)
    assert report.state is LoginState.NEEDS_PERSON
    assert "nothing listens on its API port 4002" in report.why
    assert "Socket port to 4002" in told(report)


def test_no_push_is_spent_on_a_wrong_port_and_a_corrected_one_ends_it(pod: FakePod) -> None:
    logged_in_without_an_api(pod)
    for _ in range(60):
        pod.later(minutes=1)
    assert len(pod.records().attempts) == 1
    assert not pod.sentinel._stop.busy
    report = pod.api(Sign.API_READY, "DU1")
    assert (report.state, report.why) == (LoginState.LOGGED_IN, "")


def test_an_api_that_answers_late_needs_nobody(pod: FakePod) -> None:
    pod.waits()
    pod.runs()
    pod.says(PUSH, ANSWERED, DONE)
    pod.sentinel.on_probe(ProbeResult.PORT_CLOSED, 0.0)
    pod.later(seconds=30)
    pod.sentinel.on_probe(ProbeResult.ACCEPTED_BUT_SILENT, 0.0)
    assert pod.later(seconds=60).state is LoginState.LOGGING_IN


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            "IBC: could not find second factor device 'My phone' in the list",
            "IBKR lists no second factor named 'My phone'",
        ),
        (
            "IBC: You should specify the required second factor device using the SecondFactorDevice setting",
            "IBKR asks which second factor to use",
        ),
    ],
)
def test_an_unknown_second_factor_is_said_with_its_setting(
    pod: FakePod, line: str, why: str
) -> None:
    pod.waits()
    pod.runs()
    report = pod.says(line)
    assert report.state is LoginState.NEEDS_PERSON
    assert report.why.startswith(why)
    assert "spec.gateway.twoFactorDevice" in told(report)
