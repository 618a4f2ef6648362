"""A person wants the login: read once, told beforehand what it costs, drained for, and taken back."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.reports import (
    ExecutorReport,
    HandoverReport,
    HoldReport,
    PermitReport,
    SentinelReport,
)
from ibgateway_api.status import HandoverStatus
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.gate import judge, week_of
from ibgateway_operator.decide.handovers import (
    RequestedHandover,
    handed_back,
    handover_due,
    handover_said,
    handover_status,
    requested_handover,
)
from ibgateway_operator.decide.requests import requested_login
from ibgateway_operator.decide.stops import PlannedStop, drained, planned_stop
from ibgateway_operator.model.snapshot import Drain, Snapshot
from ibgateway_runtime.errors import EndpointRefusedError, EndpointUnavailableError
from operator_fakes import OperatorWorld, pod, report, snapshot
from operator_fakes.objects import NOW

HALF_PAST = datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
LATER = "2026-11-18T15:30:00Z"
ID = f"{LATER} {LATER}"
DRAINED = ExecutorReport(open=False, unacknowledged=0).to_json().encode()
BUSY = ExecutorReport(open=False, unacknowledged=1).to_json().encode()
SAID = {"handover": {"request": LATER, "until": LATER}}


def asked(text: str, status: dict[str, Any] | None = None, **more: Any) -> Snapshot:
    annotations = {"ibgateway.dev/handover-until": text} if text else {}
    return snapshot(annotations=annotations, status=status, **more)


def away(handover: str = ID, *, costs: bool = False, **more: Any) -> SentinelReport:
    """What the sentinel says while a person has the login."""
    stands = HandoverReport(
        id=handover, until=HALF_PAST, costs_push=costs, why="no token" if costs else ""
    )
    return report(
        LoginState.WAITING_FOR_PERMIT,
        waiting=PermitReport(refusal="HandedOver", until=HALF_PAST),
        holds=(HoldReport(reason=GateReason.HANDED_OVER, until=HALF_PAST),),
        handover=stands,
        **more,
    )


@pytest.mark.parametrize(
    ("text", "until", "refused"),
    [
        (LATER, HALF_PAST, ""),
        ("2026-11-18T16:30:00+01:00", HALF_PAST, ""),
        ("30m", HALF_PAST, ""),
        ("1h30m", NOW + timedelta(minutes=90), ""),
        ("90s", NOW + timedelta(seconds=90), ""),
        ("3d", NOW + timedelta(days=3), ""),
        ("3d1s", None, "more than 3 days"),
        ("2026-11-18T15:00:00Z", None, "not ahead of the clock"),
        ("0m", None, "not ahead of the clock"),
        ("2026-11-18T15:30:00", None, "neither an RFC 3339 time"),
        ("noon", None, "neither an RFC 3339 time"),
        ("-30m", None, "neither an RFC 3339 time"),
        ("30", None, "neither an RFC 3339 time"),
        ("99999999d", None, "neither an RFC 3339 time"),
    ],
)
def test_what_the_annotation_says(text: str, until: datetime | None, refused: str) -> None:
    found = requested_handover(asked(text))
    assert found is not None
    assert found.until == until
    assert refused in found.refused
    assert bool(found.refused) is bool(refused)


def test_a_duration_counts_from_when_it_was_seen_first() -> None:
    status = {"handover": {"request": "30m", "until": LATER}}
    later = asked("30m", status, now=NOW + timedelta(minutes=10))
    assert requested_handover(later) == RequestedHandover("30m", HALF_PAST)
    over = asked("30m", status, now=HALF_PAST)
    assert handover_due(over) is None


def test_what_was_announced_as_ignored_never_acts() -> None:
    status = {"handover": {"ignored": LATER}}
    assert handover_due(asked(LATER, status)) is None
    assert costs(asked(LATER, status)) is False


def test_nothing_ends_before_the_status_says_until_when_and_what_it_costs() -> None:
    new = asked(LATER)
    assert handover_due(new) is not None
    assert handover_said(new) is None
    assert handover_said(asked(LATER, SAID)) == RequestedHandover(LATER, HALF_PAST)


def test_the_login_drains_first_and_the_week_is_not_restarted_meanwhile() -> None:
    seen = asked(LATER, SAID)
    assert planned_stop(seen, week_of(seen, Calendar()), Calendar()) is PlannedStop.HANDOVER
    sunday = datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC)
    until = {"handover": {"request": "x", "until": "2026-11-22T15:00:00Z"}}
    on_sunday = asked("x", until, now=sunday)
    stop = planned_stop(on_sunday, week_of(on_sunday, Calendar()), Calendar())
    assert stop is PlannedStop.HANDOVER
    stands = HandoverReport(
        id="2026-11-22T15:00:00Z x", until=datetime(2026, 11, 22, 15, tzinfo=UTC)
    )
    pauses = replace(on_sunday, report=report(handover=stands))
    assert planned_stop(pauses, week_of(pauses, Calendar()), Calendar()) is None


def test_a_person_wins_over_an_executor_that_does_not_answer() -> None:
    for waited, goes in ((120.0, False), (120.1, True)):
        seen = asked(LATER, SAID, drain=Drain("Handover", None, waited))
        assert drained(seen, PlannedStop.HANDOVER) is goes


def costs(seen: Snapshot) -> bool:
    calendar = Calendar()
    return handover_status(seen, week_of(seen, calendar), calendar).costs_push


@pytest.mark.parametrize(
    ("seen", "push"),
    [
        (asked(LATER), False),
        (asked("2026-11-20T12:00:00Z"), False),
        (asked("2026-11-22T06:00:00Z", now=NOW + timedelta(days=2)), True),
        (asked("2026-11-22T05:00:00Z", now=NOW + timedelta(days=2)), True),
        (asked("2026-11-22T04:00:00Z", now=NOW + timedelta(days=2)), False),
        (asked(LATER, heard=report(LoginState.APPROVAL_MISSED)), True),
        (asked(LATER, heard=report(full_auth_time=None)), True),
        (asked(LATER, SAID, heard=away(costs=True)), True),
        (asked(LATER, SAID, heard=away()), False),
        (asked("2026-11-18T16:00:00Z", SAID, heard=away()), False),
        (asked("2026-11-18T16:00:00Z", SAID, heard=away(costs=True)), True),
    ],
)
def test_what_the_return_costs(seen: Snapshot, push: bool) -> None:
    assert costs(seen) is push


def test_a_login_that_is_asked_for_meanwhile_is_ignored_with_the_way_to_have_it() -> None:
    both = {
        "ibgateway.dev/login-requested-at": "2026-11-18T14:59:00Z",
        "ibgateway.dev/handover-until": LATER,
    }
    for heard in (report(), away()):
        request = requested_login(snapshot(annotations=both, heard=heard))
        assert request is not None
        assert "until 2026-11-18T15:30:00Z: remove the annotation" in request.refused


def test_the_status_forgets_what_is_over_and_nothing_that_may_stand() -> None:
    def remembered(seen: Snapshot) -> HandoverStatus:
        return handover_status(seen, week_of(seen, Calendar()), Calendar())

    mine = HandoverStatus(request=LATER, until=HALF_PAST)
    assert remembered(asked("", SAID, heard=away())) == mine
    assert remembered(asked("", SAID, heard=None)) == mine
    assert remembered(asked("", SAID, heard=None, now=HALF_PAST)) == HandoverStatus()
    assert remembered(asked("", SAID)) == HandoverStatus()
    assert remembered(asked("", SAID, heard=away("of somebody else"))) == HandoverStatus()
    refused = remembered(asked("noon", SAID, heard=away()))
    assert refused == mine.model_copy(update={"ignored": "noon"})


def test_only_what_the_annotation_asked_for_is_taken_back_when_it_goes() -> None:
    assert handed_back(asked("", SAID, heard=away())) == ID
    assert handed_back(asked("", SAID, heard=away("of somebody else"))) == ""
    assert handed_back(asked(LATER, SAID, heard=away())) == ""
    assert handed_back(asked("noon", SAID, heard=away())) == ""


def test_the_gate_says_that_a_person_has_the_login_and_not_that_it_is_gone() -> None:
    for seen in (asked(LATER), asked(LATER, SAID, heard=away())):
        verdict = judge(seen, Calendar()).gate
        assert getattr(verdict, "reason", "") == GateReason.HANDED_OVER


async def test_from_the_annotation_to_the_login_and_back(trading: OperatorWorld) -> None:
    trading.http.answers["/v1/gate"] = BUSY
    trading.annotate("handover-until", LATER)
    assert await trading.keep_gate() == ["condition False HandedOver"]
    assert "create Event HandoverRequested" in await trading.reconcile()
    assert trading.http.posted == []
    assert trading.condition("Ready") == "False HandedOver"
    trading.deliver()
    await trading.reconcile()
    assert trading.http.posted == [], "an order is unacknowledged"
    assert trading.next_look() <= 1.0
    trading.http.answers["/v1/gate"] = DRAINED
    assert "create Event HandedOver" in await trading.reconcile()
    body = json.dumps({"id": ID, "until": LATER}, separators=(",", ":"))
    assert trading.http.posted == [("/v1/handovers", body)]
    trading.hear(away(sequence=8))
    await trading.reconcile()
    assert "2026-11-18T15:30:00Z" in trading.message("Ready")
    assert "comes back without a push" in trading.message("TradingAllowed")
    assert len(trading.http.posted) == 1
    trading.annotate("handover-until", "")
    assert "create Event HandedBack" in await trading.reconcile()
    assert trading.http.posted[1:] == [
        ("/v1/handovers", json.dumps({"id": ID}).replace(" ", "", 1))
    ]
    trading.hear(report(sequence=9))
    await trading.reconcile()
    assert trading.stored()["status"]["handover"]["request"] == ""


@pytest.mark.parametrize("executor", [True, False], ids=["with an executor", "without one"])
async def test_what_was_said_is_done_at_the_next_moment_although_no_watch_shows_our_own_words(
    trading: OperatorWorld, executor: bool
) -> None:
    trading.http.answers["/v1/gate"] = DRAINED
    if not executor:
        trading.edit(executor={"enabled": False})
        trading.api_server.remove("Pod", "paper-executor-abc")
        await trading.reconcile()
    trading.annotate("handover-until", LATER)
    assert "create Event HandoverRequested" in await trading.reconcile()
    assert trading.next_look() < 0.1
    assert "create Event HandedOver" in await trading.reconcile()


async def test_an_operator_that_starts_again_on_the_way_asks_for_the_same_time(
    trading: OperatorWorld,
) -> None:
    trading.http.answers["/v1/gate"] = DRAINED
    trading.annotate("handover-until", "30m")
    await trading.reconcile()
    trading.deliver()
    until = trading.stored()["status"]["handover"]["until"]
    trading.start_again()
    trading.pass_time(70)
    trading.hear(report(sequence=8))
    for _ in range(3):
        await trading.reconcile()
        trading.deliver()
    (posted,) = {body for path, body in trading.http.posted if path == "/v1/handovers"}
    assert json.loads(posted)["until"] == until


@pytest.mark.parametrize(
    ("text", "words"), [("noon", "neither an RFC"), ("2020-01-01T00:00:00Z", "not ahead")]
)
async def test_what_can_not_be_is_said_once_and_does_nothing(
    trading: OperatorWorld, text: str, words: str
) -> None:
    trading.annotate("handover-until", text)
    assert "create Event HandoverIgnored" in await trading.reconcile()
    trading.deliver()
    assert "create Event HandoverIgnored" not in await trading.reconcile()
    assert trading.condition("TradingAllowed") == "True GateOpen"
    events = (body for (kind, *_), body in trading.api_server.objects.items() if kind == "Event")
    (note,) = [event["note"] for event in events if event["reason"] == "HandoverIgnored"]
    assert words in note
    assert trading.http.posted == []


@pytest.mark.parametrize(
    ("answer", "event"),
    [(EndpointRefusedError("it is too late"), True), (EndpointUnavailableError("away"), False)],
)
async def test_a_sentinel_that_does_not_take_it_is_asked_again(
    trading: OperatorWorld, answer: EndpointUnavailableError, event: bool
) -> None:
    trading.http.answers.update({"/v1/gate": DRAINED, "/v1/handovers": answer})
    trading.annotate("handover-until", LATER)
    await trading.reconcile()
    trading.deliver()
    writes = await trading.reconcile()
    assert ("create Event HandoverIgnored" in writes) is event
    assert trading.next_look() <= 1.0
    del trading.http.answers["/v1/handovers"]
    assert "create Event HandedOver" in await trading.reconcile()


async def test_a_token_that_is_lost_meanwhile_is_told(trading: OperatorWorld) -> None:
    trading.http.answers["/v1/gate"] = DRAINED
    trading.annotate("handover-until", LATER)
    await trading.reconcile()
    trading.deliver()
    await trading.reconcile()
    trading.hear(away(sequence=8))
    await trading.reconcile()
    trading.deliver()
    trading.hear(away(sequence=9, costs=True))
    assert "create Event HandoverCostsPush" in await trading.reconcile()
    assert "costs a push, because no token" in trading.message("Ready")


async def test_a_gateway_that_is_not_logged_in_has_nothing_to_drain(
    trading: OperatorWorld,
) -> None:
    trading.hear(report(LoginState.APPROVAL_MISSED, sequence=8))
    trading.annotate("handover-until", LATER)
    await trading.reconcile()
    trading.deliver()
    await trading.reconcile()
    assert [path for path, _ in trading.http.posted] == ["/v1/handovers"]


def test_a_gateway_pod_that_is_away_is_no_reason_to_forget() -> None:
    silent = asked(LATER, SAID, heard=None, bodies=(pod("executor"),))
    assert handover_said(silent) is not None
