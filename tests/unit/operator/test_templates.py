"""Pod templates that wait for the window, a request, or a pod that has not begun."""

from ibgateway_operator.decide.templates import never_started, pending_gateway
from operator_fakes import pod, revised, snapshot, stateful_set


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
