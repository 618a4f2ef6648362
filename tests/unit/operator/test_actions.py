"""What is done to a gateway beside its children, from one snapshot."""

from datetime import UTC, datetime

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reports import ExecutorReport, PermitReport
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.actions import (
    Action,
    IgnoreRequest,
    ReplacePod,
    RequestLogin,
    RestartGateway,
    SettleRequested,
    actions,
)
from ibgateway_operator.decide.gate import week_of
from ibgateway_operator.decide.stops import PlannedStop, stop_to_drain_for
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import Drain, Snapshot
from operator_fakes import pod, report, revised, snapshot, stateful_set

REQUEST = "2026-11-18T14:59:30Z"
ASKED = {"ibgateway.dev/login-requested-at": REQUEST}
DRAINED = Drain("Replace", ExecutorReport(open=False, unacknowledged=0), 1.0)
BUSY = Drain("Replace", ExecutorReport(open=False, unacknowledged=1), 1.0)
REPLACED = ReplacePod("paper-gateway-0", "uid-gateway", "rev-2")


def done(seen: Snapshot, stop: PlannedStop | None = None) -> tuple[Action, ...]:
    return actions(seen, week_of(seen, Calendar()), stop)


def with_a_template_that_waits() -> tuple[Manifest, ...]:
    return (stateful_set(), revised(pod("gateway"), "rev-1"), pod("executor"))


def test_nothing_is_done_to_a_gateway_that_trades() -> None:
    assert done(snapshot()) == ()


def test_the_weeks_restart_is_named_by_its_boundary() -> None:
    sunday = snapshot(now=datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC))
    assert done(sunday, PlannedStop.RESTART) == (RestartGateway("2026-11-22T06:00:00Z"),)


def test_a_restart_with_a_template_that_waits_is_a_new_pod() -> None:
    seen = snapshot(bodies=with_a_template_that_waits())
    assert done(seen, PlannedStop.REPLACE) == (REPLACED,)


def test_a_pod_that_is_going_already_is_not_deleted_again() -> None:
    going = revised(pod("gateway", deleted="2026-11-18T14:59:00Z"), "rev-1")
    assert done(snapshot(bodies=(stateful_set(), going)), PlannedStop.REPLACE) == ()


def test_a_pod_that_has_not_begun_is_replaced_without_being_asked() -> None:
    waiting = revised(pod("gateway"), "rev-1")
    waiting["status"]["phase"] = "Pending"
    assert done(snapshot(bodies=(stateful_set(), waiting))) == (REPLACED,)


def test_a_request_is_handed_to_the_sentinel() -> None:
    away = report(LoginState.APPROVAL_MISSED)
    assert done(snapshot(annotations=ASKED, heard=away)) == (RequestLogin(REQUEST),)


def test_a_request_while_logged_in_for_the_week_leads_to_no_push() -> None:
    seen = snapshot(annotations=ASKED, status={"observedGeneration": 3})
    assert done(seen) == (RequestLogin(REQUEST, pushes=False),)


@pytest.mark.parametrize(("drain", "expected"), [(None, ()), ("open", ()), ("drained", None)])
def test_a_request_in_the_window_is_the_weeks_restart_and_drains_first(
    drain: str | None, expected: tuple[Action, ...] | None
) -> None:
    said = {
        None: None,
        "open": Drain("Restart", ExecutorReport(open=True), 1.0),
        "drained": Drain("Restart", ExecutorReport(open=False), 1.0),
    }
    late = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
    request = "2026-11-22T14:59:00Z"
    notes = {"ibgateway.dev/login-requested-at": request}
    seen = snapshot(now=late, annotations=notes, drain=said[drain])
    assert done(seen) == ((RequestLogin(request),) if expected is None else expected)
    assert stop_to_drain_for(seen, Calendar()) is PlannedStop.RESTART


def test_a_request_that_is_too_old_is_ignored_with_the_reason() -> None:
    old = {"ibgateway.dev/login-requested-at": "2026-11-18T10:00:00Z"}
    why = "it is more than ten minutes old"
    assert done(snapshot(annotations=old)) == (IgnoreRequest("2026-11-18T10:00:00Z", why),)


@pytest.mark.parametrize(
    ("drain", "expected"),
    [
        (DRAINED, (ReplacePod("paper-gateway-0", "uid-gateway", "rev-2", REQUEST),)),
        (BUSY, ()),
        (None, ()),
    ],
)
def test_a_request_takes_the_template_that_waits_once_drained(
    drain: Drain | None, expected: tuple[Action, ...]
) -> None:
    seen = snapshot(bodies=with_a_template_that_waits(), annotations=ASKED, drain=drain)
    assert done(seen) == expected


def test_a_restart_and_a_request_replace_the_pod_once() -> None:
    seen = snapshot(bodies=with_a_template_that_waits(), annotations=ASKED, drain=DRAINED)
    replaced = ReplacePod("paper-gateway-0", "uid-gateway", "rev-2", REQUEST)
    assert done(seen, PlannedStop.REPLACE) == (replaced,)


@pytest.mark.parametrize(
    ("state", "waiting", "expected"),
    [
        (LoginState.WAITING_FOR_PERMIT, None, ()),
        (LoginState.AWAITING_APPROVAL, None, (SettleRequested(REQUEST),)),
        (LoginState.LOGGED_IN, None, (SettleRequested(REQUEST),)),
        (LoginState.WAITING_FOR_PERMIT, PermitRefusal.PARKED, (RequestLogin(REQUEST),)),
    ],
)
def test_the_new_pods_own_start_answers_the_request_unless_it_may_not(
    state: LoginState, waiting: PermitRefusal | None, expected: tuple[Action, ...]
) -> None:
    said = report(state, waiting=PermitReport(refusal=waiting) if waiting else None)
    seen = snapshot(annotations=ASKED, replaced_for=REQUEST, heard=said)
    assert done(seen) == expected
