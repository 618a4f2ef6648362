"""The gateway's own nightly restart: trading is held for it, so that no order is under way when it begins. Pure.

The Gateway restarts itself at the minute that IBC has set, in the zone of its jts.ini, and asks nobody.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ibgateway_api.login import Login, LoginState
from ibgateway_api.week import local_instants

HOLD_BEFORE: Final = timedelta(seconds=30)
"""Orders that were sent before are acknowledged by then; the executor hears of the hold at once."""
STAYS_AWAY_AFTER: Final = timedelta(minutes=3)
"""A login that stands so long after the time has not restarted: somebody has set another one."""


@dataclass(frozen=True)
class DailyRestart:
    """The time of day and its zone."""

    at: time
    zone: ZoneInfo

    def held_until(self, login: Login, now: datetime) -> datetime | None:
        """Until when trading is held at most; None where it is not.

        A login that began after the time is the restart's, and ends the hold.
        """
        if login.state is not LoginState.LOGGED_IN:
            return None
        today = now.astimezone(self.zone).date()
        for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
            for begins in local_instants(day, self.at, self.zone):
                ends = begins + STAYS_AWAY_AFTER
                if begins - HOLD_BEFORE <= now < ends and login.since < begins:
                    return ends
        return None

    def next(self, now: datetime) -> datetime:
        """When it comes next."""
        today = now.astimezone(self.zone).date()
        days = (today + timedelta(days=n) for n in range(-1, 4))
        return next(
            at for day in days for at in local_instants(day, self.at, self.zone) if at > now
        )


def nightly_restart(auto_restart_time: str, time_zone: str) -> DailyRestart | None:
    """What the gateway's container is told as `hh:mm AM|PM` and zone; None where it restarts at no time.

    IBC ignores what it can't read, and an empty zone is its own.
    """
    try:
        at = datetime.strptime(auto_restart_time, "%I:%M %p").time()  # noqa: DTZ007 - a time of day
        return DailyRestart(at, ZoneInfo(time_zone))
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return None
