"""Which Events a change deserves, and how they are written: once, not in a flood, never fatal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ibgateway_api.conditions import ConditionType
from ibgateway_api.login import LoginState
from ibgateway_api.reasons import EventReason
from ibgateway_api.reports import SentinelReport
from ibgateway_api.week import Calendar
from ibgateway_operator.act.event_recorder import EventRecorder, event
from ibgateway_operator.clock import Clock
from ibgateway_operator.decide.gate import judge
from ibgateway_operator.errors import (
    ApiError,
)
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import HeardReport, Snapshot
from ibgateway_operator.status.conditions import Assessment
from ibgateway_operator.status.document import status_of
from ibgateway_operator.status.event_rules import EventType, PendingEvent, events_for

MakeSeen = Callable[..., Snapshot]
MakeReport = Callable[..., SentinelReport]


class TestAnnouncements:
    def said(self, seen: Snapshot) -> list[tuple[str, str]]:
        status = status_of(
            Assessment(seen, judge(seen, Calendar())), pending="", handled_request=""
        )
        return [(a.tone, a.reason) for a in events_for(seen, status)]

    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            (LoginState.AWAITING_APPROVAL, ("Warning", "ApprovalNeeded")),
            (LoginState.APPROVAL_MISSED, ("Warning", "ApprovalMissed")),
            (LoginState.SESSION_CONFLICT, ("Warning", "SessionConflict")),
            (LoginState.REJECTED, ("Warning", "LoginRejected")),
            (LoginState.LOCKED_OUT, ("Warning", "LockedOut")),
            (LoginState.NEEDS_PERSON, ("Warning", "PersonNeeded")),
            (LoginState.LOGGED_IN, ("Normal", "LoggedIn")),
        ],
    )
    def test_a_new_login_state_is_told(
        self,
        make_seen: MakeSeen,
        make_report: MakeReport,
        state: LoginState,
        expected: tuple[str, str],
    ) -> None:
        seen = make_seen(news=HeardReport(make_report(state), 100.0))
        assert expected in self.said(seen)

    @pytest.mark.parametrize("state", [LoginState.STARTING, LoginState.CONNECTION_LOST])
    def test_what_passes_by_itself_is_not(
        self, make_seen: MakeSeen, make_report: MakeReport, state: LoginState
    ) -> None:
        assert self.said(make_seen(news=HeardReport(make_report(state), 100.0))) == []

    def test_the_push_is_told_with_its_deadline(
        self, make_seen: MakeSeen, make_report: MakeReport
    ) -> None:
        deadline = datetime(2026, 11, 18, 15, 3, tzinfo=UTC)
        report = make_report(LoginState.AWAITING_APPROVAL, deadline=deadline)
        seen = make_seen(news=HeardReport(report, 100.0))
        status = status_of(
            Assessment(seen, judge(seen, Calendar())), pending="", handled_request=""
        )
        assert events_for(seen, status)[0].note == (
            "approve the push on IBKR Mobile until 2026-11-18T15:03:00Z"
            " (since 2026-11-15T14:03:00Z)"
        )

    def test_what_was_told_before_is_not_told_again(self, make_seen: MakeSeen) -> None:
        seen = make_seen()
        status = status_of(
            Assessment(seen, judge(seen, Calendar())), pending="", handled_request=""
        )
        settled = replace(seen, gateway=replace(seen.gateway, status=status))
        assert self.said(settled) == []

    def test_the_window_is_told_when_it_opens_and_when_the_week_is_authenticated(
        self, make_seen: MakeSeen, make_report: MakeReport
    ) -> None:
        seen = make_seen()
        status = status_of(
            Assessment(seen, judge(seen, Calendar())), pending="", handled_request=""
        )
        sunday = make_seen(now=datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC))
        opened = replace(sunday, gateway=replace(sunday.gateway, status=status))
        assert self.said(opened) == [("Normal", "RestartWindowOpened")]
        after = status_of(
            Assessment(opened, judge(opened, Calendar())), pending="", handled_request=""
        )
        full = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)
        renewed = make_seen(
            now=datetime(2026, 11, 22, 14, 3, tzinfo=UTC),
            news=HeardReport(make_report(since=full, full_auth_time=full), 100.0),
        )
        closed = replace(renewed, gateway=replace(renewed.gateway, status=after))
        assert self.said(closed) == [("Normal", "LoggedIn"), ("Normal", "WeekAuthenticated")]
        assert ConditionType.READY in {c.type for c in after.conditions}


class TestRecorder:
    def recorder(self, cluster: Any, seconds: list[float]) -> EventRecorder:
        now = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
        clock = Clock(now=lambda: now, monotonic=lambda: seconds[0])
        return EventRecorder(cluster, clock, "operator-1", lambda: f"s{len(cluster.writes)}")

    async def test_the_same_words_are_said_once_a_day(
        self, cluster: Any, make_seen: MakeSeen
    ) -> None:
        seconds = [0.0]
        recorder, gateway = self.recorder(cluster, seconds), make_seen().gateway
        words = PendingEvent(EventReason.LOGGED_IN, "the gateway is logged in")
        await recorder.record(gateway, [words, words])
        seconds[0] = 86399.0
        await recorder.record(gateway, [words])
        assert cluster.writes == ["create Event LoggedIn"]
        seconds[0] = 86401.0
        await recorder.record(gateway, [words])
        assert len(cluster.writes) == 2

    async def test_a_flood_is_cut(self, cluster: Any, make_seen: MakeSeen) -> None:
        seconds = [0.0]
        recorder, gateway = self.recorder(cluster, seconds), make_seen().gateway
        await recorder.record(
            gateway, [PendingEvent(EventReason.API_UNRESPONSIVE, f"{i}") for i in range(100)]
        )
        assert len(cluster.writes) == 30
        seconds[0] = 601.0
        await recorder.record(gateway, [PendingEvent(EventReason.API_UNRESPONSIVE, "again")])
        assert len(cluster.writes) == 31

    async def test_an_event_that_is_refused_stops_nothing(
        self, cluster: Any, make_seen: MakeSeen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse(manifest: Manifest) -> Manifest:
            raise ApiError(403, "no")

        monkeypatch.setattr(cluster, "create", refuse)
        await self.recorder(cluster, [0.0]).record(
            make_seen().gateway, [PendingEvent(EventReason.LOGGED_IN, "x")]
        )

    def test_an_event_names_its_gateway(self, make_seen: MakeSeen) -> None:
        now = datetime(2026, 11, 18, 15, 0, 0, 5, tzinfo=UTC)
        words = PendingEvent(EventReason.APPROVAL_NEEDED, "x" * 2000, EventType.WARNING, "Login")
        made = event(make_seen().gateway, words, "paper.1", "operator-1", now)
        assert made["regarding"] == {
            "apiVersion": "ibgateway.dev/v1alpha1",
            "kind": "IBGateway",
            "namespace": "trading",
            "name": "paper",
            "uid": "uid-1",
        }
        assert made["eventTime"] == "2026-11-18T15:00:00.000005Z"
        assert (made["type"], made["reason"], made["action"]) == (
            "Warning",
            "ApprovalNeeded",
            "Login",
        )
        assert len(made["note"]) == 1000
