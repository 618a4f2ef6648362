"""The last trading hour: a session that somebody else holds then may cost the day's orders. Pure."""

from datetime import datetime, time, timedelta
from typing import Final

from ibgateway_api.week import NEW_YORK

HOUR: Final = timedelta(hours=1)
CLOSE: Final = time(16)
"""Of New York's exchanges, where nobody knows the hours of what is traded. Holidays and half days are not known either."""
SATURDAY: Final = 5


def closing_hour_from(since: datetime, closes: datetime | None) -> datetime:
    """From when a trouble that began at `since`, and stands, reaches into a last trading hour.

    `closes` is the end of the session of what is traded, where that is known.
    """
    if closes is not None and since < closes:
        return max(since, closes - HOUR)
    local = since.astimezone(NEW_YORK)
    close = local.replace(hour=CLOSE.hour, minute=0, second=0, microsecond=0)
    while close <= local or close.weekday() >= SATURDAY:
        close += timedelta(days=1)
    return max(since, close.astimezone(since.tzinfo) - HOUR)
