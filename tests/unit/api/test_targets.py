"""When targets are fetched, and over which URLs a token may go."""

from datetime import UTC, datetime

import pytest

from ibgateway_api.targets import (
    TargetSchedule,
    last_moment,
    next_moment,
    plain_http_allowed,
    port_of,
    shown,
)

MONDAY = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def schedule(**fields: object) -> TargetSchedule:
    return TargetSchedule.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "now", "last", "following"),
    [
        ({}, MONDAY, "2026-11-23T15:00", "2026-11-24T15:00"),
        ({}, datetime(2026, 11, 23, 15, 0, tzinfo=UTC), "2026-11-23T15:00", "2026-11-24T15:00"),
        ({}, datetime(2026, 11, 23, 14, 59, tzinfo=UTC), "2026-11-20T15:00", "2026-11-23T15:00"),
        ({"days": ["Thu"]}, MONDAY, "2026-11-19T15:00", "2026-11-26T15:00"),
        ({"days": ["Mon"]}, MONDAY, "2026-11-23T15:00", "2026-11-30T15:00"),
        (
            {"at": "00:30", "timeZone": "Europe/Berlin"},
            MONDAY,
            "2026-11-22T23:30",
            "2026-11-23T23:30",
        ),
        (
            {"days": ["Mon"], "at": "10:00"},
            datetime(2026, 10, 28, 0, 0, tzinfo=UTC),
            "2026-10-26T14:00",
            "2026-11-02T15:00",
        ),
    ],
)
def test_moments_are_days_and_a_time_in_a_zone(
    fields: dict[str, object], now: datetime, last: str, following: str
) -> None:
    made = schedule(**fields)
    moments = [last_moment(made, now), next_moment(made, now)]
    assert [f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}" for at in moments] == [last, following]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://localhost:8080/t", True),
        ("http://127.0.0.1/t", True),
        ("http://desk.trading.svc/t", True),
        ("http://desk.trading.svc.cluster.local./t", True),
        ("http://desk/t", True),
        ("http://10.0.0.1/t", False),
        ("http://desk.example/t", False),
        ("http://localhost.example/t", False),
        ("http://desk.svc.example/t", False),
        ("http:///t", False),
    ],
)
def test_without_tls_a_url_leads_to_this_machine_or_the_cluster(url: str, allowed: bool) -> None:
    assert plain_http_allowed(url) is allowed


def test_what_may_be_secret_in_a_url_is_not_shown() -> None:
    assert (
        shown("https://me:pass@desk.example:8443/t?key=hidden#x") == "https://desk.example:8443/t"
    )
    assert [port_of(url) for url in ("https://a.b/", "http://a/", "http://a:81/")] == [443, 80, 81]
