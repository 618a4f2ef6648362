"""The API's own description: complete, with examples that are true, and the same in docs/openapi.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from executor_fakes import IntakeWorld
from ibgateway_api.executor_documents import OrderDocument, PauseDocument, ProblemDocument
from ibgateway_executor.intake.examples import ORDER, ORDER_BODIES, RESOLUTION_BODIES
from ibgateway_executor.intake.http import routes
from ibgateway_executor.intake.openapi import OPERATIONS
from ibgateway_executor.intake.problems import KINDS
from ibgateway_executor.intake.resolution import ResolutionBody
from ibgateway_executor.intake.schema import OrderBody
from ibgateway_executor.intake.written_openapi import written

ROOT = Path(__file__).parents[3]
DOCUMENT = routes().openapi()
OUTSIDE_ROUTES = {"NoSuchPath", "MethodNotAllowed", "RequestTimeout", "HeadersTooLarge"}
"""Answered where there is no route."""


def operations() -> Iterator[dict[str, Any]]:
    for path in DOCUMENT["paths"].values():
        yield from path.values()


def test_the_file_is_as_the_routes_are() -> None:
    assert (ROOT / "docs/openapi.json").read_text() == written(), "run: make openapi"


def test_a_schema_has_the_name_of_its_class_alone() -> None:
    """FastAPI puts the module before the names of two classes that are called the same."""
    assert [name for name in DOCUMENT["components"]["schemas"] if "__" in name] == []


async def test_it_is_served(intake: IntakeWorld) -> None:
    assert (await intake.http.get("/openapi.json")).json() == json.loads(written())


def test_each_route_says_what_it_answers_and_with_an_example() -> None:
    assert {operation["operationId"] for operation in operations()} == set(OPERATIONS)
    for operation in operations():
        for status, answer in operation["responses"].items():
            for content in answer["content"].values():
                assert "example" in content or content["examples"], (
                    operation["operationId"],
                    status,
                )
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["examples"]


def test_each_problem_stands_somewhere_with_an_example_that_says_what_to_do() -> None:
    found: dict[str, dict[str, Any]] = {}
    for operation in operations():
        for status, answer in operation["responses"].items():
            told = answer["content"].get("application/problem+json", {"examples": {}})
            for code, example in told["examples"].items():
                found[code] = example["value"]
                assert example["value"]["status"] == int(status)
                assert example["value"]["detail"], code
    assert set(found) == set(KINDS) - OUTSIDE_ROUTES


def test_each_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    schemas = DOCUMENT["components"]["schemas"]
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(schemas)
    assert not [name for name in schemas if "Validation" in name]


@pytest.mark.parametrize(
    ("body", "example"),
    [(OrderBody, value) for value in ORDER_BODIES.values()]
    + [(ResolutionBody, value) for value in RESOLUTION_BODIES.values()],
)
def test_each_example_of_a_body_is_taken(body: type[BaseModel], example: Any) -> None:
    body.model_validate(example)


async def test_the_documents_have_the_fields_that_are_answered(intake: IntakeWorld) -> None:
    placed = (await intake.place(orderType="LMT", limitPrice="190.25")).json()
    only_at_times = {"cancelWritten"}
    assert set(placed) == outside_names(OrderDocument) - only_at_times == set(ORDER)
    assert OrderDocument.model_validate(placed).limit_price is not None
    paused = (await intake.http.get("/v1/pause")).json()
    assert set(paused) == outside_names(PauseDocument)
    problem = (await intake.place(quantity="x")).json()
    assert set(problem) == outside_names(ProblemDocument) - {"rebalance"}
    line = (await intake.http.get(f"/v1/orders/{placed['id']}")).json()
    assert set(line) == set(placed)


def outside_names(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}
