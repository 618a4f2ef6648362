"""A push goes in turn only: what the sentinel does without one, and that one is used once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ibgateway_agent.sentinel.permits.decide import (
    EndProcess,
    GivePermit,
    KeepWaiting,
    driver_may_start_over,
    next_step,
    refused_stop,
)
from ibgateway_agent.sentinel.permits.records import Note, NoteKind, Records, RequestKind, fold
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_agent.sentinel.permits.turns import last_turn
from ibgateway_api.login import Login, LoginState
from ibgateway_api.permits import (
    Attempt,
    AttemptOutcome,
    Cause,
    PermitKind,
    PermitRefusal,
    Refused,
)
from ibgateway_api.reports import TurnReport
from ibgateway_api.requests import TurnRequest
from ibgateway_api.settings import SentinelSettings
from sentinel_fakes import FakePod

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
REQUEST = "2026-11-25T14:59:30Z"
SHARED = SentinelSettings(needs_turn=True)
AWAITS = KeepWaiting(Refused(PermitRefusal.AWAITS_TURN))


def turn(ago: float = 10, lives: float = 300) -> Note:
    at = NOW - timedelta(seconds=ago)
    return Note(note=NoteKind.TURN, at=at, request="t1", until=at + timedelta(seconds=lives))


def attempt(
    ago: float, outcome: AttemptOutcome | None = None, kind: PermitKind = PermitKind.FULL
) -> Attempt:
    at = NOW - timedelta(seconds=ago)
    return Attempt(id=1, at=at, kind=kind, cause=Cause.START, outcome=outcome)


def waits(
    *notes: Note, attempts: tuple[Attempt, ...] = (), token: bool = False
) -> SentinelSnapshot:
    return SentinelSnapshot(
        now=NOW,
        login=Login(LoginState.WAITING_FOR_PERMIT, NOW),
        records=Records(attempts, notes),
        settings=SHARED,
        waiting=True,
        token_at_hand=token,
    )


def asked(kind: RequestKind = RequestKind.LOGIN) -> Note:
    return Note(note=NoteKind.ASKED, at=NOW - timedelta(seconds=20), kind=kind, request=REQUEST)


FULL = GivePermit(PermitKind.FULL, Cause.START)


def test_nothing_pushes_before_its_turn_and_a_token_needs_none() -> None:
    assert next_step(waits()) == AWAITS
    assert next_step(waits(asked())) == AWAITS
    assert next_step(waits(token=True)) == GivePermit(PermitKind.TOKEN, Cause.START)
    assert next_step(waits(turn())) == FULL
    assert next_step(waits(asked(), turn())) == GivePermit(
        PermitKind.FULL, Cause.REQUESTED, REQUEST
    )
    assert next_step(replace(waits(), settings=SentinelSettings())) == FULL


def test_a_turn_is_used_once_and_outlived_after_its_time() -> None:
    day_ago = attempt(86400, AttemptOutcome.SETTLED)
    assert next_step(waits(turn(), attempts=(day_ago,))) == FULL
    used = attempt(5, AttemptOutcome.LOGGED_IN)
    settings = SHARED.model_copy(
        update={"login": SHARED.login.model_copy(update={"attempt_interval_seconds": 1})}
    )
    assert next_step(replace(waits(turn(), attempts=(used,)), settings=settings)) == AWAITS
    assert next_step(waits(turn(ago=300))) == AWAITS
    assert next_step(waits(turn(ago=299))) == FULL
    assert next_step(waits(turn(ago=-10))) == AWAITS, "the clock was set back"


def test_a_login_is_not_ended_before_the_turn() -> None:
    full = datetime(2026, 11, 15, 14, 3, tzinfo=UTC)
    trades = SentinelSnapshot(
        now=NOW,
        login=Login(LoginState.LOGGED_IN, full, full_auth_time=full, running=True),
        records=Records((), (asked(RequestKind.RESTART),)),
        settings=SHARED,
        running=True,
    )
    assert next_step(trades) == AWAITS
    assert refused_stop(trades, RequestKind.RESTART, "x") == AWAITS.refused
    in_turn = replace(trades, records=Records((), (asked(RequestKind.RESTART), turn())))
    assert next_step(in_turn) == EndProcess("the week's restart", planned=True)


def test_what_the_driver_begins_by_itself_is_ended_without_a_turn() -> None:
    runs = replace(waits(), waiting=False, running=True)
    assert driver_may_start_over(runs) == AWAITS.refused


@pytest.mark.parametrize(
    ("records", "report"),
    [
        (Records(), None),
        (Records((), (turn(),)), TurnReport(id="t1")),
        (Records((), (turn(ago=300),)), TurnReport(id="t1", over=True)),
        (Records((attempt(20),), (turn(),)), TurnReport(id="t1")),
        (Records((attempt(5),), (turn(),)), TurnReport(id="t1")),
        (Records((attempt(400),), (turn(ago=500),)), TurnReport(id="t1")),
        (Records((attempt(5, kind=PermitKind.TOKEN),), (turn(),)), TurnReport(id="t1")),
        (Records((attempt(5, AttemptOutcome.MISSED),), (turn(),)), TurnReport(id="t1", over=True)),
        (Records((attempt(5, AttemptOutcome.ENDED),), (turn(),)), TurnReport(id="t1", over=True)),
    ],
)
def test_a_turn_is_over_with_its_push(records: Records, report: TurnReport | None) -> None:
    assert last_turn(records, NOW) == report


def test_the_ledger_remembers_a_turn() -> None:
    assert fold([turn().to_json()]).notes == (turn(),)


def test_a_whole_sentinel_waits_pushes_once_and_says_when_its_turn_is_over(tmp_path: Path) -> None:
    pod = FakePod(tmp_path)
    pod.settings('{"tradingMode": "paper", "needsTurn": true}')
    pod.later(seconds=2)
    report = pod.waits()
    assert report.waiting is not None
    assert report.waiting.refusal is PermitRefusal.AWAITS_TURN
    given = TurnRequest(id="t1", until=pod.time.now + timedelta(minutes=5))
    assert pod.sentinel.take_turn(given)
    assert not pod.sentinel.take_turn(given)
    pod.look()
    assert "kind=full" in pod.permit()
    pod.runs()
    assert pod.look().turn == TurnReport(id="t1")
    pod.boot()
    assert pod.look().turn == TurnReport(id="t1")
    pod.says("IBC: Second Factor Authentication initiated")
    report = pod.says("IBC: Re-login after second factor authentication timeout not required")
    assert report.state is LoginState.APPROVAL_MISSED
    assert report.turn == TurnReport(id="t1", over=True)
