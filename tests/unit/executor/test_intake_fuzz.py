"""Whatever a client sends, the intake answers it: never with 500, never with an exception.

The examples are the same in each run. What they have found stands as cases of its own in `test_http`
and `test_schema`.
"""

import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor_fakes import ORDER, IntakeWorld, open_hooked

ALIKE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

HOSTILE = st.sampled_from(
    [
        *(
            "",
            "\0",
            "A\0B",
            "\n",
            "\ud800",
            "²",
            "٣",
            "NaN",
            "1e400",
            "-0",
            "0x10",
            "1_0",
            " 1",
            "1\n",
        ),
        *(
            "9" * 5000,
            "9223372036854775808",
            "190.250",
            "0.0000001",
            "DU1234567",
            "AAPL",
            "USD",
            "MKT",
        ),
        *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2026-02-30T00:00:00Z"),
        *("2026-11-24T00:00:60Z", "2026-11-24T24:00:00Z", "2026-11-24T00:00:00+99:99"),
    ]
)
NUMBERS = st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**30, 1.5, 1e308, True, False])
SCALARS = st.one_of(st.none(), NUMBERS, st.integers(), st.floats(), HOSTILE, st.text(max_size=40))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
CONTRACT_FIELDS = ("conId", "symbol", "secType", "exchange", "currency", "primaryExchange", "x")
FIELDS = (
    *("account", "contract", "side", "quantity", "orderType", "limitPrice", "timeInForce"),
    *("validUntil", "limitprice", "\ud800"),
)
CONTRACTS = st.dictionaries(st.sampled_from(CONTRACT_FIELDS), VALUES, max_size=4)
CHANGES = st.dictionaries(st.sampled_from(FIELDS), st.one_of(VALUES, CONTRACTS), max_size=4)
RAW = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda text, end: text[:end], st.just(json.dumps(ORDER).encode()), st.integers(0, 120)
    ),
    st.sampled_from(
        [b"[" * 50_000, b'{"a":' * 10_000, b"9" * 50_000, b"\xef\xbb\xbf{}", b'"\\ud800"']
    ),
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=40).map(
    lambda text: text.encode("latin-1")
)
HEADER_NAMES = (b"host", b"authorization", b"content-length", b"content-type", b"idempotency-key")
HEADERS = st.lists(
    st.tuples(st.sampled_from([*HEADER_NAMES, b"transfer-encoding", b"x"]), LATIN), max_size=5
)


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[IntakeWorld]:
    world = IntakeWorld(open_hooked(tmp_path / "ledger.db"))
    async with world.http:
        yield world
    world.ledger.close()


async def served(world: IntakeWorld, scope: dict[str, Any], body: bytes = b"") -> int:
    """The status of one request, as uvicorn would hand it over; an exception passes."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    usual = {"type": "http", "http_version": "1.1", "method": "GET", "query_string": b""}
    await world.app(usual | {"headers": GOOD, "state": {}} | scope, receive, send)
    text = b"".join(message.get("body", b"") for message in sent)
    assert text == b"" or isinstance(json.loads(text), dict)
    status: int = sent[0]["status"]
    assert status < 500, text
    return status


GOOD: list[tuple[bytes, bytes]] = [
    (b"host", b"paper-executor"),
    (b"authorization", b"Bearer client-secret"),
    (b"content-type", b"application/json"),
]


def headed(body: bytes, number: int = 0) -> list[tuple[bytes, bytes]]:
    length, key = str(len(body)).encode(), f"fuzz-{number}".encode()
    return [*GOOD, (b"content-length", length), (b"idempotency-key", key)]


@ALIKE
@given(changes=CHANGES)
async def test_no_document_of_an_order_is_answered_with_500(
    intake: IntakeWorld, changes: dict[str, Any]
) -> None:
    body = json.dumps(ORDER | changes).encode()
    key = zlib.crc32(body)
    scope = {"method": "POST", "path": "/v1/orders", "headers": headed(body, key)}
    assert await served(intake, scope, body) in (202, 200, 409, 422)


@ALIKE
@given(body=RAW)
async def test_no_bytes_as_a_body_are_answered_with_500(intake: IntakeWorld, body: bytes) -> None:
    scope = {"method": "POST", "path": "/v1/orders", "headers": headed(body)}
    assert await served(intake, scope, body) in (200, 202, 422)


@ALIKE
@given(headers=HEADERS, keep=st.booleans(), method=st.sampled_from(["GET", "POST", "DELETE"]))
async def test_no_headers_are_answered_with_500(
    intake: IntakeWorld, headers: list[tuple[bytes, bytes]], keep: bool, method: str
) -> None:
    scope = {"method": method, "path": "/v1/orders", "headers": [*(GOOD if keep else []), *headers]}
    await served(intake, scope, json.dumps(ORDER).encode())


@ALIKE
@given(
    query=st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda name, value: str(httpx.QueryParams({name: value})).encode(),
            st.sampled_from(["state", "cursor", "limit", "since", "symbol", "account", "x"]),
            st.one_of(
                st.integers().map(str),
                st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
            ),
        ),
    )
)
async def test_no_query_is_answered_with_500(intake: IntakeWorld, query: bytes) -> None:
    assert await served(intake, {"path": "/v1/orders", "query_string": query}) in (200, 422)


@ALIKE
@given(
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    method=st.sampled_from(["GET", "DELETE", "POST", "PUT", "X"]),
)
async def test_no_path_is_answered_with_500(intake: IntakeWorld, name: str, method: str) -> None:
    scope = {"method": method, "path": f"/v1/orders/{name}", "headers": headed(b"")}
    assert await served(intake, scope) in (200, 404, 405, 422)
