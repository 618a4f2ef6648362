"""The status as it is written: what a user looks for, settled after one write."""

from dataclasses import replace
from datetime import UTC, datetime

from ibgateway_api.status import IBGatewayStatus
from ibgateway_operator.model.snapshot import Snapshot, parse
from ibgateway_operator.status.document import document, status_of
from operator_fakes import assessment, ibgateway_body, snapshot, status_from


def stored(seen: Snapshot, status: IBGatewayStatus) -> Snapshot:
    """The same gateway, with the status as the API server gives it back."""
    return replace(seen, gateway=parse(ibgateway_body(status=document(status))))


def test_the_same_facts_give_the_same_status_a_minute_later() -> None:
    first = status_from(assessment(snapshot()))
    later = stored(snapshot(now=datetime(2026, 11, 18, 15, 1, tzinfo=UTC)), first)
    assert document(status_from(assessment(later))) == later.gateway.stored_status


def test_a_time_moves_only_with_its_status() -> None:
    first = status_from(assessment(snapshot()))
    moment = datetime(2026, 11, 18, 15, 30, 0, 999, tzinfo=UTC)
    silent = stored(snapshot(now=moment, age_of_news=60.0), first)
    times = {c.type: c.last_transition_time for c in status_from(assessment(silent)).conditions}
    assert times["GatewayLoggedIn"] == datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
    assert times["SpecAccepted"] == datetime(2026, 11, 18, 15, 0, tzinfo=UTC)


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
