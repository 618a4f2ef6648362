"""Conditions and status: what is seen, in words; documented one by one; settled after one write."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from ibgateway_api.conditions import ConditionType
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reasons import ConditionReason, EventReason
from ibgateway_api.reports import PermitReport
from ibgateway_api.status import IBGatewayStatus
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.gate import judge
from ibgateway_operator.model.snapshot import Finding, Snapshot, parse
from ibgateway_operator.status import conditions
from ibgateway_operator.status.conditions import Assessment
from ibgateway_operator.status.document import document, status_of
from operator_fakes import pod, report, snapshot

ROOT = Path(__file__).parents[3]
PROGRAMS = [
    file
    for room in ("api/ibgateway_api/gate.py", "operator", "gateway", "executor")
    for file in ([ROOT / room] if room.endswith(".py") else sorted((ROOT / room).rglob("*.py")))
]
DOCS = Path(__file__).parents[3] / "docs" / "conditions.md"


def judged(seen: Snapshot, **more: Any) -> Assessment:
    return Assessment(seen, judge(seen, Calendar()), **more)


def status(one: Assessment) -> IBGatewayStatus:
    return status_of(one, pending="", handled_request="")


def words(one: Assessment) -> dict[str, str]:
    return {c.type: f"{c.status} {c.reason}" for c in status(one).conditions}


def ready(one: Assessment) -> tuple[str, str]:
    (condition,) = [c for c in status(one).conditions if c.type == ConditionType.READY]
    return condition.reason, condition.message


def test_a_gateway_that_trades() -> None:
    assert words(judged(snapshot())) == {
        "SpecAccepted": "True Accepted",
        "GatewayLoggedIn": "True LoggedIn",
        "OutsideRestartWindow": "True WeekAuthenticated",
        "TradingAllowed": "True GateOpen",
        "ExecutorReady": "True PodReady",
        "ConsoleReady": "True PodReady",
        "NetworkPolicyEnforced": "True PolicyEnforced",
        "Ready": "True Trading",
    }


def test_a_gateway_that_was_just_created() -> None:
    seen = snapshot(bodies=(), heard=None, age_of_news=float("inf"), enforced=None)
    assert words(judged(seen)) == {
        "SpecAccepted": "True Accepted",
        "GatewayLoggedIn": "Unknown NoNews",
        "OutsideRestartWindow": "False RestartWindow",
        "TradingAllowed": "False NoNews",
        "ExecutorReady": "False NoPod",
        "ConsoleReady": "False NoPod",
        "NetworkPolicyEnforced": "Unknown PolicyUnknown",
        "Ready": "False NoNews",
    }


def test_a_conflict_closes_the_gate_and_names_the_remedy() -> None:
    bodies = (pod("gateway"), pod("executor", ready=False), pod("novnc"))
    said = report(LoginState.SESSION_CONFLICT)
    one = judged(snapshot(bodies=bodies, heard=said))
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
    one = judged(snapshot(heard=said))
    assert ready(one) == ("WaitingForPermit", "no login attempt is allowed now: DailyBudget")


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
    assert ready(judged(snapshot(spec, **more), **extra))[0] == reason


def test_without_an_executor_ready_is_about_the_gateway() -> None:
    seen = snapshot({"executor": {"enabled": False}}, bodies=(pod("gateway"),))
    assert words(judged(seen))["ExecutorReady"] == "False Disabled"
    assert ready(judged(seen))[0] == "Trading"


def test_a_broken_console_does_not_make_trading_unready() -> None:
    bodies = (pod("gateway"), pod("executor"), pod("novnc", ready=False))
    one = judged(snapshot(bodies=bodies))
    assert words(one)["ConsoleReady"] == "False PodNotReady"
    assert ready(one)[0] == "Trading"


def test_an_image_that_can_not_be_pulled_is_named() -> None:
    broken = pod("executor", ready=False)
    waiting = {"name": "executor", "state": {"waiting": {"reason": "ErrImagePull"}}}
    broken["status"]["containerStatuses"] = [waiting]
    one = judged(snapshot(bodies=(pod("gateway"), broken)))
    assert ready(one) == ("PodWaiting", "the executor pod does not run: ImagePullBackOff")


def stored(seen: Snapshot, status: IBGatewayStatus) -> Snapshot:
    """The same gateway, with the status as the API server gives it back."""
    body = {
        "metadata": {
            "namespace": "trading",
            "name": "paper",
            "uid": "uid-1",
            "generation": 3,
            "resourceVersion": "101",
        },
        "spec": {"credentialsSecretRef": {"name": "ib-credentials"}},
        "status": document(status),
    }
    return replace(seen, gateway=parse(body))


def test_the_same_facts_give_the_same_status_a_minute_later() -> None:
    first = status(judged(snapshot()))
    later = stored(snapshot(now=datetime(2026, 11, 18, 15, 1, tzinfo=UTC)), first)
    assert document(status(judged(later))) == later.gateway.stored_status


def test_a_time_moves_only_with_its_status() -> None:
    first = status(judged(snapshot()))
    moment = datetime(2026, 11, 18, 15, 30, 0, 999, tzinfo=UTC)
    silent = stored(snapshot(now=moment, age_of_news=60.0), first)
    times = {c.type: c.last_transition_time for c in status(judged(silent)).conditions}
    assert times["GatewayLoggedIn"] == datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
    assert times["SpecAccepted"] == datetime(2026, 11, 18, 15, 0, tzinfo=UTC)


def test_the_status_holds_what_a_user_looks_for() -> None:
    status = status_of(judged(snapshot()), pending="rev-2", handled_request="2026-11-18T14:00:00Z")
    shown = document(status)
    assert shown["observedGeneration"] == 3
    assert shown["login"] == {
        "state": "LoggedIn",
        "since": "2026-11-15T14:03:00Z",
        "fullAuthTime": "2026-11-15T14:03:00Z",
        "attemptsToday": 1,
        "handledRequest": "2026-11-18T14:00:00Z",
    }
    assert shown["window"] == {
        "open": False,
        "opens": "2026-11-22T06:00:00Z",
        "restart": "2026-11-22T14:00:00Z",
    }
    assert shown["accounts"] == ["DU1234567"]
    assert shown["endpoints"] == {
        "api": "paper-gateway.trading.svc:4001",
        "novnc": "http://paper-novnc.trading.svc:6080",
        "executor": "http://paper-executor.trading.svc:8080",
        "intake": "http://paper-executor-intake.trading.svc:8080",
    }
    assert shown["pendingRevision"] == "rev-2"


def test_what_was_known_stays_known_while_nobody_is_heard() -> None:
    first = status(judged(snapshot()))
    silent = stored(snapshot(heard=None, age_of_news=float("inf")), first)
    shown = document(status(judged(silent)))
    assert shown["accounts"] == ["DU1234567"]
    assert shown["login"]["fullAuthTime"] == "2026-11-15T14:03:00Z"
    assert shown["window"]["open"] is False


def documented() -> set[str]:
    rows = re.findall(r"^\| `(\w+)` \|", DOCS.read_text(), re.MULTILINE)
    return set(rows) - {str(kind) for kind in ConditionType}


def reasons() -> set[str]:
    return {str(reason) for reason in (*LoginState, *GateReason, *ConditionReason)}


def test_every_reason_is_documented_and_nothing_else() -> None:
    assert documented() == reasons()


def test_every_reason_of_an_event_is_documented() -> None:
    events = DOCS.read_text().partition("## Events")[2]
    assert [reason for reason in EventReason if f"`{reason}`" not in events] == []


@pytest.mark.parametrize("reason", [*GateReason, *ConditionReason, *EventReason], ids=repr)
def test_no_reason_is_there_that_nothing_gives(reason: StrEnum) -> None:
    name = f"{type(reason).__name__}.{reason.name}"
    sources = "".join(file.read_text() for file in PROGRAMS)
    assert name in sources


def test_every_condition_is_documented() -> None:
    text = DOCS.read_text()
    for kind in ConditionType:
        assert f"| `{kind}` |" in text


def test_every_login_state_has_an_advice() -> None:
    assert set(conditions.LOGIN_ADVICE) == set(LoginState)
