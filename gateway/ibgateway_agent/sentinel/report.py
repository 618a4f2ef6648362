"""The document that everybody else sees, made from what the sentinel knows. Pure."""

from dataclasses import dataclass
from datetime import datetime

from ibgateway_agent.sentinel.permits.records import Records, RequestKind
from ibgateway_api.gate import GateReason
from ibgateway_api.login import Login
from ibgateway_api.permits import Refused, attempts_today
from ibgateway_api.reports import HoldReport, PermitReport, SentinelReport


@dataclass(frozen=True)
class ReportInput:
    """What a report is made from."""

    login: Login
    records: Records
    refused: Refused | None = None
    planned_stop: bool = False
    trouble: str = ""


def report(known: ReportInput, *, boot: str, sequence: int, at: datetime) -> SentinelReport:
    """The document of `GET /v1/status`."""
    login, refused = known.login, known.refused
    holds = (HoldReport(reason=GateReason.PLANNED_STOP),) if known.planned_stop else ()
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
        holds=holds,
        taken_login_request=known.records.last_taken(RequestKind.LOGIN),
        taken_restart=known.records.last_taken(RequestKind.RESTART),
        trouble=known.trouble,
    )
