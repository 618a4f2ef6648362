"""What VNC makes of a password: eight characters of it, and some are soon guessed."""

import pytest

from ibgateway_operator.model.vnc_password import guessable, is_cut_off, is_default


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("hidden", ""),
        ("eightchr", ""),
        ("x7-Kq!2v", ""),
        ("hidde", "has fewer than 6 characters"),
        ("Passw0rd", "is, in the eight characters that VNC looks at, one of the most common"),
        ("Password-and-4-more", "is, in the eight characters that VNC looks at, one of the most"),
        ("changeme", "is, in the eight characters that VNC looks at, one of the most common"),
        ("aabbccab", "has fewer than 4 different characters"),
        ("12345678", "is a run of neighbouring"),
        ("87654321", "is a run of neighbouring"),
        ("abcdefgh-and-much-more", "is a run of neighbouring"),
        ("SomeUser", "is the beginning of IB_USERNAME"),
    ],
)
def test_a_password_is_soon_guessed(password: str, why: str) -> None:
    found = guessable(password, "someuser12")
    assert found.startswith(why)
    assert bool(found) == bool(why)
    assert password not in found


@pytest.mark.parametrize(
    ("password", "default"),
    [
        ("password", True),
        ("password-of-my-own", True),
        ("passwor", False),
        ("my-password", False),
    ],
)
def test_the_default_with_more_behind_it_is_the_default(password: str, default: bool) -> None:
    assert is_default(password) is default


@pytest.mark.parametrize(("password", "cut"), [("eightchr", False), ("ninechars", True)])
def test_more_than_eight_characters_are_cut_off(password: str, cut: bool) -> None:
    assert is_cut_off(password) is cut
