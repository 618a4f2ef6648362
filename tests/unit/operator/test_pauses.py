"""A pause from the console, as the status remembers it for a sentinel that has lost it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.reports import HoldReport, SentinelReport, TradingPause
from ibgateway_api.status import PauseStatus
from ibgateway_operator.decide.pauses import kept_pause, pause_status, resume_requested
from ibgateway_operator.model.snapshot import Snapshot
from operator_fakes import OperatorWorld, report, snapshot

SINCE = datetime(2026, 11, 18, 14, 0, tzinfo=UTC)
STANDS = TradingPause(id="a", since=SINCE)
KEPT = {"pause": {"request": "a", "since": "2026-11-18T14:00:00Z"}}


def seen(pause: TradingPause | None, status: dict[str, Any] | None = None) -> Snapshot:
    return snapshot(heard=report(LoginState.LOGGED_IN, pause=pause), status=status)


def test_what_a_sentinel_says_is_remembered_and_told_to_the_next_one() -> None:
    assert pause_status(seen(STANDS)) == PauseStatus(request="a", since=SINCE)
    assert kept_pause(seen(STANDS)) == STANDS


def test_silence_and_a_sentinel_that_knows_of_none_end_nothing() -> None:
    assert kept_pause(snapshot(status=KEPT)) == STANDS
    assert kept_pause(seen(None, KEPT)) == STANDS


def test_it_is_over_when_a_sentinel_says_so() -> None:
    assert pause_status(seen(STANDS.model_copy(update={"over": True}), KEPT)) == PauseStatus()


def test_the_end_of_an_older_one_is_not_its_end() -> None:
    older = TradingPause(id="b", since=SINCE - timedelta(days=1), over=True)
    later = TradingPause(id="b", since=SINCE + timedelta(days=1), over=True)
    assert kept_pause(seen(older, KEPT)) == STANDS
    assert kept_pause(seen(later, KEPT)) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-18T15:00:00Z", datetime(2026, 11, 18, 15, 0, tzinfo=UTC)),
        ("", None),
        ("now", None),
        ("2026-11-18T15:00:00", None),
    ],
)
def test_the_annotation_is_a_time(text: str, at: datetime | None) -> None:
    asked = snapshot(annotations={"ibgateway.dev/resume-requested-at": text})
    assert resume_requested(asked) == at


PAUSED = (HoldReport(reason=GateReason.PAUSED),)


def paused(sequence: int, pause: TradingPause | None = STANDS) -> SentinelReport:
    return report(sequence=sequence, holds=PAUSED, pause=pause)


def told_the_sentinel(trading: OperatorWorld) -> dict[str, Any]:
    stored = trading.api_server.named("ConfigMap", "paper-gateway")
    settings = json.loads(stored["data"]["settings.json"])
    return {k: v for k, v in settings.items() if k in ("pause", "resumeRequested")}


async def test_another_operator_hands_the_pause_to_another_sentinel(trading: OperatorWorld) -> None:
    assert told_the_sentinel(trading) == {}
    trading.hear(paused(8))
    await trading.reconcile()
    trading.deliver()
    assert trading.condition("TradingAllowed") == "False Paused"
    assert trading.stored()["status"]["pause"]["request"] == "a"
    trading.start_again()
    trading.hear(report(sequence=9))
    await trading.reconcile()
    pause = told_the_sentinel(trading)["pause"]
    assert (pause["id"], pause["since"]) == ("a", "2026-11-18T14:00:00Z")
    trading.hear(report(sequence=10, pause=STANDS.model_copy(update={"over": True})))
    await trading.reconcile()
    trading.deliver()
    assert told_the_sentinel(trading) == {}
    assert (
        "request" not in trading.stored()["status"]["pause"]
        or not trading.stored()["status"]["pause"]["request"]
    )


async def test_the_annotation_reaches_the_sentinel_and_one_that_is_no_time_is_said(
    trading: OperatorWorld,
) -> None:
    trading.hear(paused(8))
    trading.annotate("resume-requested-at", "now")
    await trading.reconcile()
    trading.deliver()
    assert "resume-requested-at is ignored: it is no RFC 3339 time" in trading.message(
        "TradingAllowed"
    )
    assert "resumeRequested" not in told_the_sentinel(trading)
    trading.annotate("resume-requested-at", "2026-11-18T15:00:00Z")
    await trading.reconcile()
    assert told_the_sentinel(trading)["resumeRequested"] == "2026-11-18T15:00:00Z"
