"""Idempotency-Key: as the draft writes it, as most clients write it, one request at a time."""

import asyncio
from dataclasses import replace

import pytest

from executor_fakes import ORDER, IntakeWorld, entry
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.idempotency import read_key
from ibgateway_executor.intake.schema import OrderBody


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("k-1", "k-1"),
        ('"k-1"', "k-1"),
        ('"two words"', "two words"),
        (r'"a\"b\\c"', 'a"b\\c'),
        ('a"b', 'a"b'),
        ("k" * 255, "k" * 255),
        (f'"{"k" * 255}"', "k" * 255),
    ],
)
def test_a_key_is_a_string_or_bare(field: str, key: str) -> None:
    assert read_key([field]).key == key
    assert read_key([field]).quoted == field.startswith('"')


@pytest.mark.parametrize(
    "fields",
    [
        [""],
        ["two words"],
        ["k" * 256],
        [f'"{"k" * 256}"'],
        ['"open'],
        ['""'],
        [r'"a\b"'],
        ['"a";b=1'],
        ['"ü"'],
        ["k1", "k1"],
    ],
)
def test_what_is_no_key_is_refused(fields: list[str]) -> None:
    with pytest.raises(OrderRefusedError, match="send one Idempotency-Key") as refused:
        read_key(fields)
    assert (refused.value.status, refused.value.code) == (400, "IdempotencyKeyInvalid")


async def test_an_order_without_a_key_is_refused(intake: IntakeWorld) -> None:
    answer = await intake.http.post("/v1/orders", json=ORDER)
    assert (answer.status_code, answer.json()["code"]) == (400, "IdempotencyKeyMissing")
    assert intake.changed.count == 0


KEYED = {
    "/v1/orders": ORDER,
    "/v1/orders/id0/replace": {"limitPrice": "191"},
    "/v1/rebalances": {"targets": []},
}


@pytest.mark.parametrize("path", KEYED)
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ((), "IdempotencyKeyMissing"),
        (("two words",), "IdempotencyKeyInvalid"),
        (("",), "IdempotencyKeyInvalid"),
        (('"open',), "IdempotencyKeyInvalid"),
        (("k1", "k1"), "IdempotencyKeyInvalid"),
    ],
)
async def test_every_route_that_needs_a_key_says_the_same_of_one_that_is_none(
    intake: IntakeWorld, path: str, fields: tuple[str, ...], code: str
) -> None:
    await intake.place("k0")
    headers = [("Idempotency-Key", field) for field in fields]
    answer = await intake.http.post(path, json=KEYED[path], headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_preview_of_a_rebalance_asks_for_no_key_and_looks_at_none(
    intake: IntakeWorld,
) -> None:
    for headers in ({}, {"Idempotency-Key": "two words"}):
        answer = await intake.http.post(
            "/v1/rebalances?dryRun=true", json={"targets": []}, headers=headers
        )
        assert answer.json().get("code") != "IdempotencyKeyInvalid"
        assert answer.status_code != 400


async def test_a_key_in_quotation_marks_is_the_same_key(intake: IntakeWorld) -> None:
    first, again = await intake.place("k1"), await intake.place('"k1"')
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["id"] == first.json()["id"]


async def test_a_key_that_an_earlier_version_kept_with_its_marks_is_known_again(
    intake: IntakeWorld,
) -> None:
    old = replace(entry("id0"), key='"k1"', hash=OrderBody.model_validate(ORDER).fingerprint())
    await intake.ledger.accept(old)
    again = await intake.place('"k1"')
    assert (again.status_code, again.json()["id"]) == (200, "id0")


async def test_a_request_that_comes_while_its_key_is_being_stored_is_told_so(
    intake: IntakeWorld,
) -> None:
    first, second, other = await asyncio.gather(
        intake.place("k1"), intake.place('"k1"'), intake.place("k2")
    )
    assert (first.status_code, other.status_code) == (202, 202)
    assert (second.status_code, second.json()["code"]) == (409, "RequestInFlight")
    assert second.headers["Retry-After"] == "1"
    assert (await intake.place("k1")).status_code == 200


async def test_a_refused_request_leaves_its_key_free(intake: IntakeWorld) -> None:
    refused = await intake.place("k1", validUntil="2026-11-23T16:59:59Z")
    assert refused.status_code == 422
    assert (await intake.place("k1")).status_code == 202
