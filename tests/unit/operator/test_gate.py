"""The operator's inputs of the gate, and the condition it writes for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_api.gate import Closed, Gate, GateReason, Open
from ibgateway_api.gate_documents import GateDrain
from ibgateway_api.login import LoginState
from ibgateway_api.reports import HoldReport, SentinelReport
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.gate import judge, pod_condition, upcoming
from ibgateway_operator.decide.holds import unexpected_account
from ibgateway_operator.model.manifests import Manifest
from operator_fakes import NOW, pod, report, snapshot


def reason(gate: Gate) -> str:
    return gate.reason if isinstance(gate, Closed) else "Open"


def test_a_proven_login_in_its_week_opens_the_gate() -> None:
    assert judge(snapshot(), Calendar()).gate == Open()


@pytest.mark.parametrize(
    ("spec", "more", "expected"),
    [
        pytest.param({}, {"age_of_news": 5.1}, "NoNews", id="silence"),
        pytest.param({}, {"heard": None}, "NoNews", id="never heard"),
        pytest.param({"suspend": True}, {}, "Suspended", id="suspended"),
        pytest.param({"suspend": True}, {"heard": None}, "Suspended", id="suspended and gone"),
        pytest.param(
            {"executor": {"accounts": ["DU7654321"]}}, {}, "UnexpectedAccount", id="other account"
        ),
        pytest.param(
            {},
            {"now": datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC)},
            "RestartWindow",
            id="a second after Sunday 01:00 New York",
        ),
        pytest.param(
            {}, {"now": datetime(2026, 11, 22, 5, 59, 59, tzinfo=UTC)}, "Open", id="before it"
        ),
    ],
)
def test_what_closes_the_gate(spec: dict[str, Any], more: dict[str, Any], expected: str) -> None:
    assert reason(judge(snapshot(spec, **more), Calendar()).gate) == expected


def test_every_login_state_but_one_closes_the_gate() -> None:
    for state in LoginState:
        seen = snapshot(heard=report(state))
        expected = "Open" if state is LoginState.LOGGED_IN else str(state)
        assert reason(judge(seen, Calendar()).gate) == expected


def late(*programs: str) -> SentinelReport:
    drain = GateDrain(
        id="b-1",
        reason="Suspend",
        since=NOW,
        until=datetime(2026, 11, 25, 15, 2, tzinfo=UTC),
        waiting_for=programs,
    )
    return report(holds=(HoldReport(reason=GateReason.PLANNED_STOP),)).model_copy(
        update={"drain": drain}
    )


@pytest.mark.parametrize(
    ("programs", "words"),
    [
        (
            ("bot",),
            "spec.suspend is true; not drained yet: bot (until 2026-11-25T15:02:00Z at most)",
        ),
        ((), "spec.suspend is true"),
        (
            tuple(f"bot-{n}" for n in range(7)),
            "spec.suspend is true; not drained yet: bot-0, bot-1, bot-2, bot-3, bot-4 and 2 more"
            " (until 2026-11-25T15:02:00Z at most)",
        ),
    ],
)
def test_a_stop_that_waits_for_programs_names_them(programs: tuple[str, ...], words: str) -> None:
    verdict = judge(snapshot({"suspend": True}, heard=late(*programs)), Calendar()).gate
    assert isinstance(verdict, Closed)
    assert verdict.message == words


def test_a_sentinel_that_fell_silent_names_nobody() -> None:
    seen = snapshot({"suspend": True}, heard=late("bot"), age_of_news=6.0)
    verdict = judge(seen, Calendar()).gate
    assert isinstance(verdict, Closed)
    assert verdict.message == "spec.suspend is true"


def test_a_pod_that_is_gone_is_not_believed_although_it_was_just_heard() -> None:
    seen = snapshot(bodies=(pod("executor"),))
    assert reason(judge(seen, Calendar()).gate) == "NoNews"


def test_a_pod_on_its_way_out_closes_the_gate_before_its_sentinel_says_so() -> None:
    leaving = pod("gateway", deleted="2026-11-18T14:59:59Z")
    assert reason(judge(snapshot(bodies=(leaving,)), Calendar()).gate) == "PlannedStop"


def test_the_sentinels_holds_count() -> None:
    said = report(holds=(HoldReport(reason=GateReason.CLOCK_SKEW),))
    seen = snapshot(heard=said)
    assert reason(judge(seen, Calendar()).gate) == "ClockSkew"


@pytest.mark.parametrize(
    ("spec", "accounts", "words"),
    [
        ({}, ("DU1234567",), ""),
        ({}, (), ""),
        ({}, ("U1234567",), "the gateway is in paper mode but is logged in to U1234567"),
        (
            {"executor": {"accounts": ["DU7654321"]}},
            ("DU1234567",),
            "expected DU7654321, but the login has DU1234567",
        ),
        ({"executor": {"accounts": ["DU1234567"]}}, ("DU1234567", "DU2"), ""),
        (
            {"tradingMode": "live", "executor": {"accounts": ["U1234567"]}},
            ("U1234567", "DU1234567"),
            "the gateway is in live mode but is logged in to DU1234567",
        ),
    ],
)
def test_unexpected_accounts_are_named(
    spec: dict[str, Any],
    accounts: tuple[str, ...],
    words: str,
) -> None:
    seen = snapshot(spec, heard=report(accounts=accounts))
    assert unexpected_account(seen) == words


def test_an_unusable_zone_of_the_restart_does_not_close_the_gate() -> None:
    seen = snapshot({"weeklyRestart": {"timeZone": "Mars/Olympus"}})
    assert judge(seen, Calendar()).gate == Open()


def test_the_gate_is_looked_at_again_when_news_would_be_too_old() -> None:
    assert judge(snapshot(age_of_news=1.5), Calendar()).look_again == pytest.approx(3.55)


def test_the_gate_is_looked_at_again_at_the_boundary() -> None:
    seen = snapshot(now=datetime(2026, 11, 22, 5, 59, 59, tzinfo=UTC), age_of_news=0.0)
    assert judge(seen, Calendar()).look_again == pytest.approx(1.05)


def test_silence_alone_is_no_reason_to_look_again_and_again() -> None:
    assert judge(snapshot(age_of_news=60.0), Calendar()).look_again > 3600.0


def test_the_next_restart_is_next_weeks_once_this_week_is_authenticated() -> None:
    assert judge(snapshot(), Calendar()).next_restart == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    before = snapshot(now=datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
    assert judge(before, Calendar()).next_restart == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def test_a_restart_that_was_missed_is_not_shown_as_the_next_one() -> None:
    never = snapshot(heard=report(full_auth_time=None), now=datetime(2026, 11, 18, tzinfo=UTC))
    assert judge(never, Calendar()).next_restart == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    due = snapshot(now=datetime(2026, 11, 22, 14, 10, tzinfo=UTC))
    assert judge(due, Calendar()).next_restart == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    missed = snapshot(now=datetime(2026, 11, 22, 14, 16, tzinfo=UTC))
    assert judge(missed, Calendar()).next_restart == datetime(2026, 11, 29, 14, 0, tzinfo=UTC)


def test_a_lost_connection_is_looked_at_again_when_it_has_lasted() -> None:
    lost = report(LoginState.CONNECTION_LOST, since=NOW - timedelta(minutes=5))
    verdict = judge(snapshot(heard=lost), Calendar())
    assert 600.05 in [round(seconds, 2) for seconds in upcoming(verdict, Calendar(), NOW)]


def test_the_weeks_next_moments() -> None:
    now = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
    seconds = upcoming(judge(snapshot(now=now), Calendar()), Calendar(), now)
    boundary = (datetime(2026, 11, 29, 6, 0, tzinfo=UTC) - now).total_seconds()
    assert seconds == pytest.approx([boundary + 0.05, 600.05])


class TestPodCondition:
    now = datetime(2026, 11, 18, 15, 0, 0, 123456, tzinfo=UTC)

    def pod(self, *conditions: Manifest) -> Manifest:
        return {"status": {"conditions": list(conditions)}}

    def test_an_open_gate_is_written_with_the_time_it_opened(self) -> None:
        assert pod_condition(Open(), self.pod(), self.now) == {
            "type": "ibgateway.dev/trading-allowed",
            "status": "True",
            "reason": "GateOpen",
            "message": "an order sent now goes to IBKR",
            "lastTransitionTime": "2026-11-18T15:00:00Z",
        }

    def test_what_stands_already_is_not_written_again(self) -> None:
        written = pod_condition(Open(), self.pod(), self.now)
        assert written is not None
        later = self.now + timedelta(hours=1)
        assert pod_condition(Open(), self.pod(written), later) is None

    def test_another_reason_keeps_the_time_and_another_status_moves_it(self) -> None:
        closed = pod_condition(Closed(GateReason.NO_NEWS, "silence"), self.pod(), self.now)
        assert closed is not None
        later = self.now + timedelta(minutes=1)
        again = pod_condition(Closed(LoginState.STOPPED, "ended"), self.pod(closed), later)
        assert again is not None
        assert again["reason"] == "Stopped"
        assert again["lastTransitionTime"] == "2026-11-18T15:00:00Z"
        opened = pod_condition(Open(), self.pod(closed), later)
        assert opened is not None
        assert opened["lastTransitionTime"] == "2026-11-18T15:01:00Z"
