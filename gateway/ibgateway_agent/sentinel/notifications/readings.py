"""How the sentinel's subjects stand, from its own report. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.notifications.handover_reading import handover_reading
from ibgateway_agent.sentinel.notifications.login_reading import ask, login_reading
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.notifications import Concern, Fine, Reading, Subject, Topic, local_time
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reports import SentinelReport
from ibgateway_api.settings import NotificationSettings, SentinelSettings
from ibgateway_api.week import RestartStep, Window, next_restart, restart_step, window

OPERATOR_AWAY_AFTER: Final = timedelta(minutes=5)
"""An operator that is replaced, or whose Lease passes on, is heard again within a minute or two."""
CLOCK_PATIENCE: Final = timedelta(minutes=2)
VOLUME_PATIENCE: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class ReadingInput:
    """What the messages are made from. `operator_silent`: for how long no operator has asked."""

    report: SentinelReport
    settings: SentinelSettings
    told: NotificationSettings
    now: datetime
    operator_silent: timedelta


def readings(view: ReadingInput) -> dict[Subject, Reading]:
    """Each of the sentinel's subjects."""
    return {subject: read(view) for subject, read in READINGS.items()}


def _greeting(view: ReadingInput) -> Reading:
    """Once a gateway: that the addresses work is best known before anything happens."""
    return Concern(
        Topic.GREETING,
        "Messages about this gateway come here",
        "From now on you are told here of pushes that wait for you, of the weekly restart, and of what needs you.",
    )


def _login(view: ReadingInput) -> Reading:
    calendar = view.settings.calendar
    return login_reading(view.report, view.told, calendar, view.settings.restart.time_zone)


def _restart(view: ReadingInput) -> Reading:
    settings, now = view.settings, view.now
    week = window(
        settings.calendar, settings.restart, full_auth_time=view.report.full_auth_time, now=now
    )
    step = restart_step(week, settings.calendar, now, queued=settings.needs_turn)
    if step is RestartStep.ASK and _stands_still(view.report, week):
        return _asks_for_restart(view, week)
    return _announced(view, week) or _authenticated(week)


def _stands_still(report: SentinelReport, week: Window) -> bool:
    """Whether nothing is on its way that will authenticate the week: a login by budget is, where no edit holds it."""
    waiting = report.waiting
    held = waiting is not None and waiting.refusal == PermitRefusal.RESTART_AHEAD
    return (week.asks and held) or report.state is LoginState.LOGGED_IN


def _asks_for_restart(view: ReadingInput, week: Window) -> Concern:
    title, why = (
        "The weekly restart was missed",
        "nothing pushes by itself before the gateway's own nightly restart",
    )
    if week.asks:
        title = "The weekly restart was set to a time that is past"
        why = "nothing pushes at a time that nobody chose: set weeklyRestart to a time that is ahead, or ask for it"
    return Concern(
        Topic.RESTART_OVERDUE,
        title,
        f"Trading waits for this week's login, and {why}. When somebody can approve the push: {ask(view.told)}",
        instance=week.restart.isoformat() if week.asks else "",
    )


def _announced(view: ReadingInput, week: Window) -> Concern | None:
    settings, now = view.settings, view.now
    restart = next_restart(week, settings.calendar, settings.restart, now)
    begins = restart - timedelta(seconds=view.told.reminder_seconds)
    handover = view.report.handover
    if not begins <= now < restart or (handover is not None and handover.until > restart):
        return None  # the return of a login that somebody has for longer is the restart
    at = local_time(restart, settings.restart.time_zone)
    return Concern(
        Topic.RESTART_COMING,
        f"Weekly restart on {at}",
        f"On {at} IB Gateway restarts and IBKR sends a push to your phone: have it at hand, and press Approve within"
        f" {settings.login.approval_seconds} seconds. Trading is closed from IBKR's Sunday 01:00 New York until then.",
        instance=restart.isoformat(),
        expires=restart,
    )


def _authenticated(week: Window) -> Fine | None:
    if week.open:
        return None
    return Fine("The week has its login", "The weekly restart is done.")


def _handover(view: ReadingInput) -> Reading:
    return handover_reading(view.report, view.told, view.settings, view.now)


def _volume(view: ReadingInput) -> Reading:
    if not view.report.trouble:
        return Fine("The sentinel's volumes work again", "It sees the gateway and writes.")
    title = "The sentinel can't read or write its volumes"
    return Concern(Topic.VOLUME_TROUBLE, title, f"{view.report.trouble}.", patience=VOLUME_PATIENCE)


def _clock(view: ReadingInput) -> Reading:
    if all(hold.reason is not GateReason.CLOCK_SKEW for hold in view.report.holds):
        return Fine("The clock is right again", "It agrees with IBKR's.")
    return Concern(
        Topic.CLOCK_SKEW,
        "The clock is off",
        "The node's clock differs from IBKR's by more than five seconds, and trading is held: correct it.",
        patience=CLOCK_PATIENCE,
    )


def _operator(view: ReadingInput) -> Reading:
    if view.operator_silent < OPERATOR_AWAY_AFTER:
        return Fine("The operator is back", "It keeps this gateway again.")
    return Concern(
        Topic.OPERATOR_AWAY,
        "The operator is away",
        "No operator has asked for this gateway's state for five minutes: the weekly restart will not begin by itself,"
        " and changes of the spec do nothing. Logins and orders go on. Bring the operator back:"
        " kubectl get pods -A -l app.kubernetes.io/name=ibgateway-operator",
    )


READINGS: Final[dict[Subject, Callable[[ReadingInput], Reading]]] = {
    Subject.GREETING: _greeting,
    Subject.LOGIN: _login,
    Subject.RESTART: _restart,
    Subject.HANDOVER: _handover,
    Subject.VOLUME: _volume,
    Subject.CLOCK: _clock,
    Subject.OPERATOR: _operator,
}
