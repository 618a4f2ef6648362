"""The executor's template waits for its moment, and then for the drain."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ibgateway_api.reports import ExecutorReport
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.gate import week_of
from ibgateway_operator.decide.held_children import executor_held
from ibgateway_operator.decide.stops import PlannedStop, stop_to_drain_for
from ibgateway_operator.model.snapshot import Drain, Snapshot
from operator_fakes import deployment, pod, snapshot

WINDOW = datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC)
"""A second after Sunday 01:00 New York."""
TRADES = (deployment("old"), pod("executor"), pod("gateway"))
WAITS = {"pendingRevision": "rev-2, paper-executor-new"}
ASKED = {"ibgateway.dev/login-requested-at": "2026-11-18T14:59:30Z"}
DRAINED = Drain("Executor", ExecutorReport(open=False, unacknowledged=0), 1.0)
BUSY = Drain("Executor", ExecutorReport(open=False, unacknowledged=1), 500.0)
OPEN = Drain("Executor", ExecutorReport(open=True, unacknowledged=0), 500.0)


def held(seen: Snapshot, template: str = "new") -> bool:
    return executor_held(seen, week_of(seen, Calendar()), template)


@pytest.mark.parametrize(
    ("template", "more", "expected"),
    [
        pytest.param("old", {}, False, id="the same template"),
        pytest.param("new", {}, True, id="a new one while it trades"),
        pytest.param("new", {"drain": DRAINED}, True, id="a drain is no moment"),
        pytest.param("new", {"age_of_news": 60.0}, True, id="silence is no permission"),
        pytest.param("new", {"now": WINDOW}, True, id="in the window, not asked yet"),
        pytest.param("new", {"now": WINDOW, "drain": BUSY}, True, id="one order is in doubt"),
        pytest.param("new", {"now": WINDOW, "drain": OPEN}, True, id="its gate is still open"),
        pytest.param("new", {"now": WINDOW, "drain": DRAINED}, False, id="in the window, drained"),
        pytest.param(
            "new",
            {"status": WAITS, "annotations": ASKED, "drain": DRAINED},
            False,
            id="on request, drained",
        ),
        pytest.param(
            "new", {"status": WAITS, "annotations": ASKED, "drain": BUSY}, True, id="on request"
        ),
    ],
)
def test_the_executors_new_template_waits(
    template: str, more: dict[str, Any], expected: bool
) -> None:
    assert held(snapshot(bodies=TRADES, **more), template) is expected


def test_a_suspended_executor_takes_it_with_the_suspends_own_drain() -> None:
    for said, waited, expected in ((None, 100.0, True), (None, 121.0, False)):
        seen = snapshot({"suspend": True}, bodies=TRADES, drain=Drain("Suspend", said, waited))
        assert held(seen) is expected


def test_an_executor_that_does_not_run_takes_its_new_template() -> None:
    waiting = pod("executor")
    waiting["status"]["containerStatuses"] = [
        {"name": "executor", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    ]
    assert held(snapshot(bodies=(deployment("old"), waiting, pod("gateway")))) is False


@pytest.mark.parametrize(
    ("spec", "more", "stop"),
    [
        pytest.param({}, {}, None, id="it waits for its moment"),
        pytest.param({}, {"now": WINDOW}, PlannedStop.EXECUTOR, id="in the window"),
        pytest.param({"suspend": True}, {}, PlannedStop.EXECUTOR, id="suspended and stopped"),
        pytest.param({}, {"annotations": ASKED}, PlannedStop.EXECUTOR, id="on request"),
    ],
)
def test_an_executor_is_asked_for_the_sake_of_its_own_template(
    spec: dict[str, Any], more: dict[str, Any], stop: PlannedStop | None
) -> None:
    seen = snapshot(spec, bodies=TRADES, status=WAITS, **more)
    assert stop_to_drain_for(seen, Calendar()) == stop
