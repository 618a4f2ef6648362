"""Times as Kubernetes writes them. Pure."""

from datetime import UTC, datetime, timedelta


def rfc3339(at: datetime) -> str:
    """A time in Kubernetes' own notation, whole seconds UTC."""
    return (at - timedelta(microseconds=at.microsecond)).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_time(at: datetime) -> str:
    """A UTC time with microseconds: Kubernetes' MicroTime, as Events and Leases have it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime | None:
    """An aware UTC time from RFC 3339; None where it is none."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None
