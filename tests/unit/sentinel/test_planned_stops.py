"""A login is ended on request at once, with the drain that came with the request, or not at all."""

import asyncio
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ibgateway_agent.errors import StopRefusedError
from ibgateway_agent.sentinel.permits.decide import (
    EndProcess,
    KeepWaiting,
    PermitDecision,
    SettleRequest,
    next_step,
    refused_stop,
)
from ibgateway_agent.sentinel.permits.records import Note, NoteKind, Records, RequestKind
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_api.login import Login, LoginState
from ibgateway_api.permits import (
    Attempt,
    AttemptOutcome,
    Cause,
    LoginPolicy,
    PermitKind,
    PermitRefusal,
    QuietHours,
    Refused,
)
from ibgateway_api.settings import SentinelSettings
from sentinel_fakes.pod import FakePod

SUNDAY = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
"""The hour of the default restart; IBKR's token boundary was at 06:00."""
WEEK = "2026-11-29T06:00:00Z"
SETTLED = Attempt(
    id=1,
    at=SUNDAY - timedelta(days=6),
    kind=PermitKind.FULL,
    cause=Cause.START,
    outcome=AttemptOutcome.SETTLED,
)
NIGHT = SentinelSettings(login=LoginPolicy(quiet_hours=QuietHours(start="08:00", end="12:00")))
PLANNED = EndProcess("the week's restart", planned=True)
BY_PERSON = EndProcess("a person asked for a login", planned=True)


def trades(
    *, kind: RequestKind | None = None, request: str = "", seconds: float = 0
) -> SentinelSnapshot:
    """Logged in since Monday; something was asked so many seconds ago."""
    at = SUNDAY - timedelta(seconds=seconds)
    asked = (Note(note=NoteKind.ASKED, at=at, kind=kind, request=request),) if kind else ()
    full = SUNDAY - timedelta(days=6)
    return SentinelSnapshot(
        now=SUNDAY,
        login=Login(LoginState.LOGGED_IN, full, full_auth_time=full, running=True),
        records=Records((SETTLED,), asked),
        settings=SentinelSettings(),
        running=True,
    )


def restart(seconds: float) -> SentinelSnapshot:
    return trades(kind=RequestKind.RESTART, request=WEEK, seconds=seconds)


def person(seconds: float) -> SentinelSnapshot:
    request = (SUNDAY - timedelta(seconds=seconds)).isoformat()
    return trades(kind=RequestKind.LOGIN, request=request, seconds=seconds)


@pytest.mark.parametrize(("seconds", "goes"), [(0, True), (30, True), (31, False), (599, False)])
def test_a_stop_goes_on_with_its_drain_alone(seconds: float, goes: bool) -> None:
    for seen, stop in ((restart(seconds), PLANNED), (person(seconds), BY_PERSON)):
        step = next_step(seen)
        assert step == stop if goes else isinstance(step, SettleRequest)


def test_a_request_that_waited_while_the_gateway_came_back_ends_no_login() -> None:
    """Asked for during a restart by token: then orders go on, and nobody has drained for it."""
    waited = person(120)
    coming = replace(waited, login=replace(waited.login, state=LoginState.RESTARTING, since=SUNDAY))
    assert next_step(coming) == KeepWaiting()
    assert isinstance(next_step(waited), SettleRequest)


@pytest.mark.parametrize(
    ("kind", "request_id"),
    [(RequestKind.RESTART, WEEK), (RequestKind.LOGIN, "2026-11-29T13:59:59Z")],
)
def test_a_request_is_over_after_ten_minutes_also_at_a_start(
    kind: RequestKind, request_id: str
) -> None:
    def starts(seconds: float) -> PermitDecision:
        seen = trades(kind=kind, request=request_id, seconds=seconds)
        waits = replace(seen.login, state=LoginState.WAITING_FOR_PERMIT)
        return next_step(replace(seen, login=waits, running=False, waiting=True))

    assert not isinstance(starts(600), SettleRequest)
    assert starts(601) == SettleRequest(kind, request_id)


def test_a_restart_in_quiet_hours_is_refused_and_not_kept() -> None:
    seen = replace(trades(), settings=NIGHT)
    until = SUNDAY.replace(hour=17)
    assert refused_stop(seen, RequestKind.RESTART, WEEK) == Refused(
        PermitRefusal.QUIET_HOURS, until
    )


def test_a_persons_restart_is_refused_only_where_ibkr_answers_nobody() -> None:
    seen, asked = replace(trades(), settings=NIGHT), SUNDAY.isoformat()
    assert refused_stop(seen, RequestKind.LOGIN, asked) is None
    outage = {"start": {"weekday": "Sunday", "at": "08:00"}, "seconds": 4 * 3600, "name": "s"}
    dark = SentinelSettings.model_validate({"calendar": {"outages": [outage]}})
    refused = refused_stop(replace(seen, settings=dark), RequestKind.LOGIN, asked)
    assert refused == Refused(PermitRefusal.MAINTENANCE, SUNDAY.replace(hour=17))


def test_a_week_that_is_authenticated_refuses_nothing_and_restarts_nothing() -> None:
    seen = trades()
    done = replace(seen, login=replace(seen.login, full_auth_time=SUNDAY - timedelta(hours=2)))
    for kind, request in ((RequestKind.RESTART, WEEK), (RequestKind.LOGIN, SUNDAY.isoformat())):
        assert refused_stop(replace(done, settings=NIGHT), kind, request) is None


class TestWholeSentinel:
    @pytest.fixture
    def pod(self, tmp_path: Path) -> FakePod:
        """Logged in on Monday; it is Sunday at nine in New York, within the quiet hours."""
        made = FakePod(tmp_path)
        made.time.now = SUNDAY - timedelta(days=6)
        made.logs_in()
        made.later(minutes=11)
        made.time.now = SUNDAY
        quiet = {"start": "08:00", "end": "09:05"}
        made.settings(json.dumps({"tradingMode": "paper", "login": {"quietHours": quiet}}))
        made.later(seconds=2)
        return made

    async def test_a_refused_restart_leaves_nothing_behind_and_may_be_asked_again(
        self, pod: FakePod
    ) -> None:
        with pytest.raises(
            StopRefusedError, match=r"QuietHours, until 2026-11-29T14:05:00Z: nothing"
        ):
            pod.sentinel.accept(RequestKind.RESTART, WEEK)
        assert pod.look().taken_restart == ""
        pod.later(minutes=6)
        await asyncio.sleep(0)
        assert not pod.sentinel._stop.busy
        assert pod.sentinel.accept(RequestKind.RESTART, WEEK)
        pod.look()
        assert pod.sentinel._stop.busy
        await pod.sentinel._stop.close()

    async def test_why_no_attempt_is_allowed_is_logged_once(
        self, pod: FakePod, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        pod.time.now = datetime(2026, 12, 1, 13, 30, tzinfo=UTC)
        pod.ends()
        pod.waits()
        pod.later(minutes=1)
        said = [r.getMessage() for r in caplog.records if "no attempt now" in r.getMessage()]
        assert len(said) == 1
        assert said[0].startswith("no attempt now: QuietHours, until 2026-12-01T14:05:00Z: nothing")
        assert "ibgateway.dev/login-requested-at" in said[0]
