"""The week as IBKR's user guide has it, told once more and in other words than the product's own."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")


@lru_cache(maxsize=64)
def boundaries(sunday: date) -> tuple[datetime, datetime]:
    """Both instants of Sunday 01:00 New York; in November there are two."""
    local = datetime.combine(sunday, time(1))
    both = [local.replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return both[0], both[1]


def week_of(now: datetime) -> tuple[datetime, datetime]:
    """The boundary that began the week of `now`, as its earlier and its later instant."""
    local = now.astimezone(NEW_YORK).date()
    sunday = local - timedelta(days=(local.weekday() + 1) % 7)
    found = boundaries(sunday)
    return found if found[0] <= now else boundaries(sunday - timedelta(days=7))


@lru_cache(maxsize=64)
def first_restart(boundary: datetime, at: time, zone: str) -> datetime | None:
    """The first minute at least an hour after the boundary whose local time is `at`; None where clocks jump over it first."""
    before = at
    for k in range(59, 27 * 60):
        minute = boundary + timedelta(minutes=k)
        local = minute.astimezone(ZoneInfo(zone)).time()
        if local == at and k >= 60:
            return minute
        if before < at < local:
            return None
        before = local
    return None
