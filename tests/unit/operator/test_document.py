"""The status as it is written: what a user looks for, settled after one write."""

from dataclasses import replace
from datetime import UTC, datetime

from ibgateway_api.conditions import ConditionStatus
from ibgateway_api.login import LoginState
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.status import IBGatewayStatus
from ibgateway_operator.model.snapshot import Finding, Snapshot, parse
from ibgateway_operator.status.document import document, status_of
from operator_fakes import assessment, ibgateway_body, report, snapshot, status_from


def stored(seen: Snapshot, status: IBGatewayStatus) -> Snapshot:
    """The same gateway, with the status as the API server gives it back."""
    return replace(seen, gateway=parse(ibgateway_body(status=document(status))))


def test_the_same_facts_give_the_same_status_a_minute_later() -> None:
    first = status_from(assessment(snapshot()))
    later = stored(snapshot(now=datetime(2026, 11, 18, 15, 1, tzinfo=UTC)), first)
    assert document(status_from(assessment(later))) == later.gateway.stored_status


def test_a_condition_that_says_what_it_said_is_the_stored_one() -> None:
    later = stored(snapshot(), status_from(assessment(snapshot())))
    again = status_from(assessment(later)).conditions
    assert [id(c) for c in again] == [id(c) for c in later.gateway.status.conditions]
    edited = replace(later, gateway=replace(later.gateway, generation=4))
    assert {c.observed_generation for c in status_from(assessment(edited)).conditions} == {4}


def test_a_time_moves_only_with_its_status() -> None:
    first = status_from(assessment(snapshot()))
    moment = datetime(2026, 11, 18, 15, 30, 0, 999, tzinfo=UTC)
    silent = stored(snapshot(now=moment, age_of_news=60.0), first)
    times = {c.type: c.last_transition_time for c in status_from(assessment(silent)).conditions}
    assert times["GatewayLoggedIn"] == datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
    assert times["SpecAccepted"] == datetime(2026, 11, 18, 15, 0, tzinfo=UTC)


def test_a_suspended_gateway_is_stopped_since_it_was_first_seen_so_whatever_was_heard_last() -> (
    None
):
    gone = snapshot({"suspend": True}, bodies=(), heard=report(LoginState.RESTARTING))
    first = status_from(assessment(gone))
    assert (first.login.state, first.login.since) == (LoginState.STOPPED, gone.now)
    later = stored(replace(gone, now=datetime(2026, 11, 18, 15, 1, tzinfo=UTC)), first)
    later = replace(later, gateway=replace(later.gateway, suspend=True), report=None)
    assert status_from(assessment(later)).login == first.login


def test_the_status_holds_what_a_user_looks_for() -> None:
    status = status_of(
        assessment(snapshot(), pending="rev-2"), handled_request="2026-11-18T14:00:00Z"
    )
    shown = document(status)
    assert shown["observedGeneration"] == 3
    assert shown["login"] == {
        "state": "LoggedIn",
        "since": "2026-11-15T14:03:00Z",
        "fullAuthTime": "2026-11-15T14:03:00Z",
        "attemptsToday": 1,
        "handledRequest": "2026-11-18T14:00:00Z",
        "ignoredRequest": "",
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
    first = status_from(assessment(snapshot()))
    silent = stored(snapshot(heard=None, age_of_news=float("inf")), first)
    shown = document(status_from(assessment(silent)))
    assert shown["accounts"] == ["DU1234567"]
    assert shown["login"]["fullAuthTime"] == "2026-11-15T14:03:00Z"
    assert shown["window"]["open"] is False


def test_a_login_with_10000_accounts_is_told_with_the_traded_ones_first_and_a_count() -> None:
    many = tuple(f"DU{number:07}" for number in range(10_000))
    seen = snapshot({"executor": {"accounts": ["DU0009999"]}}, heard=report(accounts=many))
    status = status_from(assessment(seen))
    assert status.accounts[:2] == ["DU0009999", "DU0000000"]
    assert len(status.accounts) == 64
    assert status.account_count == 10_000
    allowed = next(c for c in status.conditions if c.type == "TradingAllowed")
    assert allowed.status is ConditionStatus.TRUE


def test_10000_wrong_accounts_close_the_gate_in_one_sentence() -> None:
    many = tuple(f"U{number:07}" for number in range(10_000))
    status = status_from(assessment(snapshot(heard=report(accounts=many))))
    allowed = next(c for c in status.conditions if c.type == "TradingAllowed")
    assert allowed.reason == "UnexpectedAccount"
    assert allowed.message.endswith("U0000009 and 9990 more")


def test_no_observed_words_make_a_message_too_long_to_be_stored() -> None:
    trouble = Finding(ConditionReason.APPLY_FAILED, "x" * 100_000)
    status = status_from(assessment(snapshot(), findings=(trouble,)))
    assert max(len(c.message) for c in status.conditions) == 2000


def test_the_status_has_no_pause_before_the_first_one() -> None:
    """An API server with the CRD of an earlier version refuses a field that it does not know."""
    assert "pause" not in document(status_from(assessment(snapshot())))
