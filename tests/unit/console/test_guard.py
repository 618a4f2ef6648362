"""Who may talk to the console: Host, Origin and token, row by row."""

import base64

import pytest

from ibgateway_agent.console.guard import (
    RequestGuard,
    normal_origin,
    offered_protocols,
    token_matches,
)

GUARD = RequestGuard(
    hosts=frozenset({"paper-novnc", "paper-novnc.trading.svc"}),
    allowed_origins=frozenset({"https://vnc.example.com:443"}),
)
SERVED = None
NOT_SERVED = "this console does not serve that host"
BAD_HOST = "the Host header is missing or malformed"
ALLOWED = None
NOT_ALLOWED = "the page's origin is not allowed"
BAD_ORIGIN = "the Origin header is missing or malformed"


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [
        (["localhost"], SERVED),
        (["localhost:6080"], SERVED),
        (["LocalHost:6080"], SERVED),
        (["127.0.0.1:16080"], SERVED),
        (["[::1]:6080"], SERVED),
        (["[::1]"], SERVED),
        (["paper-novnc:6080"], SERVED),
        (["paper-novnc.trading.svc"], SERVED),
        (["vnc.example.com"], SERVED),
        ([], BAD_HOST),
        ([""], BAD_HOST),
        (["localhost", "localhost"], BAD_HOST),
        (["localhost:0"], BAD_HOST),
        (["localhost:65536"], BAD_HOST),
        (["localhost:6080:6080"], BAD_HOST),
        (["localhost@evil.example"], BAD_HOST),
        (["localhost/evil"], BAD_HOST),
        (["localhost\n"], BAD_HOST),
        (["localhost "], BAD_HOST),
        (["localhost."], BAD_HOST),
        (["::1"], BAD_HOST),
        (["evil.example"], NOT_SERVED),
        (["localhost.evil.example"], NOT_SERVED),
        (["127.0.0.1.nip.io:6080"], NOT_SERVED),
        (["127.0.0.2:6080"], NOT_SERVED),
        (["0.0.0.0:6080"], NOT_SERVED),
        (["10.244.0.7:6080"], NOT_SERVED),
        (["[::]:6080"], NOT_SERVED),
        (["[::ffff:127.0.0.1]:6080"], NOT_SERVED),
        (["sub.vnc.example.com"], NOT_SERVED),
    ],
)
def test_only_loopback_and_named_hosts_are_served(hosts: list[str], problem: str | None) -> None:
    assert GUARD.host_problem(hosts) == problem


@pytest.mark.parametrize(
    ("host", "origins", "problem"),
    [
        ("localhost:6080", ["http://localhost:6080"], ALLOWED),
        ("LOCALHOST:6080", ["http://localhost:6080"], ALLOWED),
        ("localhost", ["http://localhost"], ALLOWED),
        ("localhost:80", ["http://localhost"], ALLOWED),
        ("[::1]:6080", ["http://[::1]:6080"], ALLOWED),
        ("paper-novnc:6080", ["http://paper-novnc:6080"], ALLOWED),
        ("vnc.example.com", ["https://vnc.example.com"], ALLOWED),
        ("localhost:6080", ["https://vnc.example.com"], ALLOWED),
        ("localhost:6080", [], BAD_ORIGIN),
        ("localhost:6080", [""], BAD_ORIGIN),
        ("localhost:6080", ["null"], BAD_ORIGIN),
        ("localhost:6080", ["file://"], BAD_ORIGIN),
        ("localhost:6080", ["chrome-extension://abcdef"], BAD_ORIGIN),
        ("localhost:6080", ["http://localhost:6080", "http://localhost:6080"], BAD_ORIGIN),
        ("localhost:6080", ["http://localhost:6080/"], BAD_ORIGIN),
        ("localhost:6080", ["http://me@localhost:6080"], BAD_ORIGIN),
        ("localhost:6080", ["http://evil.example"], NOT_ALLOWED),
        ("localhost:6080", ["http://localhost"], NOT_ALLOWED),
        ("localhost:6080", ["http://localhost:8080"], NOT_ALLOWED),
        ("localhost:6080", ["https://localhost:6080"], NOT_ALLOWED),
        ("localhost:6080", ["http://127.0.0.1:6080"], NOT_ALLOWED),
        ("localhost:6080", ["http://localhost:6080.evil.example"], BAD_ORIGIN),
        ("localhost:6080", ["http://localhost.evil.example:6080"], NOT_ALLOWED),
        ("vnc.example.com", ["http://evil.vnc.example.com"], NOT_ALLOWED),
        ("localhost:6080", ["http://vnc.example.com"], NOT_ALLOWED),
        # Without TLS whoever stands between writes that page.
        ("vnc.example.com", ["http://vnc.example.com"], NOT_ALLOWED),
        ("vnc.example.com:6080", ["http://vnc.example.com:6080"], NOT_ALLOWED),
    ],
)
def test_only_the_own_page_and_allowed_origins_may_open_the_bridge(
    host: str, origins: list[str], problem: str | None
) -> None:
    assert GUARD.origin_problem(hosts=[host], origins=origins) == problem


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://VNC.example.com", "https://vnc.example.com:443"),
        ("http://localhost:6080", "http://localhost:6080"),
        ("http://localhost", "http://localhost:80"),
        ("ftp://localhost", None),
        ("localhost:6080", None),
        ("http://*.example.com", None),
    ],
)
def test_an_origin_is_written_with_its_port(text: str, origin: str | None) -> None:
    assert normal_origin(text) == origin


@pytest.mark.parametrize(
    ("headers", "protocols"),
    [
        ([], []),
        (["binary"], ["binary"]),
        (["binary, token.YWJj"], ["binary", "token.YWJj"]),
        (["token.YWJj"], None),
        (["base64"], None),
        (["binary", "token.YWJj"], None),
    ],
)
def test_a_viewer_that_asks_for_subprotocols_asks_for_binary(
    headers: list[str], protocols: list[str] | None
) -> None:
    assert offered_protocols(headers) == protocols


def offered(token: bytes) -> str:
    return "token." + base64.urlsafe_b64encode(token).decode().rstrip("=")


@pytest.mark.parametrize(
    ("protocols", "expected", "right"),
    [
        (["binary", "token.czNjcmV0"], b"s3cret", True),
        (["token.czNjcmV0", "binary"], b"s3cret", True),
        ([offered(b"\xfb\xff-token?")], b"\xfb\xff-token?", True),
        (["binary"], b"s3cret", False),
        (["binary", "token."], b"s3cret", False),
        (["binary", "token."], b"", False),
        (["binary", "token.czNjcmU"], b"s3cret", False),
        (["binary", "token.czNjcmV0IQ"], b"s3cret", False),
        (["binary", "token.not!base64"], b"s3cret", False),
        (["binary", "token.é"], b"s3cret", False),
        (["token.czNjcmV0", "token.czNjcmV0"], b"s3cret", False),
        (["binary", "token.czNjcmV0"], b"", False),
    ],
)
def test_only_the_one_right_token_matches(
    protocols: list[str], expected: bytes, right: bool
) -> None:
    assert token_matches(protocols, expected) is right
