"""The bearer check."""

import pytest

from ibgateway_runtime.auth import bearer_matches


@pytest.mark.parametrize(
    ("header", "matches"),
    [
        ("Bearer secret", True),
        ("bearer secret", True),
        ("Bearer secre", False),
        ("Bearer secretx", False),
        ("Bearer ", False),
        ("", False),
        ("Basic secret", False),
        ("secret", False),
        ("Bearer sécret", False),
        ("Bearer s\udce9cret", False),
    ],
)
def test_the_bearer_token_must_be_whole(header: str, matches: bool) -> None:
    assert bearer_matches(header, b"secret") is matches


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer  ", "bearer \t", "Bearer x"])
def test_an_empty_token_opens_nothing(header: str) -> None:
    assert not bearer_matches(header, b"")
