"""The document that everybody else sees, made from what the sentinel knows. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ibgateway_agent.sentinel.permits.records import Records, RequestKind
from ibgateway_agent.sentinel.permits.turns import last_turn
from ibgateway_api.gate import GateReason
from ibgateway_api.gate_documents import GateDrain
from ibgateway_api.login import Login
from ibgateway_api.permits import Refused
from ibgateway_api.reports import (
    HandoverReport,
    HoldReport,
    PermitReport,
    SentinelReport,
    TradingPause,
    TurnReport,
)


@dataclass(frozen=True)
class ReportInput:
    """What a report is made from."""

    login: Login
    records: Records
    refused: Refused | None = None
    handover: HandoverReport | None = None
    planned_stop: bool = False
    pause: TradingPause | None = None
    """By a person at the console, over or not."""
    nightly_until: datetime | None = None
    clock_off: bool = False
    closes: datetime | None = None
    drain: GateDrain | None = None
    trouble: str = ""


def report(
    known: ReportInput, *, boot: str, sequence: int, at: datetime, undelivered: str = ""
) -> SentinelReport:
    """The document of `GET /v1/status`."""
    login, refused = known.login, known.refused
    today, turn = dated(known.records, at)
    return SentinelReport(
        boot=boot,
        sequence=sequence,
        at=at,
        state=login.state,
        since=login.since,
        deadline=login.deadline,
        accounts=login.accounts,
        full_auth_time=login.full_auth_time,
        attempts_today=today,
        waiting=PermitReport(refusal=refused.reason, until=refused.until) if refused else None,
        holds=tuple(_holds(known)),
        taken_login_request=known.records.last_taken(RequestKind.LOGIN),
        taken_restart=known.records.last_taken(RequestKind.RESTART),
        turn=turn,
        handover=known.handover,
        pause=known.pause,
        undelivered=undelivered,
        why=login.why,
        closes=known.closes,
        drain=known.drain,
        trouble=known.trouble,
    )


def dated(records: Records, at: datetime) -> tuple[int, TurnReport | None]:
    """What the clock alone changes in a report: the attempts of the day, and the last turn."""
    return records.attempts_today(at), last_turn(records, at)


def _holds(known: ReportInput) -> Iterator[HoldReport]:
    """What holds trading although the login may be fine, most important first."""
    if known.handover is not None:
        yield HoldReport(reason=GateReason.HANDED_OVER, until=known.handover.until)
    if known.planned_stop:
        yield HoldReport(reason=GateReason.PLANNED_STOP)
    if known.pause is not None and not known.pause.over:
        yield HoldReport(reason=GateReason.PAUSED)
    if known.nightly_until is not None:
        yield HoldReport(reason=GateReason.NIGHTLY_RESTART, until=known.nightly_until)
    if known.clock_off:
        yield HoldReport(reason=GateReason.CLOCK_SKEW)
