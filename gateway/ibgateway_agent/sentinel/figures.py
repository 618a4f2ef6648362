"""What the sentinel's metrics say of the gateway at the moment of a scrape. Pure.

A moment that is not known has no series: an alert that computes with it stays silent instead of wrong.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reports import SentinelReport
from ibgateway_api.settings import SentinelSettings
from ibgateway_api.week import RestartStep, Window, next_restart, restart_step, window
from ibgateway_runtime.figures import Figure, Series, VolumeSize, at, flag, known


@dataclass(frozen=True)
class SentinelView:
    """What there is to be said: the report, and what stands in the way of making one.

    `skew` is the node's clock minus IBKR's in seconds, `asked_at` when an operator asked last.
    """

    report: SentinelReport
    settings: SentinelSettings
    now: datetime
    skew: float | None = None
    blind: bool = False
    unwritten: bool = False
    asked_at: datetime | None = None
    volume: VolumeSize | None = None

    @property
    def week(self) -> Window:
        """The week's window as the settings have it."""
        settings, full = self.settings, self.report.full_auth_time
        return window(settings.calendar, settings.restart, full_auth_time=full, now=self.now)


def _next_restart(view: SentinelView) -> datetime:
    settings = view.settings
    return next_restart(view.week, settings.calendar, settings.restart, view.now)


def _overdue(view: SentinelView) -> Series:
    queued = view.settings.needs_turn
    step = restart_step(view.week, view.settings.calendar, view.now, queued=queued)
    return flag(step is RestartStep.ASK)


def _refused(view: SentinelView) -> Series:
    """Its own reasons: a sentinel's report never names one that it does not know."""
    waiting = view.report.waiting
    return {(str(PermitRefusal(waiting.refusal)),): 1.0} if waiting else {}


def _held(view: SentinelView) -> Series:
    return {(str(hold.reason),): 1.0 for hold in view.report.holds}


def _outage(view: SentinelView) -> Series:
    return flag(view.settings.calendar.announced_end(view.now))


FIGURES: Final[tuple[Figure[SentinelView], ...]] = (
    Figure(
        "ibgateway_login_state",
        "1, with the login state that the gateway is in",
        lambda view: {(str(view.report.state),): 1.0},
        ("state",),
    ),
    Figure(
        "ibgateway_login_state_since_timestamp_seconds",
        "When the login state began",
        lambda view: at(view.report.since),
    ),
    Figure(
        "ibgateway_full_authentication_timestamp_seconds",
        "When a login that was not by token was last proven",
        lambda view: at(view.report.full_auth_time),
    ),
    Figure(
        "ibgateway_push_deadline_timestamp_seconds",
        "Until when the push that waits on the phone may be approved",
        lambda view: at(view.report.deadline),
    ),
    Figure(
        "ibgateway_login_attempts_last_day",
        "Attempts of the last 24 hours that may have pushed, as they count for the limit",
        lambda view: known(view.report.attempts_today),
    ),
    Figure(
        "ibgateway_login_attempts_daily_limit",
        "How many of them there may be (spec.login.dailyAttempts)",
        lambda view: known(view.settings.login.daily_attempts),
    ),
    Figure(
        "ibgateway_permit_refused",
        "1, with the reason, while a start waits and gets no permit",
        _refused,
        ("reason",),
    ),
    Figure(
        "ibgateway_next_attempt_timestamp_seconds",
        "When a start that waits is looked at again; none where only a person helps",
        lambda view: at(view.report.waiting.until if view.report.waiting else None),
    ),
    Figure(
        "ibgateway_trading_held",
        "1, with the reason, while the sentinel holds trading although the login stands",
        _held,
        ("reason",),
    ),
    Figure(
        "ibgateway_window_open",
        "1 while the week is not authenticated",
        lambda view: flag(view.week.open),
    ),
    Figure(
        "ibgateway_window_start_timestamp_seconds",
        "This week's token boundary, at which the window opened",
        lambda view: at(view.week.boundary),
    ),
    Figure(
        "ibgateway_window_restart_timestamp_seconds",
        "This week's planned restart, which ends the window",
        lambda view: at(view.week.restart),
    ),
    Figure(
        "ibgateway_next_window_timestamp_seconds",
        "The next token boundary, at which the window opens",
        lambda view: at(view.week.opens),
    ),
    Figure(
        "ibgateway_next_restart_timestamp_seconds",
        "The planned restart that comes next",
        lambda view: at(_next_restart(view)),
    ),
    Figure(
        "ibgateway_weekly_restart_overdue",
        "1 while the week's restart was missed and waits to be asked for",
        _overdue,
    ),
    Figure(
        "ibgateway_ibkr_outage",
        "1 while IBKR has announced that it may answer no login: nightly reset, outage",
        _outage,
    ),
    Figure(
        "ibgateway_clock_skew_seconds",
        "The node's clock minus IBKR's; none before they were compared",
        lambda view: known(view.skew),
    ),
    Figure(
        "ibgateway_sentinel_blind",
        "1 while the sentinel can't read the gateway's log",
        lambda view: flag(view.blind),
    ),
    Figure(
        "ibgateway_sentinel_unwritten",
        "1 while the sentinel can't write to its volume",
        lambda view: flag(view.unwritten),
    ),
    Figure(
        "ibgateway_notifications_undelivered",
        "1 while an address takes none of the sentinel's messages",
        lambda view: flag(view.report.undelivered),
    ),
    Figure(
        "ibgateway_operator_asked_timestamp_seconds",
        "When an operator asked this sentinel last",
        lambda view: at(view.asked_at),
    ),
    Figure(
        "ibgateway_sentinel_volume_size_bytes",
        "Size of the volume of attempts and settings",
        lambda view: known(view.volume.size if view.volume else None),
    ),
    Figure(
        "ibgateway_sentinel_volume_available_bytes",
        "Bytes of it that may still be written",
        lambda view: known(view.volume.available if view.volume else None),
    ),
)
