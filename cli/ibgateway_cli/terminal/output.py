"""How a command answers: a table for people, JSON or YAML for programs."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import yaml
from rich.console import Console, RenderableType
from rich.text import Text


class Output(StrEnum):
    """The forms of an answer."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def show(
    console: Console, document: Mapping[str, Any], output: Output, table: RenderableType
) -> None:
    """The answer in the form that was asked for; `document` is JSON's."""
    if output is Output.TABLE:
        console.print(Text(table) if isinstance(table, str) else table, highlight=False)
    else:
        console.print(text(document, output), soft_wrap=True, highlight=False, markup=False, end="")


def text(document: Mapping[str, Any], output: Output) -> str:
    """A document as JSON or YAML, with its line end."""
    if output is Output.YAML:
        return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"
