"""Moments and spans in words. Pure."""

from datetime import UTC, datetime, timedelta


def moment(at: datetime) -> str:
    """A time as the status has it, in UTC to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def stamp(at: datetime) -> str:
    """RFC 3339, as annotations are written."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def span(length: timedelta) -> str:
    """A length in its two largest units: 3 d 4 h, 12 min 5 s."""
    seconds = max(0, round(length.total_seconds()))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[tuple[int, str]] = []
    for unit, size in units:
        count, seconds = divmod(seconds, size)
        if count or parts or unit == "s":
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count) or "0 s"


def away(at: datetime, now: datetime) -> str:
    """How far a moment is: `in 3 min`, `now`, `5 s ago`."""
    if at == now:
        return "now"
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"


def from_text(text: str) -> datetime | None:
    """A time that Kubernetes wrote; None for what is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
