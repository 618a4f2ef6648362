"""What a person asks for at the console: by the rules of an annotation, named in the ledger, after a drain."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from ibgateway_agent.errors import ActionRefusedError
from ibgateway_api.console_documents import ActionOffer, ConsoleAction
from ibgateway_api.login import Sign
from ibgateway_api.requests import ConsoleRequest, HandoverRequest
from sentinel_fakes import FakePod
from sentinel_fakes.pod import ANSWERED, DONE, PUSH

LOGIN, RESTART, HANDOVER = ConsoleAction.LOGIN, ConsoleAction.RESTART, ConsoleAction.HANDOVER
PAUSE, RESUME, HAND_BACK = ConsoleAction.PAUSE, ConsoleAction.RESUME, ConsoleAction.HAND_BACK


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    return FakePod(tmp_path)


def press(pod: FakePod, action: ConsoleAction, **more: int) -> bool:
    """By somebody who has agreed to a push, unless `pushAgreed` says otherwise."""
    asked = f"{pod.time.now:%Y-%m-%dT%H:%M:%SZ}"
    return pod.sentinel.asked_at_console(
        ConsoleRequest.model_validate({"id": asked, "action": action, "pushAgreed": True, **more})
    )


def refused(pod: FakePod, action: ConsoleAction, **more: int) -> str:
    with pytest.raises(ActionRefusedError) as error:
        press(pod, action, **more)
    return str(error.value)


def offered(pod: FakePod, action: ConsoleAction) -> ActionOffer:
    offers = pod.sentinel.console_report().offers
    return next(offer for offer in offers if offer.action is action)


def ledger(pod: FakePod) -> list[tuple[str, str, str]]:
    """Every line that tells who asked: what, of which kind, and by whom."""
    lines = (pod.state / "attempts.jsonl").read_text().splitlines()
    notes = [json.loads(line) for line in lines if "note" in json.loads(line)]
    return [(n["note"], n.get("kind", ""), n.get("by", "")) for n in notes if n["note"] == "asked"]


def parked(pod: FakePod) -> None:
    """A start that may not try again by itself."""
    pod.waits()
    pod.runs()
    pod.ends()
    pod.waits()
    assert pod.permit() == ""


async def gone(pod: FakePod) -> None:
    """The process ends as it was told to."""
    pod.ends()
    await pod.stopped()


def test_one_login_is_given_at_once_and_its_push_was_said(pod: FakePod) -> None:
    parked(pod)
    assert offered(pod, LOGIN) == ActionOffer(action=LOGIN, pushes=True)
    assert press(pod, LOGIN)
    pod.look()
    assert pod.permit().split()[1:] == ["kind=full", "existingSession=secondary"]
    assert pod.records().attempts[-1].cause == "Requested"
    assert ledger(pod) == [("asked", "console login", "console"), ("asked", "login", "console")]


def test_a_finger_that_slips_sends_one_push(pod: FakePod) -> None:
    parked(pod)
    press(pod, LOGIN)
    assert not press(pod, LOGIN)
    pod.time.passes(timedelta(seconds=1))
    assert refused(pod, LOGIN) == "something was asked for here a moment ago"
    pod.look()
    pod.time.passes(timedelta(seconds=31))
    assert refused(pod, LOGIN) == "a login is under way"
    assert len(pod.records().attempts) == 2


def test_a_login_that_is_there_is_not_asked_for_again(pod: FakePod) -> None:
    pod.logs_in()
    assert refused(pod, LOGIN) == "the gateway is logged in"
    assert offered(pod, RESTART) == ActionOffer(action=RESTART)


def test_where_live_waits_for_proof_no_button_helps(pod: FakePod) -> None:
    pod.settings('{"tradingMode": "live", "loginsAllowed": false}')
    pod.waits()
    assert refused(pod, LOGIN).startswith("PolicyUnproven: ")


async def test_a_handover_waits_until_orders_have_drained(pod: FakePod) -> None:
    knows = pod.logs_in().sequence
    with pod.sentinel.drain.heard(knows, drained=False):
        assert press(pod, HANDOVER, minutes=45)
        stops = pod.look()
        assert [hold.reason for hold in stops.holds] == ["PlannedStop"]
        assert pod.sentinel.console_report().draining is HANDOVER
        assert stops.handover is None
    with pod.sentinel.drain.heard(stops.sequence, drained=True):
        pod.look()
        told = pod.look()
    assert told.handover is not None
    assert told.handover.until - pod.time.now > timedelta(minutes=44)
    assert not told.handover.costs_push
    assert told.handover.id.startswith("console 2026-")
    assert [hold.reason for hold in told.holds] == ["HandedOver", "PlannedStop"]
    assert ledger(pod) == [("asked", "console handover", "console")]
    assert refused(pod, HANDOVER) == "a person has the login"
    await gone(pod)


async def test_orders_that_do_not_drain_keep_their_login(pod: FakePod) -> None:
    knows = pod.logs_in().sequence
    with pod.sentinel.drain.heard(knows, drained=False):
        press(pod, RESTART)
        assert [hold.reason for hold in pod.look().holds] == ["PlannedStop"]
        pod.time.passes(timedelta(seconds=31))
        assert refused(pod, HANDOVER) == "restart waits until orders have drained"
        pod.later(seconds=30)
        told = pod.look()
    assert told.holds == ()
    assert told.handover is None
    assert pod.sentinel.console_report().not_drained is RESTART


async def test_a_restart_with_a_token_is_a_short_leave_without_a_push(pod: FakePod) -> None:
    pod.logs_in()
    assert offered(pod, RESTART) == ActionOffer(action=RESTART)
    pod.later(seconds=4)
    press(pod, RESTART)
    pod.look()
    told = pod.look()
    assert told.handover is not None
    assert not told.handover.costs_push
    assert told.handover.until - pod.time.now <= timedelta(seconds=10)
    await gone(pod)


async def test_in_the_window_a_restart_is_the_weeks_with_one_push(pod: FakePod) -> None:
    pod.logs_in()
    pod.later(days=4)  # Sunday 15:00 UTC: past the boundary, and past 09:00 New York
    offer = offered(pod, RESTART)
    assert (offer.pushes, offer.why, offer.refused) == (True, "this week's login is due", "")
    press(pod, RESTART)
    pod.look()
    pod.look()
    assert ledger(pod) == [("asked", "console restart", "console"), ("asked", "login", "console")]
    await gone(pod)
    pod.waits()
    assert pod.permit().split()[1] == "kind=full"


async def test_only_a_handover_of_the_console_is_ended_there(pod: FakePod) -> None:
    pod.logs_in()
    assert refused(pod, HAND_BACK) == "there is nothing of that kind to be ended"
    pod.later(seconds=4)
    press(pod, HANDOVER)
    pod.look()
    assert pod.look().handover is not None
    pod.later(seconds=1)
    press(pod, HAND_BACK)
    assert pod.look().handover is None
    await gone(pod)


def test_a_handover_of_an_annotation_ends_with_it(pod: FakePod) -> None:
    pod.waits()
    until = pod.time.now + timedelta(minutes=30)
    body = {"id": "30m", "until": until}
    pod.sentinel.hand_over(HandoverRequest.model_validate(body))
    assert refused(pod, HAND_BACK).startswith("it was asked for by the annotation")


def test_a_pause_holds_trading_through_a_restart_of_the_sentinel_until_it_is_ended(
    pod: FakePod,
) -> None:
    pod.logs_in()
    assert press(pod, PAUSE)
    assert [hold.reason for hold in pod.look().holds] == ["Paused"]
    pod.boot()
    assert [hold.reason for hold in pod.look().holds] == ["Paused"]
    assert pod.sentinel.console_report().paused_since is not None
    assert refused(pod, PAUSE) == "there is nothing of that kind to be ended"
    assert press(pod, RESUME)
    assert pod.look().holds == ()


def test_while_a_push_waits_no_second_one_is_asked_for(pod: FakePod) -> None:
    pod.waits()
    pod.runs()
    pod.says(PUSH)
    assert refused(pod, LOGIN) == "a login is under way"


def test_a_pause_is_in_force_though_the_clock_was_set_back_before_it(pod: FakePod) -> None:
    pod.logs_in()
    pod.later(minutes=5)
    press(pod, PAUSE)
    pod.later(seconds=1)
    press(pod, RESUME)
    pod.later(minutes=-2)
    press(pod, PAUSE)
    assert [hold.reason for hold in pod.look().holds] == ["Paused"]
    pod.later(minutes=-1)
    press(pod, RESUME)
    assert pod.look().holds == ()


def test_a_clock_that_was_set_back_lets_no_second_press_through(pod: FakePod) -> None:
    parked(pod)
    press(pod, LOGIN)
    pod.time.passes(timedelta(seconds=-5))
    assert refused(pod, LOGIN) == "something was asked for here a moment ago"


@pytest.mark.parametrize("action", [LOGIN, RESTART])
def test_what_was_read_to_cost_no_push_sends_none(pod: FakePod, action: ConsoleAction) -> None:
    if action is LOGIN:
        parked(pod)
    else:
        pod.logs_in()
        pod.later(days=4)
    assert offered(pod, action).pushes
    told = refused(pod, action, pushAgreed=False)
    assert told == "it costs a push now, and cost none when you read it"
    assert ledger(pod) == []
    assert press(pod, action)


async def test_a_restart_that_comes_to_cost_a_push_while_orders_drain_is_not_done(
    pod: FakePod,
) -> None:
    knows = pod.logs_in().sequence
    assert not offered(pod, RESTART).pushes
    with pod.sentinel.drain.heard(knows, drained=False):
        press(pod, RESTART, pushAgreed=False)
        stops = pod.look()
        pod.api(Sign.SESSION_TAKEN)  # nothing is left that could be kept for the return
    with pod.sentinel.drain.heard(stops.sequence, drained=True):
        pod.look()
        told = pod.look()
    assert told.handover is None
    assert told.holds == ()
    assert ledger(pod) == [("asked", "console restart", "console")]
    assert pod.sentinel.console_report().not_drained is RESTART


def test_a_restart_is_not_to_be_had_where_its_token_would_not_be_let_in_again(
    pod: FakePod,
) -> None:
    pod.logs_in()
    pod.ibkr_tells_time(ahead=3600)
    assert refused(pod, RESTART).startswith("ClockSkew: ")
    assert offered(pod, HANDOVER).refused == ""


def test_a_session_that_was_given_up_earlier_keeps_no_login_from_a_restart(pod: FakePod) -> None:
    pod.waits()
    pod.runs()
    pod.says(PUSH)
    pod.api(Sign.SESSION_TAKEN)
    pod.ends()
    pod.waits()
    assert pod.sentinel.console_report().refusal == "SessionConflict"
    press(pod, LOGIN)
    pod.look()
    pod.runs()
    pod.says(PUSH, ANSWERED, DONE)
    pod.api(Sign.API_READY, "DU1")
    pod.later(seconds=40)
    assert offered(pod, RESTART).refused == ""


def test_trading_is_paused_at_once_though_something_else_waits_for_a_drain(pod: FakePod) -> None:
    knows = pod.logs_in().sequence
    with pod.sentinel.drain.heard(knows, drained=False):
        press(pod, RESTART)
        pod.time.passes(timedelta(seconds=1))
        assert press(pod, PAUSE)
        assert [hold.reason for hold in pod.look().holds] == ["PlannedStop", "Paused"]
        assert pod.sentinel.console_report().draining is RESTART
        pod.later(seconds=61)
    assert [hold.reason for hold in pod.look().holds] == ["Paused"]


@pytest.mark.parametrize("days", [0, 4])
def test_no_restart_ends_a_login_that_may_not_be_made_again(pod: FakePod, days: int) -> None:
    pod.logs_in()
    pod.settings('{"tradingMode": "paper", "loginsAllowed": false}')
    pod.later(days=days, seconds=5)
    assert refused(pod, RESTART).startswith("PolicyUnproven: ")


def test_no_restart_leaves_so_late_that_maintenance_keeps_it_out(pod: FakePod) -> None:
    pod.logs_in()
    pod.later(
        days=2, hours=12, minutes=58, seconds=30
    )  # Friday 22:58:30 New York; IBKR's outage begins at 23:00
    assert refused(pod, RESTART).startswith("Maintenance, until ")
