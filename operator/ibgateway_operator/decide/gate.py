"""The operator's view of the gate: gathers the inputs of `ibgateway_api.gate` from what is seen. Pure.

Both the fast lane, which writes the readiness condition of the executor's pod and of programs, and the conditions in status
call `judge`, so there is one truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.closing_hour import closing_hour_from
from ibgateway_api.gate import NEWS_LIMIT_SECONDS, Closed, Gate, GateReason, gate
from ibgateway_api.login import LoginState
from ibgateway_api.names import Component
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.week import (
    Calendar,
    Window,
    lost_too_long,
    next_restart,
    window,
)
from ibgateway_operator.decide.holds import holds
from ibgateway_operator.decide.restart_times import full_login, restart_time
from ibgateway_operator.model.manifests import Manifest, condition_of
from ibgateway_operator.model.snapshot import Finding, Snapshot
from ibgateway_operator.model.times import rfc3339

OPEN_MESSAGE: Final = "an order sent now goes to IBKR"
MOST_NAMED: Final = 5
A_MOMENT: Final = 0.05
"""Seconds past a limit at which to look again, so that it has surely passed."""


@dataclass(frozen=True)
class GateVerdict:
    """The gate and the week it was judged in; `look_again` is in seconds.

    `lost_too_long`: from when on a connection that is lost now has been so for too long. `conflict_urgent`: from when on a
    session that somebody else holds now reaches into the last trading hour.
    """

    gate: Gate
    week: Window
    next_restart: datetime
    look_again: float
    lost_too_long: datetime | None = None
    conflict_urgent: datetime | None = None


def judge(snapshot: Snapshot, calendar: Calendar) -> GateVerdict:
    """The gate as the operator sees it now, and when the clock alone could close it."""
    report = snapshot.report
    login = report.as_login() if report else None
    chosen = restart_time(snapshot, calendar)
    week = window(calendar, chosen, full_auth_time=full_login(snapshot), now=snapshot.now)
    age = snapshot.age_of_news if snapshot.pod(Component.GATEWAY) else float("inf")
    verdict = gate(login, age_of_news=age, week=week, holds=holds(snapshot))
    if snapshot.gateway.suspend:
        verdict = Closed(GateReason.SUSPENDED, "spec.suspend is true")
    verdict = _naming_who_is_late(verdict, snapshot)
    restart = next_restart(week, calendar, chosen, snapshot.now)
    look_again = _look_again(age, week, snapshot.now)
    return GateVerdict(
        *(verdict, week, restart, look_again),
        lost_too_long=_lost_too_long(snapshot, calendar),
        conflict_urgent=_conflict_urgent(snapshot),
    )


def _naming_who_is_late(verdict: Gate, snapshot: Snapshot) -> Gate:
    """Which programs hold a planned stop up, for a person who wonders why it waits."""
    drain = snapshot.report.drain if snapshot.report and snapshot.is_heard else None
    if not isinstance(verdict, Closed) or drain is None or not drain.waiting_for:
        return verdict
    more = len(drain.waiting_for) - MOST_NAMED
    named = ", ".join(drain.waiting_for[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    late = f"not drained yet: {named} (until {rfc3339(drain.until)} at most)"
    return replace(verdict, message=f"{verdict.message}; {late}")


def _lost_too_long(snapshot: Snapshot, calendar: Calendar) -> datetime | None:
    """From when on the connection is lost for too long; None while it is not lost."""
    report = snapshot.report
    if report is None or report.state is not LoginState.CONNECTION_LOST:
        return None
    return lost_too_long(report.since, calendar)


def _conflict_urgent(snapshot: Snapshot) -> datetime | None:
    """From when the session of somebody else costs the last trading hour; None while nobody has it."""
    report = snapshot.report
    if report is None or report.state is not LoginState.SESSION_CONFLICT:
        return None
    return closing_hour_from(report.since, report.closes)


def upcoming(verdict: GateVerdict, calendar: Calendar, now: datetime) -> list[float]:
    """Seconds until the next moments: boundary, restart, its lateness, a loss or a conflict that begins to matter."""
    week = verdict.week
    matters = [at for at in (verdict.lost_too_long, verdict.conflict_urgent) if at]
    late = week.restart + timedelta(seconds=calendar.lateness_seconds)
    moments = [week.opens, week.restart, late, *matters]
    waits = [(at - now).total_seconds() for at in moments]
    return [seconds + A_MOMENT for seconds in waits if seconds > 0]


def week_of(snapshot: Snapshot, calendar: Calendar) -> Window:
    """The restart window at this moment; a login is remembered in status while nobody is heard."""
    restart, full = restart_time(snapshot, calendar), full_login(snapshot)
    return window(calendar, restart, full_auth_time=full, now=snapshot.now)


def _look_again(age: float, week: Window, now: datetime) -> float:
    limits = [(week.opens - now).total_seconds()]
    if age <= NEWS_LIMIT_SECONDS:
        limits.append(NEWS_LIMIT_SECONDS - age)
    return max(min(limits), 0.0) + A_MOMENT


def pod_condition(verdict: Gate, pod: Mapping[str, Any], now: datetime) -> Manifest | None:
    """The readiness gate's condition to write on the executor's pod; None where it stands already."""
    stored = condition_of(pod, names.READINESS_GATE)
    return changed_condition(said_of(verdict), stored, now)


def said_of(verdict: Gate) -> Finding:
    """The gate as a condition says it."""
    if isinstance(verdict, Closed):
        return Finding(verdict.reason, verdict.message)
    return Finding(ConditionReason.GATE_OPEN, OPEN_MESSAGE)


def changed_condition(said: Finding, stored: Mapping[str, Any], now: datetime) -> Manifest | None:
    """The readiness gate's condition that says so; None where `stored` does already."""
    is_open = said.reason == ConditionReason.GATE_OPEN
    wanted = {
        "type": names.READINESS_GATE,
        "status": "True" if is_open else "False",
        "reason": said.reason,
        "message": said.message,
    }
    if all(stored.get(field) == value for field, value in wanted.items()):
        return None
    same = stored.get("status") == wanted["status"]
    moved = (stored.get("lastTransitionTime") if same else None) or rfc3339(now)
    return {**wanted, "lastTransitionTime": moved}
