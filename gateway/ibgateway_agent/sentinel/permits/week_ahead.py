"""What of the week is still to come, before which nothing pushes by itself. Pure."""

from datetime import datetime, timedelta

from ibgateway_agent.sentinel.permits.records import NoteKind, Records
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_api.settings import SentinelSettings
from ibgateway_api.week import Window, next_restart, window


def week_now(now: SentinelSnapshot) -> Window:
    """The restart window as this sentinel knows it."""
    return _week_at(now.settings, now.login.full_auth_time, now.now)


def restart_ahead(now: SentinelSnapshot) -> datetime | None:
    """The week's restart while it is to come: no push that nobody asked for goes before it.

    A push that would be answered after the next boundary is of that week already. A gateway that is
    new in this week is another matter: whoever made it waits for its push, and so does it until a
    login counts for the week: an earlier one would be asked for once more. A restart that was set to a
    moment past is the next week's: the edit sends no push.
    """
    return push_barred_until(
        now.settings, now.login.full_auth_time, now.now, new=_is_new(now, week_now(now))
    )


def push_barred_until(
    settings: SentinelSettings, full: datetime | None, at: datetime, *, new: bool = False
) -> datetime | None:
    """Until when the week bars a push of `at` that nobody asked for; None where it does not."""
    answered = at + timedelta(seconds=settings.login.approval_seconds)
    this = _week_at(settings, full, at)
    week = _week_at(settings, full, this.opens) if answered >= this.opens else this
    until = week.counts_from if new else _planned(settings, week, at)
    return until if week.open and at < until else None


def _planned(settings: SentinelSettings, week: Window, at: datetime) -> datetime:
    if not week.asks:
        return week.restart
    return next_restart(week, settings.calendar, settings.restart, at)


def lost_until(records: Records) -> datetime | None:
    """A lost ledger starts at its limit: as if the attempts of a day had just been used up."""
    lost = records.last_noted(NoteKind.LOST)
    return None if lost is None else lost + timedelta(days=1)


def _is_new(now: SentinelSnapshot, week: Window) -> bool:
    never_logged_in = now.login.full_auth_time is None and not lost_until(now.records)
    return never_logged_in and all(a.at >= week.boundary for a in now.records.attempts)


def _week_at(settings: SentinelSettings, full: datetime | None, at: datetime) -> Window:
    return window(settings.calendar, settings.restart, full_auth_time=full, now=at)
