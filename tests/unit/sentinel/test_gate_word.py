"""The gate as the sentinel tells it to programs: by its own look, the week, its holds and the operator's."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from ibgateway_agent.sentinel.gate.readiness import ReadinessProbe
from ibgateway_agent.sentinel.gate.report import GateInput, gate_word
from ibgateway_agent.sentinel.nightly import nightly_restart
from ibgateway_agent.sentinel.permits.records import Records
from ibgateway_agent.sentinel.publisher import ReportPublisher
from ibgateway_agent.sentinel.report import ReportInput
from ibgateway_api.gate import Closed, Open
from ibgateway_api.gate_documents import DrainRequest, GateReport
from ibgateway_api.login import Login, LoginState, Sign
from ibgateway_api.reports import HoldReport, SentinelReport, TradingPause
from ibgateway_api.settings import SentinelSettings
from sentinel_fakes import FakePod
from sentinel_fakes.gate import ServedGate
from sentinel_fakes.time import SteppedTime

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""A Wednesday; the week's login was on Sunday."""
SUNDAY = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
REPORT = SentinelReport(
    boot="b",
    sequence=1,
    at=NOW,
    state=LoginState.LOGGED_IN,
    since=NOW,
    accounts=("DU1234567",),
    full_auth_time=NOW - timedelta(days=3),
)
FINE = GateInput(told=REPORT, age=0.05, settings=SentinelSettings())


def with_hold(reason: str, until: datetime | None = None) -> SentinelReport:
    hold = HoldReport.model_validate({"reason": reason, "until": until})
    return REPORT.model_copy(update={"holds": (hold,)})


def settings(**more: object) -> SentinelSettings:
    return SentinelSettings.model_validate(more)


def reason(known: GateInput, now: datetime = NOW) -> str:
    return gate_word(known, now).reason


def test_it_is_open_while_everything_is_proven() -> None:
    assert isinstance(gate_word(FINE, NOW).gate, Open)
    assert reason(replace(FINE, age=5.0)) == "GateOpen"


CLOSED = {
    "before the first look": (replace(FINE, told=None), "NoNews"),
    "when the loop hangs": (replace(FINE, age=5.1), "NoNews"),
    "when the settings can't be read": (replace(FINE, unreadable="line 3"), "NoNews"),
    "without a login": (
        replace(FINE, told=REPORT.model_copy(update={"state": LoginState.CONNECTION_LOST})),
        "ConnectionLost",
    ),
    "when the week is not authenticated": (
        replace(FINE, told=REPORT.model_copy(update={"full_auth_time": NOW - timedelta(days=4)})),
        "RestartWindow",
    ),
    "for a hold of its own": (replace(FINE, told=with_hold("Paused")), "Paused"),
    "for a hold of the operator's": (
        replace(FINE, settings=settings(holds=[{"reason": "ReadOnlyApi"}])),
        "ReadOnlyApi",
    ),
    "for one that it does not know": (
        replace(FINE, settings=settings(holds=[{"reason": "OfTomorrow"}])),
        "Held",
    ),
    "with another account than expected": (
        replace(FINE, settings=settings(expectedAccounts=["DU7654321"])),
        "UnexpectedAccount",
    ),
    "with a paper account in live": (
        replace(FINE, settings=settings(tradingMode="live", expectedAccounts=["DU1234567"])),
        "UnexpectedAccount",
    ),
}


@pytest.mark.parametrize(("known", "why"), CLOSED.values(), ids=CLOSED)
def test_it_is_closed(known: GateInput, why: str) -> None:
    assert reason(known) == why
    assert isinstance(gate_word(known, NOW).gate, Closed)


def test_no_account_is_named_to_programs() -> None:
    known = replace(FINE, settings=settings(expectedAccounts=["DU7654321"]))
    assert "DU" not in str(gate_word(known, NOW).gate)


def test_until_is_ahead_or_not_known() -> None:
    soon = NOW + timedelta(minutes=30)
    assert gate_word(replace(FINE, told=with_hold("HandedOver", soon)), NOW).until == soon
    over = replace(FINE, told=with_hold("HandedOver", NOW))
    assert gate_word(over, NOW).until is None
    window = SUNDAY - timedelta(hours=6)
    assert gate_word(FINE, window).until == SUNDAY
    assert gate_word(FINE, SUNDAY + timedelta(minutes=5)).until is None


