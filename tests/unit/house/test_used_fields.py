"""No field is accepted and ignored: each one of the spec and of the settings is read by a program."""

import ast
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from ibgateway_api.settings import ExecutorSettings, SentinelSettings
from ibgateway_api.spec import IBGatewaySpec

ROOT = Path(__file__).parents[3]
OPERATOR = ("operator/ibgateway_operator", "api/ibgateway_api")
SENTINEL = ("gateway/ibgateway_agent", "api/ibgateway_api")
EXECUTOR = ("executor/ibgateway_executor", "api/ibgateway_api")


@cache
def names_read(folder: str) -> frozenset[str]:
    """Attributes that some expression in the folder reads."""
    return frozenset(
        node.attr
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    )


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation names, also inside of lists and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from models_in(part)


def is_one_choice(annotation: Any) -> bool:
    """A field with one possible value says nothing that a program could ignore."""
    return isinstance(annotation, type) and issubclass(annotation, Enum) and len(annotation) == 1


def field_names(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """(name of the model, name of the field) of everything below `model`."""
    for name, field in model.model_fields.items():
        if not is_one_choice(field.annotation):
            yield model.__name__, name
        for child in models_in(field.annotation):
            yield from field_names(child)


@pytest.mark.parametrize(
    ("model", "folders"),
    [(IBGatewaySpec, OPERATOR), (SentinelSettings, SENTINEL), (ExecutorSettings, EXECUTOR)],
    ids=["spec", "sentinel", "executor"],
)
def test_every_field_is_read_by_its_program(
    model: type[BaseModel], folders: tuple[str, ...]
) -> None:
    read = frozenset[str]().union(*(names_read(folder) for folder in folders))
    assert [f"{owner}.{name}" for owner, name in field_names(model) if name not in read] == []
