"""Framing and negotiation of the TWS API, fields and numbers of its text protocol."""

from decimal import Decimal

import pytest

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.tws import wire


def test_a_frame_carries_its_length_and_ends_every_field_with_nul() -> None:
    assert wire.frame((9, 1, 42)) == b"\0\0\0\x07" + b"9\x001\x0042\x00"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "1"),
        (False, "0"),
        (Decimal("10.50"), "10.5"),
        (Decimal("10"), "10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.000001"), "0.000001"),
        (190.01, "190.01"),
        ("", ""),
    ],
)
def test_a_field_has_the_wires_form(value: wire.Field, expected: str) -> None:
    assert wire.text(value) == expected


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        ("v157..178", 178),
        ("v157..176", 176),
        ("v100..157", 157),
        ("v100..200", 178),
        ("v100..187 +PACEAPI", 178),
        ("v178", 178),
        ("v100..201", 178),
        ("v100..212", 178),
        ("v100..213", 213),
        ("v213..226", 225),
        ("v100..225 +PACEAPI", 225),
    ],
)
def test_the_lower_of_both_highest_versions_is_spoken(offer: str, expected: int) -> None:
    assert wire.negotiate(offer) == expected


@pytest.mark.parametrize("offer", ["v100..150", "v201..212", "v226..230", "63", "v", ""])
def test_a_client_without_a_common_version_is_refused(offer: str) -> None:
    with pytest.raises(WireError):
        wire.negotiate(offer)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10", "10"),
        ("", "0"),
        ("1.7976931348623157E308", "0"),
        ("Infinite", "0"),
        ("nonsense", "0"),
        ("100.25", "100.25"),
    ],
)
def test_unset_numbers_count_as_nothing(value: str, expected: str) -> None:
    assert wire.number(value) == Decimal(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("42", 42), ("-7", -7), ("", 0), ("x", 0), ("2147483647", 2147483647), ("2147483648", 0)],
)
def test_a_whole_number_has_32_bits(value: str, expected: int) -> None:
    assert wire.integer(value) == expected


def test_fields_are_split_at_nul() -> None:
    assert wire.split(b"71\x002\x007\x00\x00") == ("71", "2", "7", "")
