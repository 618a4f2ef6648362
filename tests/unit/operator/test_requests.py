"""A person's request in the annotation: taken once, young, and never from the future."""

from datetime import UTC, datetime

import pytest

from ibgateway_operator.decide.requests import RequestedLogin, requested_login
from operator_fakes import snapshot


@pytest.mark.parametrize(
    ("text", "handled", "requested"),
    [
        ("", "", None),
        ("2026-11-18T14:59:00Z", "", RequestedLogin("2026-11-18T14:59:00Z")),
        ("2026-11-18T15:59:30+01:00", "", RequestedLogin("2026-11-18T15:59:30+01:00")),
        ("2026-11-18T14:59:00Z", "2026-11-18T14:59:00Z", None),
        (
            "2026-11-18T14:58:00Z",
            "2026-11-18T14:59:00Z",
            RequestedLogin(
                "2026-11-18T14:58:00Z", "it is not newer than the last one, 2026-11-18T14:59:00Z"
            ),
        ),
        (
            "now",
            "",
            RequestedLogin(
                "now", "it is no RFC 3339 time with a zone, such as 2026-01-31T08:30:00Z"
            ),
        ),
        (
            "2026-11-18T14:59:00",
            "",
            RequestedLogin(
                "2026-11-18T14:59:00",
                "it is no RFC 3339 time with a zone, such as 2026-01-31T08:30:00Z",
            ),
        ),
        (
            "2026-11-18T15:01:01Z",
            "",
            RequestedLogin(
                "2026-11-18T15:01:01Z",
                "it lies in the future: set it again, to the time at which a person is there",
            ),
        ),
        (
            "2026-11-18T14:49:59Z",
            "",
            RequestedLogin("2026-11-18T14:49:59Z", "it is more than ten minutes old"),
        ),
    ],
)
def test_login_requests(text: str, handled: str, requested: RequestedLogin | None) -> None:
    annotations = {"ibgateway.dev/login-requested-at": text}
    status = {"login": {"handledRequest": handled}}
    assert requested_login(snapshot(annotations=annotations, status=status)) == requested


@pytest.mark.parametrize("ignored", ["2026-11-18T15:30:00Z", "now"])
def test_what_was_announced_as_ignored_never_acts(ignored: str) -> None:
    annotations = {"ibgateway.dev/login-requested-at": ignored}
    status = {"login": {"ignoredRequest": ignored}}
    its_time = datetime(2026, 11, 18, 15, 31, tzinfo=UTC)
    assert requested_login(snapshot(annotations=annotations, status=status, now=its_time)) is None
