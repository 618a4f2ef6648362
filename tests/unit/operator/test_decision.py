"""One decision from one snapshot: the parts that meet in it."""

from datetime import UTC, datetime

import pytest

from ibgateway_api.names import Component
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.reports import ExecutorReport
from ibgateway_operator.decide.actions import RestartGateway
from ibgateway_operator.decide.decision import Decision, decide
from ibgateway_operator.desired.config import sentinel_settings
from ibgateway_operator.model.snapshot import Credentials, Drain, Snapshot
from ibgateway_operator.settings import OperatorSettings
from operator_fakes import IMAGES, SCRIPTS, deployment, pod, snapshot, stateful_set

SUNDAY_RESTART = datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC)


def decided(seen: Snapshot) -> Decision:
    return decide(seen, OperatorSettings(images=IMAGES), SCRIPTS)


def test_a_refused_spec_is_judged_and_nothing_is_done_to_it() -> None:
    decision = decided(snapshot({"gateway": {"timeZone": "Mars/Base"}}, now=SUNDAY_RESTART))
    assert decision.refusal is not None
    assert decision.refusal.reason is ConditionReason.UNKNOWN_TIME_ZONE
    assert (decision.wanted, decision.actions, decision.given) == ((), (), None)
    assert decision.verdict.week.open is True


def test_the_same_snapshot_gives_the_same_decision() -> None:
    assert decided(snapshot()) == decided(snapshot())


@pytest.mark.parametrize("login", [{}, {"fullAuthTime": "2026-11-23T15:00:00Z"}])
def test_the_sentinel_hears_whether_this_gateway_was_ever_logged_in(login: dict[str, str]) -> None:
    """A resource that was made again under an old name was not: its status is empty."""
    given = decided(snapshot(status={"login": login})).given
    assert given is not None
    assert sentinel_settings(given).logged_in_before is bool(login)


def test_a_stop_that_waits_for_its_drain_does_nothing_yet() -> None:
    waiting = decided(snapshot(now=SUNDAY_RESTART))
    assert (waiting.actions, waiting.waits_for_drain) == ((), True)
    drained = Drain("Restart", ExecutorReport(open=False, unacknowledged=0), 1.0)
    due = decided(snapshot(now=SUNDAY_RESTART, drain=drained))
    assert due.actions == (RestartGateway("2026-11-22T06:00:00Z"),)
    assert due.waits_for_drain is False


def test_a_blocked_gateway_that_runs_keeps_its_stateful_set() -> None:
    bodies = (stateful_set(1), pod("gateway"))
    decision = decided(snapshot(bodies=bodies, credentials=Credentials("ib-credentials")))
    assert decision.blocker is not None
    assert ("StatefulSet", "paper-gateway") in decision.held
    assert "paper-gateway" not in {
        m["metadata"]["name"] for m in decision.to_apply if m["kind"] == "StatefulSet"
    }


def test_an_executor_template_that_waits_is_named_and_not_applied() -> None:
    bodies = (deployment("old"), pod("executor"), pod("gateway"))
    decision = decided(snapshot(bodies=bodies))
    assert decision.pending.startswith("paper-executor-")
    assert "Deployment" not in {
        m["kind"] for m in decision.to_apply if m["metadata"]["name"] == "paper-executor"
    }
    assert "Deployment" in {
        m["kind"] for m in decision.wanted if m["metadata"]["name"] == "paper-executor"
    }


def test_running_pods_without_the_hash_of_their_settings_are_stamped() -> None:
    assert set(decided(snapshot()).stamps) == {Component.GATEWAY, Component.EXECUTOR}
    going = pod("gateway", deleted="2026-11-18T14:59:00Z")
    assert decided(snapshot(bodies=(going,))).stamps == {}
