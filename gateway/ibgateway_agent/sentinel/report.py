"""The document that everybody else sees, made from what the sentinel knows. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ibgateway_agent.sentinel.permits.records import Records, RequestKind
from ibgateway_agent.sentinel.permits.turns import last_turn
from ibgateway_api.gate import GateReason
from ibgateway_api.login import Login
from ibgateway_api.permits import Refused, attempts_today
from ibgateway_api.reports import HandoverReport, HoldReport, PermitReport, SentinelReport


@dataclass(frozen=True)
class ReportInput:
    """What a report is made from."""

    login: Login
    records: Records
    refused: Refused | None = None
    handover: HandoverReport | None = None
    planned_stop: bool = False
    nightly_until: datetime | None = None
    clock_off: bool = False
    closes: datetime | None = None
    trouble: str = ""


def report(known: ReportInput, *, boot: str, sequence: int, at: datetime) -> SentinelReport:
    """The document of `GET /v1/status`."""
    login, refused = known.login, known.refused
    return SentinelReport(
        boot=boot,
        sequence=sequence,
        at=at,
        state=login.state,
        since=login.since,
        deadline=login.deadline,
        accounts=login.accounts,
        full_auth_time=login.full_auth_time,
        attempts_today=attempts_today(known.records.attempts, at),
        waiting=PermitReport(refusal=refused.reason, until=refused.until) if refused else None,
        holds=tuple(_holds(known)),
        taken_login_request=known.records.last_taken(RequestKind.LOGIN),
        taken_restart=known.records.last_taken(RequestKind.RESTART),
        turn=last_turn(known.records, at),
        handover=known.handover,
        why=login.why,
        closes=known.closes,
        trouble=known.trouble,
    )


def _holds(known: ReportInput) -> Iterator[HoldReport]:
    """What holds trading although the login may be fine, most important first."""
    if known.handover is not None:
        yield HoldReport(reason=GateReason.HANDED_OVER, until=known.handover.until)
    if known.planned_stop:
        yield HoldReport(reason=GateReason.PLANNED_STOP)
    if known.nightly_until is not None:
        yield HoldReport(reason=GateReason.NIGHTLY_RESTART, until=known.nightly_until)
    if known.clock_off:
        yield HoldReport(reason=GateReason.CLOCK_SKEW)