@pytest.mark.parametrize(
    ("now", "nightly", "at", "why"),
    [
        (NOW, None, SUNDAY, "WeeklyRestart"),
        (NOW, "10:00 PM", datetime(2026, 11, 26, 3, 0, tzinfo=UTC), "NightlyRestart"),
        (
            datetime(2026, 11, 26, 3, 0, tzinfo=UTC),
            "10:00 PM",
            datetime(2026, 11, 27, 3, 0, tzinfo=UTC),
            "NightlyRestart",
        ),
        (SUNDAY - timedelta(hours=2), "10:00 PM", SUNDAY, "WeeklyRestart"),
    ],
)
def test_the_stop_that_comes_first_is_told(
    now: datetime, nightly: str | None, at: datetime, why: str
) -> None:
    restart = nightly_restart(nightly, "America/New_York") if nightly else None
    stop = gate_word(replace(FINE, nightly=restart), now).next_stop
    assert (stop.at, stop.reason) == (at, why)


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    made = FakePod(tmp_path)
    made.logs_in()
    return made


def word(pod: FakePod) -> GateReport:
    return pod.sentinel.gate.publisher.latest()


def test_a_login_opens_it_and_its_end_closes_it(tmp_path: Path) -> None:
    pod = FakePod(tmp_path)
    assert word(pod).reason == "NoNews"
    pod.waits()
    assert word(pod).reason == "WaitingForPermit"
    pod.runs()
    pod.api(Sign.API_READY, "DU1")
    assert (word(pod).open, word(pod).reason) == (True, "GateOpen")
    pod.ends()
    assert not word(pod).open


def test_a_sentinel_that_no_longer_looks_closes_it(pod: FakePod) -> None:
    pod.time.passes(timedelta(seconds=4.9))
    assert word(pod).open
    pod.time.passes(timedelta(seconds=0.2))
    assert word(pod).reason == "NoNews"
    pod.look()
    assert word(pod).open


def test_a_hold_of_the_operator_counts_within_a_second(pod: FakePod) -> None:
    pod.settings('{"tradingMode": "paper", "holds": [{"reason": "Suspended"}]}')
    pod.look()
    assert word(pod).reason == "Suspended"
    pod.settings('{"tradingMode": "paper", "holds": []}')
    pod.look()
    assert word(pod).open


@pytest.fixture
def bad_settings(pod: FakePod) -> Iterator[FakePod]:
    pod.settings("{")
    pod.look()
    yield pod
    pod.settings('{"tradingMode": "paper"}')
    pod.look()
    assert word(pod).open


def test_settings_that_can_not_be_read_close_it_until_they_can(bad_settings: FakePod) -> None:
    assert (word(bad_settings).open, word(bad_settings).reason) == (False, "NoNews")
    assert "settings.json can't be read" in word(bad_settings).message


