"""Replicas, held templates, planned stops and people's requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.gate import judge
from ibgateway_operator.decide.intent import (
    PlannedStop,
    RequestedLogin,
    executor_held,
    never_started,
    pending_gateway,
    planned_stop,
    policy_doubt,
    replicas,
    requested_login,
    restart_overdue,
)
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import Credentials
from operator_fakes import LIVE, heard, pod, report, snapshot

MISSING = Credentials("ib-credentials")
SUNDAY_RESTART = datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC)
"""A second after 09:00 New York."""


def stateful_set(replicas: int = 1, update: str = "rev-2") -> Manifest:
    return {
        "kind": "StatefulSet",
        "metadata": {"namespace": "trading", "name": "paper-gateway", "generation": 4},
        "spec": {"replicas": replicas},
        "status": {"observedGeneration": 4, "updateRevision": update},
    }


def deployment(template: str = "old", replicas: int = 1) -> Manifest:
    return {
        "kind": "Deployment",
        "metadata": {
            "namespace": "trading",
            "name": "paper-executor",
            "annotations": {"ibgateway.dev/template-hash": template},
        },
        "spec": {"replicas": replicas},
    }


def revised(body: Manifest, revision: str) -> Manifest:
    labels = {**body["metadata"]["labels"], "controller-revision-hash": revision}
    return {**body, "metadata": {**body["metadata"], "labels": labels}}


@pytest.mark.parametrize(
    ("spec", "more", "gateway"),
    [
        pytest.param({}, {}, 1, id="a new gateway starts"),
        pytest.param({}, {"credentials": MISSING}, 0, id="not without credentials"),
        pytest.param(
            {},
            {"credentials": MISSING, "bodies": (stateful_set(1),)},
            1,
            id="one that runs is not stopped for them",
        ),
        pytest.param(
            {"suspend": True},
            {"bodies": (stateful_set(1),)},
            1,
            id="suspend waits for the drain",
        ),
        pytest.param(
            {"suspend": True},
            {"bodies": (stateful_set(1),), "drained": True},
            0,
            id="then it stops",
        ),
        pytest.param({}, {"bodies": (stateful_set(0),)}, 1, id="resumed"),
    ],
)
def test_gateway_replicas(spec: dict[str, Any], more: dict[str, Any], gateway: int) -> None:
    seen = snapshot(spec, **more)
    assert seen.gateway.spec is not None
    assert replicas(seen.gateway.spec, seen).gateway == gateway


@pytest.mark.parametrize(
    ("spec", "enforced", "stored", "reason", "executor"),
    [
        pytest.param({}, False, (), None, 1, id="paper never minds"),
        pytest.param(LIVE, True, (), None, 1, id="live with proof"),
        pytest.param(LIVE, False, (), "PolicyNotEnforced", 0, id="live against proof"),
        pytest.param(LIVE, None, (), "PolicyUnknown", 0, id="live without proof"),
        pytest.param(LIVE, None, (deployment(),), "PolicyUnknown", 1, id="one that runs, runs"),
        pytest.param(
            {**LIVE, "networkPolicy": {"allowUnenforced": True}}, False, (), None, 1, id="allowed"
        ),
        pytest.param(
            {**LIVE, "networkPolicy": {"enabled": False}},
            True,
            (),
            "PolicyNotEnforced",
            0,
            id="policies off",
        ),
    ],
)
def test_a_live_executor_starts_only_with_proof_of_enforced_policies(
    spec: dict[str, Any],
    enforced: bool | None,
    stored: tuple[Manifest, ...],
    reason: str | None,
    executor: int,
) -> None:
    seen = snapshot(spec, enforced=enforced, bodies=stored)
    assert seen.gateway.spec is not None
    doubt = policy_doubt(seen.gateway.spec, seen)
    assert (doubt.reason if doubt else None) == reason
    assert replicas(seen.gateway.spec, seen).executor == executor


def test_a_pod_of_an_older_revision_shows_the_one_that_waits() -> None:
    old, new = revised(pod("gateway"), "rev-1"), revised(pod("gateway"), "rev-2")
    assert pending_gateway(snapshot(bodies=(stateful_set(), old))) == "rev-2"
    assert pending_gateway(snapshot(bodies=(stateful_set(), new))) == ""
    assert pending_gateway(snapshot(bodies=(stateful_set(),))) == ""


def test_a_status_of_an_older_generation_says_nothing_about_revisions() -> None:
    behind = stateful_set()
    behind["status"]["observedGeneration"] = 3
    seen = snapshot(bodies=(behind, revised(pod("gateway"), "rev-1")))
    assert pending_gateway(seen) == ""


def test_only_a_pod_that_has_not_begun_is_replaced_without_being_asked_for() -> None:
    waiting = revised(pod("gateway"), "rev-1")
    assert never_started(snapshot(bodies=(stateful_set(), waiting))) is False
    waiting["status"]["phase"] = "Pending"
    assert never_started(snapshot(bodies=(stateful_set(), waiting))) is True
    assert never_started(snapshot(bodies=(stateful_set(update="rev-1"), waiting))) is False


@pytest.mark.parametrize(
    ("template", "more", "held"),
    [
        pytest.param("old", {}, False, id="the same template"),
        pytest.param("new", {}, True, id="a new one while it trades"),
        pytest.param("new", {"age_of_news": 60.0}, True, id="silence is no permission"),
        pytest.param("new", {"now": SUNDAY_RESTART}, False, id="in the window"),
    ],
)
def test_the_executors_new_template_waits(template: str, more: dict[str, Any], held: bool) -> None:
    bodies = (deployment("old"), pod("executor"), pod("gateway"))
    seen = snapshot(bodies=bodies, **more)
    assert executor_held(seen, judge(seen, Calendar()), template) is held


def test_an_executor_that_does_not_run_takes_its_new_template() -> None:
    waiting = pod("executor")
    waiting["status"]["containerStatuses"] = [
        {"name": "executor", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    ]
    seen = snapshot(bodies=(deployment("old"), waiting, pod("gateway")))
    assert executor_held(seen, judge(seen, Calendar()), "new") is False


@pytest.mark.parametrize(
    ("state", "at", "handled", "stop"),
    [
        pytest.param("LoggedIn", "2026-11-18T15:00:00Z", "", None, id="Wednesday"),
        pytest.param("LoggedIn", "2026-11-22T06:30:00Z", "", None, id="window, not yet nine"),
        pytest.param(
            "LoggedIn", "2026-11-22T14:00:01Z", "", PlannedStop.RESTART, id="Sunday at nine"
        ),
        pytest.param(
            "LoggedIn", "2026-11-22T14:00:01Z", "2026-11-22T06:00:00Z", None, id="begun already"
        ),
        pytest.param("ApprovalMissed", "2026-11-22T14:00:01Z", "", None, id="parked"),
        pytest.param("SessionConflict", "2026-11-22T14:00:01Z", "", None, id="someone is there"),
        pytest.param("LoggedIn", "2026-11-22T14:16:00Z", "", None, id="too late"),
    ],
)
def test_the_weekly_restart(
    state: str,
    at: str,
    handled: str,
    stop: PlannedStop,
) -> None:
    said = report(LoginState(state), taken_restart=handled)
    seen = snapshot(now=datetime.fromisoformat(at), news=heard(said))
    assert planned_stop(seen, judge(seen, Calendar()), Calendar()) == stop


def test_a_full_login_after_the_boundary_needs_no_restart() -> None:
    said = report(full_auth_time=datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
    seen = snapshot(now=SUNDAY_RESTART, news=heard(said))
    assert planned_stop(seen, judge(seen, Calendar()), Calendar()) is None


def test_a_template_that_waits_turns_the_restart_into_a_new_pod() -> None:
    bodies = (stateful_set(), revised(pod("gateway"), "rev-1"))
    seen = snapshot(now=SUNDAY_RESTART, bodies=bodies)
    assert planned_stop(seen, judge(seen, Calendar()), Calendar()) is PlannedStop.REPLACE


def test_a_missed_restart_asks() -> None:
    late = snapshot(now=SUNDAY_RESTART + timedelta(minutes=16))
    assert restart_overdue(late, judge(late, Calendar()), Calendar()) is True
    on_time = snapshot(now=SUNDAY_RESTART)
    assert restart_overdue(on_time, judge(on_time, Calendar()), Calendar()) is False


def test_a_suspend_is_a_stop_only_while_something_runs() -> None:
    running = snapshot({"suspend": True}, bodies=(stateful_set(1),))
    stopped = snapshot({"suspend": True}, bodies=(stateful_set(0),))
    assert planned_stop(running, judge(running, Calendar()), Calendar()) is PlannedStop.SUSPEND
    assert planned_stop(stopped, judge(stopped, Calendar()), Calendar()) is None


@pytest.mark.parametrize(
    ("text", "handled", "wish"),
    [
        ("", "", None),
        ("2026-11-18T14:59:00Z", "", RequestedLogin("2026-11-18T14:59:00Z")),
        ("2026-11-18T15:59:30+01:00", "", RequestedLogin("2026-11-18T15:59:30+01:00")),
        ("2026-11-18T14:59:00Z", "2026-11-18T14:59:00Z", None),
        (
            "2026-11-18T14:58:00Z",
            "2026-11-18T14:59:00Z",
            RequestedLogin(
                "2026-11-18T14:58:00Z", "it is not newer than the last one, 2026-11-18T14:59:00Z"
            ),
        ),
        (
            "now",
            "",
            RequestedLogin(
                "now", "it is no RFC 3339 time with a zone, such as 2026-01-31T08:30:00Z"
            ),
        ),
        (
            "2026-11-18T14:59:00",
            "",
            RequestedLogin(
                "2026-11-18T14:59:00",
                "it is no RFC 3339 time with a zone, such as 2026-01-31T08:30:00Z",
            ),
        ),
        (
            "2026-11-18T15:01:01Z",
            "",
            RequestedLogin("2026-11-18T15:01:01Z", "it lies in the future"),
        ),
        (
            "2026-11-18T14:49:59Z",
            "",
            RequestedLogin("2026-11-18T14:49:59Z", "it is more than ten minutes old"),
        ),
    ],
)
def test_login_requests(text: str, handled: str, wish: RequestedLogin | None) -> None:
    annotations = {"ibgateway.dev/login-requested-at": text}
    status = {"login": {"handledRequest": handled}}
    assert requested_login(snapshot(annotations=annotations, status=status)) == wish
