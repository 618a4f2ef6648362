"""The word as a document, made from what the sentinel knows. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ibgateway_agent.sentinel.nightly import DailyRestart
from ibgateway_api.accounts import account_problem
from ibgateway_api.gate import Closed, Gate, GateReason, Hold, gate
from ibgateway_api.gate_documents import GATE_OPEN, GateDrain, GateReport, GateStop, StopReason
from ibgateway_api.login import LoginState
from ibgateway_api.reports import SentinelReport
from ibgateway_api.settings import SentinelSettings
from ibgateway_api.week import Window, next_restart, window

OPEN_MESSAGE: Final = "an order sent now goes to IBKR"


@dataclass(frozen=True)
class GateInput:
    """What a word is made from. `age`: seconds since the gateway was seen; `told` None before it ever was.

    `unreadable`: why the settings, and with them the operator's holds, are not known.
    """

    told: SentinelReport | None
    age: float
    settings: SentinelSettings
    unreadable: str = ""
    drain: GateDrain | None = None
    nightly: DailyRestart | None = None


@dataclass(frozen=True)
class GateWord:
    """A gate at a moment, and which stop comes next."""

    gate: Gate
    until: datetime | None
    next_stop: GateStop

    @property
    def reason(self) -> str:
        """For programs."""
        return self.gate.reason if isinstance(self.gate, Closed) else GATE_OPEN


def gate_word(known: GateInput, now: datetime) -> GateWord:
    """The gate as the sentinel sees it: what it sees itself, and what the operator has told it."""
    told, settings = known.told, known.settings
    full = told.full_auth_time if told else None
    week = window(settings.calendar, settings.restart, full_auth_time=full, now=now)
    verdict = gate(
        told.as_login() if told else None, age_of_news=known.age, week=week, holds=_holds(known)
    )
    if known.unreadable:
        verdict = Closed(GateReason.NO_NEWS, f"the sentinel's settings: {known.unreadable}")
    until = verdict.until if isinstance(verdict, Closed) else None
    ahead = until if until is not None and until > now else None
    return GateWord(verdict, ahead, _next_stop(known, week, now))


def gate_report(
    word: GateWord,
    *,
    drain: GateDrain | None,
    boot: str,
    sequence: int,
    at: datetime,
    since: datetime,
) -> GateReport:
    """The document of `GET /v1/gate`."""
    closed = word.gate if isinstance(word.gate, Closed) else None
    return GateReport(
        boot=boot,
        sequence=sequence,
        at=at,
        open=closed is None,
        reason=word.reason,
        message=closed.message if closed else OPEN_MESSAGE,
        since=since,
        until=word.until,
        next_stop=word.next_stop,
        drain=drain,
    )


def _holds(known: GateInput) -> tuple[Hold, ...]:
    told, settings = known.told, known.settings
    held = (*settings.holds, *(told.holds if told else ()))
    found = [each.as_hold() for each in held]
    if told is not None and told.state is LoginState.LOGGED_IN:
        wrong = account_problem(settings.trading_mode, told.accounts, settings.expected_accounts)
        found += [Hold(GateReason.UNEXPECTED_ACCOUNT)] if wrong else []
    return tuple(found)


def _next_stop(known: GateInput, week: Window, now: datetime) -> GateStop:
    settings = known.settings
    weekly = next_restart(week, settings.calendar, settings.restart, now)
    stop = GateStop(at=weekly, reason=StopReason.WEEKLY_RESTART)
    if known.nightly is None or (nightly := known.nightly.next(now)) >= weekly:
        return stop
    return GateStop(at=nightly, reason=StopReason.NIGHTLY_RESTART)
