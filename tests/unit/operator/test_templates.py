"""Pod templates that wait for the window, a request, or a pod that has not begun."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ibgateway_api.week import Calendar
from ibgateway_operator.decide.gate import judge
from ibgateway_operator.decide.templates import executor_held, never_started, pending_gateway
from operator_fakes import deployment, pod, revised, snapshot, stateful_set

SUNDAY_RESTART = datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC)
"""A second after 09:00 New York."""


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