def test_a_volume_that_takes_no_writes_hides_no_hold_of_the_operator(
    pod: FakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left")

    monkeypatch.setattr(pod.sentinel._permits, "open", full)
    pod.settings('{"tradingMode": "paper", "holds": [{"reason": "Suspended"}]}')
    pod.look()
    pod.look()
    assert word(pod).reason == "Suspended"


def test_a_pause_at_the_console_closes_it() -> None:
    time = SteppedTime()
    reports = ReportPublisher("boot", time.clock)
    login = Login(LoginState.LOGGED_IN, NOW, accounts=("DU1",), full_auth_time=NOW)
    reports.publish(ReportInput(login, Records(), pause=TradingPause(id="a", since=NOW)))
    assert ServedGate(reports, time.clock).gate.publisher.latest().reason == "Paused"


def test_since_is_when_the_reason_came_and_the_sequence_grows_with_each_change(
    pod: FakePod,
) -> None:
    opened = word(pod)
    pod.later(minutes=5)
    later = word(pod)
    assert (later.since, later.sequence) == (opened.since, opened.sequence)
    assert later.at > opened.at
    pod.settings('{"tradingMode": "paper", "holds": [{"reason": "Suspended"}]}')
    pod.look()
    closed = word(pod)
    assert closed.sequence > opened.sequence
    assert closed.since == closed.at


def test_the_sequence_grows_across_boots(pod: FakePod) -> None:
    before = word(pod).sequence
    pod.time.passes(timedelta(seconds=1))
    pod.boot()
    assert word(pod).sequence > before


def test_a_restart_of_the_sentinel_closes_it_until_it_has_looked(pod: FakePod) -> None:
    pod.boot()
    assert (word(pod).open, word(pod).reason) == (False, "NoNews")
    pod.look()
    assert word(pod).open is (pod.look().state is LoginState.LOGGED_IN)


def served() -> tuple[ReportPublisher, ServedGate]:
    """A login that is proven, on a clock that stands still."""
    time = SteppedTime()
    reports = ReportPublisher("boot", time.clock)
    reports.publish(ReportInput(LOGGED_IN, Records()))
    return reports, ServedGate(reports, time.clock)


LOGGED_IN = Login(LoginState.LOGGED_IN, NOW, accounts=("DU1",), full_auth_time=NOW)
PAUSED = ReportInput(LOGGED_IN, Records(), pause=TradingPause(id="a", since=NOW))


async def test_who_waits_is_woken_by_the_change_and_not_by_its_patience() -> None:
    reports, behind = served()
    known = behind.gate.publisher.latest().sequence
    waits = asyncio.create_task(behind.gate.publisher.wait_for_newer(known, timedelta(hours=1)))
    await asyncio.sleep(0)
    reports.publish(PAUSED)
    behind.gate.look()
    assert await asyncio.wait_for(waits, 10) is True


async def test_the_kubelet_is_kept_waiting_while_it_would_hear_the_same_again() -> None:
    reports, behind = served()
    probe = ReadinessProbe(behind.gate.publisher, behind.clock)
    asked = make_mocked_request("GET", "/readyz?held")
    assert (await probe.get(asked)).status == 200
    again = asyncio.create_task(probe.get(asked))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not again.done()
    reports.publish(PAUSED)
    behind.gate.look()
    assert (await asyncio.wait_for(again, 10)).status == 503


async def test_somebody_else_who_asks_keeps_no_closing_from_the_kubelet() -> None:
    reports, behind = served()
    probe = ReadinessProbe(behind.gate.publisher, behind.clock)
    asked = make_mocked_request("GET", "/readyz?held")
    assert (await probe.get(asked)).status == 200
    both = asyncio.gather(probe.get(asked), probe.get(asked))
    for _ in range(10):
        await asyncio.sleep(0)
    reports.publish(PAUSED)
    behind.gate.look()
    answers = await asyncio.wait_for(both, 10)
    assert [answer.status for answer in answers] == [503, 503]


async def test_those_who_are_kept_waiting_are_bounded_and_the_rest_is_answered_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ibgateway_agent.sentinel.gate.readiness.MOST_WAITING", 2)
    reports, behind = served()
    probe = ReadinessProbe(behind.gate.publisher, behind.clock)
    asked = make_mocked_request("GET", "/readyz?held")
    assert (await probe.get(asked)).status == 200
    waits = [asyncio.create_task(probe.get(asked)) for _ in range(2)]
    for _ in range(10):
        await asyncio.sleep(0)
    third = asyncio.create_task(probe.get(asked))
    for _ in range(10):
        await asyncio.sleep(0)
    assert third.done()
    assert [task.done() for task in waits] == [False, False]
    reports.publish(PAUSED)
    behind.gate.look()
    assert [(await asyncio.wait_for(task, 10)).status for task in waits] == [503, 503]
    again = asyncio.create_task(probe.get(asked))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not again.done()
    again.cancel()


def test_since_stays_while_only_the_rest_of_the_word_changes(pod: FakePod) -> None:
    pod.sentinel.request_drain(DrainRequest(id="Suspend", reason="Suspend"))
    closed = word(pod)
    with pod.sentinel.gate.programs.asks("bot"):
        pod.look()
        later = word(pod)
    assert later.drain is not None
    assert later.drain.waiting_for == ("bot",)
    assert later.sequence > closed.sequence
    assert (later.reason, later.since) == (closed.reason, closed.since)
