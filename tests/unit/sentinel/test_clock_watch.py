"""The clock against IBKR's: it holds trading, and no budget is kept by one that is wrong."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ibgateway_agent.sentinel.log.login_fold import LoginFold
from ibgateway_agent.sentinel.loop import Sentinel
from ibgateway_agent.sentinel.permits.records import RequestKind
from ibgateway_agent.sentinel.probe.clock_watch import ClockWatch
from ibgateway_agent.sentinel.probe.monitor import ApiMonitor, ProbeTimings
from ibgateway_agent.sentinel.settings import SentinelEnvironment
from ibgateway_agent.sentinel.state import GatewayState
from ibgateway_api.gate import GateReason
from ibgateway_api.login import Login, LoginState, Sign
from ibgateway_api.settings import SentinelSettings
from ibgateway_runtime.clock import system_clock
from sentinel_fakes import ApiBehaviour, EvidenceRecorder, FakePod, SteppedTime, gateway_api

EPOCH = 1795618800
"""2026-11-25T15:00:00Z, the time at which the stepped clock begins."""


@pytest.fixture
def time() -> SteppedTime:
    return SteppedTime()


@pytest.fixture
def watch(time: SteppedTime) -> ClockWatch:
    return ClockWatch(time.clock)


def compare(
    watch: ClockWatch, time: SteppedTime, answer: str, *, round_trip: float = 0.0
) -> float | None:
    watch.asked()
    time.passes(timedelta(seconds=round_trip))
    watch.answered(answer)
    return watch.skew


def test_before_the_first_answer_nothing_is_known(watch: ClockWatch) -> None:
    assert watch.skew is None
    assert not watch.is_off()
    assert not watch.is_wrong()


@pytest.mark.parametrize(
    ("behind", "round_trip", "skew"),
    [
        (0, 0.0, -0.5),
        (3, 0.0, 2.5),
        (-10, 0.0, -10.5),
        (0, 0.4, -0.3),
        (3, 0.8, 2.9),
    ],
)
def test_half_a_second_and_half_the_round_trip_are_allowed_for(
    watch: ClockWatch, time: SteppedTime, behind: int, round_trip: float, skew: float
) -> None:
    answer = str(EPOCH - behind)
    assert compare(watch, time, answer, round_trip=round_trip) == pytest.approx(skew)


@pytest.mark.parametrize("answer", ["", "soon", "-", "1e9", "9" * 30, "nan"])
def test_what_is_no_time_is_none(watch: ClockWatch, time: SteppedTime, answer: str) -> None:
    assert compare(watch, time, answer) is None


def test_a_slow_answer_tells_nothing_of_the_clock(watch: ClockWatch, time: SteppedTime) -> None:
    assert compare(watch, time, str(EPOCH - 30), round_trip=1.1) is None
    assert compare(watch, time, str(EPOCH - 30), round_trip=0.9) == pytest.approx(31.05)


def test_of_two_questions_without_an_answer_the_first_counts(
    watch: ClockWatch, time: SteppedTime
) -> None:
    watch.asked()
    time.passes(timedelta(seconds=2))
    assert compare(watch, time, str(EPOCH)) is None


def test_a_new_connection_begins_anew(watch: ClockWatch, time: SteppedTime) -> None:
    watch.asked()
    time.passes(timedelta(seconds=2))
    watch.connected()
    assert compare(watch, time, str(EPOCH + 2)) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("behind", "off", "wrong"),
    [(5, False, False), (6, True, False), (-5, True, False), (60, True, False), (61, True, True)],
)
def test_five_seconds_hold_trading_and_a_minute_is_wrong(
    watch: ClockWatch, time: SteppedTime, behind: int, off: bool, wrong: bool
) -> None:
    compare(watch, time, str(EPOCH - behind))
    assert (watch.is_off(), watch.is_wrong()) == (off, wrong)


def test_the_noise_of_whole_seconds_lets_nothing_flap(
    watch: ClockWatch, time: SteppedTime, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []
    for behind in (6, 5, 6, 5, 4, 5, 6):
        compare(watch, time, str(EPOCH - behind))
        seen.append(watch.is_off())
    assert seen == [True, True, True, True, False, False, True]
    said = [record.message for record in caplog.records if "off IBKR's" in record.message]
    assert said == ["this clock is +5.5 s off IBKR's: set the node's clock right"] * 2


def test_a_clock_that_is_set_is_seen_before_the_next_answer(
    watch: ClockWatch, time: SteppedTime
) -> None:
    compare(watch, time, str(EPOCH))
    assert not watch.is_off()
    time.passes(timedelta(seconds=2))
    time.now += timedelta(seconds=90)
    assert (watch.is_off(), watch.is_wrong()) == (True, True)
    time.now -= timedelta(seconds=90)
    assert (watch.is_off(), watch.is_wrong()) == (False, False)


@pytest.mark.parametrize("jump", [-61, 90, 28800])
def test_what_a_jump_was_while_nobody_answers_is_not_known(
    watch: ClockWatch, time: SteppedTime, jump: int
) -> None:
    """A clock that was set right, or a machine that slept: nothing is kept from logging in for ever."""
    compare(watch, time, str(EPOCH - 61))
    assert watch.is_wrong()
    time.passes(timedelta(hours=3))
    assert watch.is_wrong()
    time.now += timedelta(seconds=jump)
    assert (watch.is_wrong(), watch.is_off(), watch.skew) == (False, False, None)
    assert compare(watch, time, f"{time.now.timestamp() - 31:.0f}") == pytest.approx(30.5)
    assert watch.is_wrong() is False
    assert watch.is_off() is True


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    return FakePod(tmp_path)


def test_a_clock_that_differs_holds_trading_while_logged_in(pod: FakePod) -> None:
    pod.logs_in()
    assert pod.ibkr_tells_time(0).holds == ()
    report = pod.ibkr_tells_time(-7)
    assert report.state is LoginState.LOGGED_IN
    assert [hold.reason for hold in report.holds] == [GateReason.CLOCK_SKEW]
    assert pod.ibkr_tells_time(0).holds == ()


def test_no_attempt_goes_by_a_wrong_clock_until_it_is_right(pod: FakePod) -> None:
    pod.logs_in()
    pod.ibkr_tells_time(-61)
    pod.ends()
    report = pod.waits(token=True)
    assert report.waiting is not None
    assert (report.waiting.refusal, report.waiting.until) == ("ClockSkew", None)
    pod.later(hours=30)
    assert pod.permit() == ""
    pod.time.now -= timedelta(seconds=61)
    pod.look()
    assert pod.permit() != ""


def test_a_person_may_ask_although_the_clock_is_wrong(pod: FakePod) -> None:
    pod.logs_in()
    pod.ibkr_tells_time(-61)
    pod.ends()
    pod.waits()
    assert pod.permit() == ""
    assert pod.sentinel.accept(RequestKind.LOGIN, f"{pod.time.now:%Y-%m-%dT%H:%M:%SZ}")
    pod.look()
    assert "kind=full" in pod.permit()


def skew_metric(sentinel: Sentinel) -> str:
    return str(sentinel.metrics.registry.get_sample_value("ibgateway_clock_skew_seconds"))


def test_the_skew_is_a_metric(pod: FakePod) -> None:
    assert skew_metric(pod.sentinel) == "None"
    pod.logs_in()
    pod.ibkr_tells_time(-7)
    assert skew_metric(pod.sentinel) == "6.5"


def known(port: int) -> GatewayState:
    """A login that is under way."""
    nowhere = Path("/nonexistent")
    environment = SentinelEnvironment(nowhere, nowhere, nowhere, nowhere, api_port=port)
    login = Login(LoginState.LOGGING_IN, datetime(2026, 11, 25, 15, 0, tzinfo=UTC), running=True)
    return GatewayState(environment, SentinelSettings(), LoginFold(login))


async def test_the_clocks_are_compared_before_a_login_is_proven() -> None:
    async with gateway_api() as gateway:
        gateway.behaviour = ApiBehaviour(ahead=-30)
        receiver = EvidenceRecorder()
        monitor = ApiMonitor(known(gateway.port), receiver, system_clock())
        task = asyncio.create_task(monitor.run())
        await receiver.has(Sign.API_READY, "DU1234567")
        assert monitor.clock_watch.is_off()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_kept_connection_goes_on_comparing() -> None:
    async with gateway_api() as gateway:
        receiver, timings = EvidenceRecorder(), ProbeTimings(question_every=0.02)
        monitor = ApiMonitor(known(gateway.port), receiver, system_clock(), timings)
        task = asyncio.create_task(monitor.run())
        await receiver.has(Sign.API_READY, "DU1234567")
        assert not monitor.clock_watch.is_off()
        gateway.behaviour = ApiBehaviour(ahead=120)
        await receiver.until_polled(monitor.clock_watch.is_wrong)
        gateway.behaviour = ApiBehaviour()
        await receiver.until_polled(lambda: not monitor.clock_watch.is_off())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
