"""Conditions: what is seen, in words, and which of it matters first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_api.advice import LOGIN_ADVICE, PERMIT_ADVICE
from ibgateway_api.conditions import ConditionType
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.reports import PermitReport, SentinelReport
from ibgateway_operator.model.snapshot import Finding
from ibgateway_operator.status.conditions import Assessment
from operator_fakes import NOW, assessment, deployment, pod, report, snapshot, status_from


def words(one: Assessment) -> dict[str, str]:
    return {c.type: f"{c.status} {c.reason}" for c in status_from(one).conditions}


def ready(one: Assessment) -> tuple[str, str]:
    (condition,) = [c for c in status_from(one).conditions if c.type == ConditionType.READY]
    return condition.reason, condition.message


def test_a_gateway_that_trades() -> None:
    assert words(assessment(snapshot())) == {
        "SpecAccepted": "True Accepted",
        "GatewayLoggedIn": "True LoggedIn",
        "OutsideRestartWindow": "True WeekAuthenticated",
        "TradingAllowed": "True GateOpen",
        "ExecutorReady": "True PodReady",
        "ConsoleReady": "True PodReady",
        "NetworkPolicyEnforced": "True PolicyEnforced",
        "ChangePending": "False NothingWaits",
        "NotificationsDelivered": "Unknown NotConfigured",
        "Ready": "True Trading",
    }


def test_a_gateway_that_was_just_created() -> None:
    seen = snapshot(bodies=(), heard=None, age_of_news=float("inf"), enforced=None)
    assert words(assessment(seen)) == {
        "SpecAccepted": "True Accepted",
        "GatewayLoggedIn": "Unknown NoNews",
        "OutsideRestartWindow": "False RestartWindow",
        "TradingAllowed": "False NoNews",
        "ExecutorReady": "False NoPod",
        "ConsoleReady": "False NoPod",
        "NetworkPolicyEnforced": "Unknown PolicyUnknown",
        "ChangePending": "False NothingWaits",
        "NotificationsDelivered": "Unknown NotConfigured",
        "Ready": "False NoNews",
    }


def test_a_conflict_closes_the_gate_and_names_the_remedy() -> None:
    bodies = (pod("gateway"), pod("executor", ready=False), pod("novnc"))
    said = report(LoginState.SESSION_CONFLICT, since=NOW)
    one = assessment(snapshot(bodies=bodies, heard=(said)))
    assert words(one)["GatewayLoggedIn"] == "False SessionConflict"
    assert words(one)["TradingAllowed"] == "False SessionConflict"
    assert words(one)["ExecutorReady"] == "False GateClosed"
    assert ready(one) == (
        "SessionConflict",
        "somebody else is logged in with this user name: log out there and it goes on by itself",
    )


def test_a_refused_permit_says_why() -> None:
    said = report(
        LoginState.WAITING_FOR_PERMIT, waiting=PermitReport(refusal=PermitRefusal.DAILY_BUDGET)
    )
    assert ready(assessment(snapshot(heard=said))) == (
        "WaitingForPermit",
        "no login attempt is allowed now: DailyBudget: the attempts of 24 hours"
        " (spec.login.dailyAttempts) are used up: it goes on by itself then; ask for an attempt with the"
        " annotation ibgateway.dev/login-requested-at to have one now",
    )


def test_a_refused_permit_says_until_when() -> None:
    until = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    waiting = PermitReport(refusal=PermitRefusal.RESTART_AHEAD, until=until)
    said = report(LoginState.WAITING_FOR_PERMIT, waiting=waiting)
    _, message = ready(assessment(snapshot(heard=said)))
    assert "RestartAhead, until 2026-11-22T14:00:00Z: " in message


@pytest.mark.parametrize("state", [LoginState.APPROVAL_MISSED, LoginState.TOKEN_EXPIRED])
def test_a_login_that_stands_still_says_when_it_goes_on(state: LoginState) -> None:
    until = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    waiting = PermitReport(refusal=PermitRefusal.INTERVAL, until=until)
    _, message = ready(assessment(snapshot(heard=report(state, waiting=waiting))))
    assert ". The next attempt waits: Interval, until 2026-11-22T14:00:00Z: " in message


def test_a_push_says_until_when_it_waits() -> None:
    deadline = datetime(2026, 11, 18, 15, 3, tzinfo=UTC)
    said = report(LoginState.AWAITING_APPROVAL, deadline=deadline)
    assert ready(assessment(snapshot(heard=said))) == (
        "AwaitingApproval",
        "approve the push on IBKR Mobile until 2026-11-18T15:03:00Z",
    )


def test_a_connection_that_is_lost_for_long_says_what_to_look_at() -> None:
    short = report(LoginState.CONNECTION_LOST, since=NOW - timedelta(minutes=14))
    assert (
        "comes back by itself, mostly within minutes" in ready(assessment(snapshot(heard=short)))[1]
    )
    long = report(LoginState.CONNECTION_LOST, since=NOW - timedelta(minutes=15))
    assert "See whether IBKR is down" in ready(assessment(snapshot(heard=long)))[1]


@pytest.mark.parametrize("state", [LoginState.RESTARTING, LoginState.STOPPED])
def test_a_gateway_that_is_being_suspended_is_not_said_to_restart(state: LoginState) -> None:
    one = assessment(snapshot({"suspend": True}, heard=report(state)))
    assert words(one)["GatewayLoggedIn"] == "False Stopped"
    assert status_from(one).login.state is LoginState.STOPPED


def test_a_gateway_that_drains_before_it_is_suspended_is_still_logged_in() -> None:
    one = assessment(snapshot({"suspend": True}))
    assert status_from(one).login.state is LoginState.LOGGED_IN


def test_a_reason_of_a_newer_sentinel_is_shown_as_it_is() -> None:
    document = report(LoginState.WAITING_FOR_PERMIT).model_dump(mode="json", by_alias=True)
    document["waiting"] = {"refusal": "NeverHeardOf", "until": "2026-11-22T14:00:00Z"}
    said = SentinelReport.model_validate(document)
    _, message = ready(assessment(snapshot(heard=said)))
    assert message.endswith(": NeverHeardOf, until 2026-11-22T14:00:00Z")


def test_a_known_reason_stays_one() -> None:
    document = {"refusal": "Parked", "until": None}
    assert PermitReport.model_validate(document).refusal is PermitRefusal.PARKED


def test_what_the_sentinel_cannot_see_or_write_is_said_with_the_login() -> None:
    trouble = "the gateway's log can't be read"
    said = report(LoginState.UNKNOWN).model_copy(update={"trouble": trouble})
    _, message = ready(assessment(snapshot(heard=said)))
    assert message.endswith("; the gateway's log can't be read")


def test_every_refusal_has_an_advice() -> None:
    assert set(PERMIT_ADVICE) == set(PermitRefusal)


@pytest.mark.parametrize(
    ("spec", "more", "extra", "reason"),
    [
        pytest.param(
            {},
            {},
            {
                "findings": (Finding(ConditionReason.FOREIGN_OBJECT, "x"),),
                "refusal": Finding(ConditionReason.UNKNOWN_TIME_ZONE, "y"),
            },
            "UnknownTimeZone",
            id="a refused spec comes first",
        ),
        pytest.param(
            {},
            {},
            {
                "findings": (Finding(ConditionReason.FOREIGN_OBJECT, "x"),),
                "blocker": Finding(ConditionReason.CREDENTIALS_MISSING, "y"),
            },
            "ForeignObject",
            id="then what can't be applied",
        ),
        pytest.param(
            {"suspend": True},
            {},
            {"blocker": Finding(ConditionReason.CREDENTIALS_MISSING, "y")},
            "CredentialsMissing",
            id="then what is missing",
        ),
        pytest.param(
            {"suspend": True}, {"heard": None}, {}, "Suspended", id="then what the user asked for"
        ),
        pytest.param({}, {"age_of_news": 9.0}, {}, "NoNews", id="then the login"),
        pytest.param(
            {},
            {"now": datetime(2026, 11, 22, 7, 0, tzinfo=UTC)},
            {},
            "RestartWindow",
            id="then the week",
        ),
        pytest.param(
            {},
            {"now": datetime(2026, 11, 22, 15, 0, tzinfo=UTC)},
            {"overdue": True},
            "RestartOverdue",
            id="which may be overdue",
        ),
        pytest.param(
            {"executor": {"accounts": ["DU7654321"]}},
            {},
            {},
            "UnexpectedAccount",
            id="then the rest of the gate",
        ),
    ],
)
def test_ready_names_the_first_thing_that_matters(
    spec: dict[str, Any],
    more: dict[str, Any],
    extra: dict[str, Any],
    reason: str,
) -> None:
    assert ready(assessment(snapshot(spec, **more), **extra))[0] == reason


def test_without_an_executor_ready_is_about_the_gateway() -> None:
    seen = snapshot({"executor": {"enabled": False}}, bodies=(pod("gateway"),))
    assert words(assessment(seen))["ExecutorReady"] == "False Disabled"
    assert ready(assessment(seen))[0] == "Trading"


def test_a_broken_console_does_not_make_trading_unready() -> None:
    bodies = (pod("gateway"), pod("executor"), pod("novnc", ready=False))
    one = assessment(snapshot(bodies=bodies))
    assert words(one)["ConsoleReady"] == "False PodNotReady"
    assert ready(one)[0] == "Trading"


def test_an_image_that_can_not_be_pulled_is_named() -> None:
    broken = pod("executor", ready=False)
    waiting = {"name": "executor", "state": {"waiting": {"reason": "ErrImagePull"}}}
    broken["status"]["containerStatuses"] = [waiting]
    one = assessment(snapshot(bodies=(pod("gateway"), broken)))
    assert ready(one) == ("PodWaiting", "the executor pod does not run: ImagePullBackOff")


def test_every_login_state_has_an_advice() -> None:
    assert set(LOGIN_ADVICE) == set(LoginState)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("True", "False PodWaiting"),
        ("False", "False NoPod"),
    ],
)
def test_a_pod_that_the_api_server_does_not_take_is_told_in_its_words(
    status: str, said: str
) -> None:
    """A security context that the namespace's Pod Security forbids makes no pod, and only its Deployment knows why."""
    forbidden = 'pods "paper-executor-7d" is forbidden: violates PodSecurity "restricted:latest"'
    made = deployment()
    failure = {"type": "ReplicaFailure", "status": status, "message": forbidden}
    made["status"] = {"conditions": [failure]}
    seen = assessment(snapshot(bodies=(made, pod("gateway"), pod("novnc"))))
    assert words(seen)["ExecutorReady"] == said
    shown = next(c for c in status_from(seen).conditions if c.type == ConditionType.EXECUTOR_READY)
    assert (forbidden in shown.message) is (status == "True")
