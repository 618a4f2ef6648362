"""Errors are problem documents (RFC 9457): in every answer, with a code that is documented."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from executor_fakes import IntakeWorld
from ibgateway_executor.intake.answers import ProblemAnswer
from ibgateway_executor.intake.problems import KINDS, pointer, problem

ROOT = Path(__file__).parents[3]
SOURCES = "\n".join(
    file.read_text() for file in sorted((ROOT / "executor/ibgateway_executor").rglob("*.py"))
)
DOCUMENTED = (ROOT / "docs/executor.md").read_text()
REFUSALS = re.findall(r'OrderRefusedError\(\s*(\d+),\s*"(\w+)"', SOURCES)


async def test_an_error_is_a_problem_document_that_points_at_what_is_wrong(
    intake: IntakeWorld,
) -> None:
    answer = await intake.place(quantity="ten", contract={"symbol": "AAPL", "a/b~ü": 1})
    assert answer.headers["Content-Type"] == "application/problem+json"
    whole = 'write whole shares, such as 10 or "10": the API takes no fractions'
    assert answer.json() == {
        "type": "urn:ibgateway:problem:InvalidRequest",
        "title": "The request is not valid",
        "status": 422,
        "detail": f"contract.a/b~ü: is not a field of this document; quantity: {whole}",
        "code": "InvalidRequest",
        "errors": [
            {
                "pointer": "#/contract/a~1b~0%C3%BC",
                "detail": "is not a field of this document",
            },
            {"pointer": "#/quantity", "detail": whole},
        ],
    }


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/v1/orders", {"Host": "evil.example"}, 421, "UnknownHost"),
        ("GET", "/v1/orders", {"Authorization": "Bearer x"}, 401, "Unauthorized"),
        ("GET", "/v1/nothing", {}, 404, "NoSuchPath"),
        ("GET", "/v1/orders/", {}, 404, "NoSuchPath"),
        ("GET", "/v1/orders/nope", {}, 404, "NoSuchOrder"),
        ("PUT", "/v1/orders", {}, 405, "MethodNotAllowed"),
        ("POST", "/v1/orders", {"Transfer-Encoding": "chunked"}, 411, "LengthRequired"),
        ("POST", "/v1/orders", {"Content-Length": "70000"}, 413, "TooLarge"),
        ("GET", "/v1/orders?state=Nope", {}, 422, "InvalidRequest"),
    ],
)
async def test_whoever_refuses_answers_with_a_problem(
    intake: IntakeWorld, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await intake.http.request(method, path, headers=headers)
    told = answer.json()
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert told["type"] == f"urn:ibgateway:problem:{code}"
    assert told["detail"]


async def test_a_problem_has_the_headers_that_belong_to_it(intake: IntakeWorld) -> None:
    wrong = await intake.http.put("/v1/pause")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET, POST")
    one = await intake.http.put("/v1/orders/id0")
    assert (one.status_code, one.headers["Allow"]) == (405, "DELETE, GET")
    bare = await intake.http.get("/v1/orders", headers={"Authorization": ""})
    assert bare.headers["WWW-Authenticate"] == "Bearer"


async def test_a_parameter_that_is_wrong_is_named(intake: IntakeWorld) -> None:
    answer = await intake.http.get("/v1/orders?limit=0")
    (error,) = answer.json()["errors"]
    assert error["parameter"] == "limit"


async def test_a_mistake_of_ours_is_a_problem_too_and_says_nothing_else(
    intake: IntakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(intake.ledger, "find", broken)
    transport = httpx.ASGITransport(intake.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        headers = {"Authorization": "Bearer client-secret"}
        answer = await client.get("/v1/orders/id0", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (500, "InternalError")
    assert "secret" not in answer.text


BODIES = {
    "/v1/orders/id0/replace": {"limitPrice": "1"},
    "/v1/orders/id0/resolve": {"outcome": "giveUp", "note": "n"},
    "/v1/pause": {"by": "R.", "reason": "r"},
    "/v1/resume": {"by": "R."},
    "/v1/cancel-all": {"by": "R."},
    "/v1/rebalances": {"targets": []},
}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("path", BODIES)
async def test_a_body_that_is_not_said_to_be_json_is_not_read_by_any_route(
    intake: IntakeWorld, path: str, kind: str
) -> None:
    headers = {"Content-Type": kind, "Idempotency-Key": "k1"}
    content = json.dumps(BODIES[path]).encode()
    answer = await intake.http.post(path, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "UnsupportedMediaType")
    assert not intake.ledger.pause.standing


@pytest.mark.parametrize("path", BODIES)
async def test_a_body_that_is_not_there_is_missing_and_no_other_media(
    intake: IntakeWorld, path: str
) -> None:
    answer = await intake.http.post(path, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "InvalidRequest")


async def test_a_field_name_that_is_no_text_is_answered(intake: IntakeWorld) -> None:
    answer = await intake.http.post(
        "/v1/pause",
        content=b'{"by": "R.", "reason": "r", "\\ud800": 1}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422


def test_each_refusal_of_the_source_is_a_kind_with_its_status() -> None:
    assert len(REFUSALS) > 9
    told = {code: int(status) for status, code in REFUSALS}
    known = {code: kind.status for code, kind in KINDS.items()}
    assert told == {code: known.get(code) for code in told}


def test_each_kind_is_documented_with_its_status_and_nothing_else() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (.+?) \|", DOCUMENTED, re.MULTILINE)
    documented = {
        code: int(status) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)
    }
    assert documented == {code: kind.status for code, kind in KINDS.items()}


def test_a_pointer_is_a_uri_fragment() -> None:
    assert pointer(()) == "#"
    assert pointer(("contract", "a b", 0)) == "#/contract/a%20b/0"


def test_a_code_that_is_none_of_the_kinds_keeps_its_status() -> None:
    assert problem("New", "do this", status=418)["status"] == 418
    assert ProblemAnswer.media_type == "application/problem+json"
