"""Times as people and Kubernetes write them."""

from datetime import UTC, datetime

import pytest

from ibgateway_operator.model.times import parse_time


def test_a_time_is_turned_to_utc() -> None:
    assert parse_time("2026-11-18T16:00:00+01:00") == datetime(2026, 11, 18, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-11-18T16:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"],
)
def test_what_is_no_time_is_none_and_never_an_error(text: str) -> None:
    assert parse_time(text) is None
