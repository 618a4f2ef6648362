"""The autorestart file and the time of the nightly restart.

The file `<settings>/<user's folder>/autorestart` holds the week's token. The Gateway writes it
when it restarts itself; the next start takes it and removes it.
"""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

from ibgateway_simulator.gateway.settings import GatewaySettings


def take(settings: GatewaySettings) -> str:
    """The token left for this start; empty when the file is gone."""
    path = settings.settings_dir / settings.restart / "autorestart"
    try:
        token = path.read_text(encoding="utf-8").strip()
        path.unlink()
    except OSError:
        return ""
    return token


def leave(folder: Path, token: str) -> None:
    """Leave the token for the next start."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "autorestart"
    path.touch(mode=0o600)
    path.write_text(token, encoding="utf-8")


def seconds_until(time: str, zone: str, now: dt.datetime) -> float:
    """Seconds from `now` to the next `hh:mm AM|PM` in a zone."""
    at = dt.datetime.strptime(time, "%I:%M %p").time()  # noqa: DTZ007 -- a time of day only
    today = now.astimezone(ZoneInfo(zone)).date()
    days = (today, today + dt.timedelta(days=1))
    times = [dt.datetime.combine(day, at, ZoneInfo(zone)).astimezone(dt.UTC) for day in days]
    return (min(then for then in times if then > now) - now).total_seconds()


def next_minute(now: dt.datetime) -> dt.datetime:
    """The minute RESTART and PAUSE set: the next one, the one after when that is near."""
    start = now.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
    return start if (start - now).total_seconds() >= 10 else start + dt.timedelta(minutes=1)
