"""config.ini is read as Java reads properties."""

import pytest

from ibgateway_simulator.gateway.properties import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IbPassword=a\\b", {"IbPassword": "ab"}),
        ("IbPassword=a\\\\b", {"IbPassword": "a\\b"}),
        ("IbPassword=$#=!:x", {"IbPassword": "$#=!:x"}),
        ("key=value\nsecond line", {"key": "value", "second": "line"}),
        ("# comment\n! comment\n\nkey = value ", {"key": "value "}),
        ("long=a,\\\n    b", {"long": "a,b"}),
        ("tab=a\\tb\\u0041", {"tab": "a\tbA"}),
        ("key:value", {"key": "value"}),
        ("empty=", {"empty": ""}),
        ("k=1\nk=2", {"k": "2"}),
        ("a\\=b=c", {"a=b": "c"}),
        ("one line\x85\u2028 of Java", {"one": "line\x85\u2028 of Java"}),
        ("mac=1\rdos=2\r\nunix=3\n", {"mac": "1", "dos": "2", "unix": "3"}),
        ("wide=\\ud83d\\ude00", {"wide": "\U0001f600"}),
    ],
)
def test_properties(text: str, expected: dict[str, str]) -> None:
    assert parse(text) == expected
