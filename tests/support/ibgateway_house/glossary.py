"""The words of docs/glossary.md and those of the class names: one language, held by a test."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z]+|[A-Z]+")
_ALWAYS_PLURAL: Final = frozenset(
    {
        *(
            "Credentials",
            "Details",
            "Handlers",
            "Hours",
            "Kubernetes",
            "Metrics",
            "Postgres",
            "Replicas",
        ),
        *("Rules", "Scripts", "Services", "Settings", "Terms", "Timings"),
    }
)
_NO_PLURAL: Final = ("ss", "us")
_COMPOUND: Final = {"NoVnc": "Novnc", "IBGateway": "Ibgateway"}
"""Names that are one word, whatever their capitals."""


@dataclass(frozen=True)
class Glossary:
    """The three parts of the page."""

    terms: frozenset[str]
    everyday: frozenset[str]
    avoided: frozenset[str]


def read(page: Path) -> Glossary:
    """The glossary as written."""
    text = page.read_text()
    terms, _, rest = text.partition("## Everyday words")
    everyday, _, avoided = rest.partition("## Not these")
    return Glossary(
        frozenset(re.findall(r"^\| ([A-Z][a-z]+) \|", terms, re.MULTILINE)),
        frozenset(re.findall(r"\b[A-Z][a-z]+\b", everyday.partition(":")[2])),
        frozenset(re.findall(r"^\| ([A-Z][a-z]+) \|", avoided, re.MULTILINE)),
    )


def words(name: str) -> Iterator[str]:
    """The words of a class name in the singular: `GatewayConnections` is Gateway, Connection."""
    for compound, word in _COMPOUND.items():
        name = name.replace(compound, word)
    for part in _WORD.findall(name):
        yield singular(part.capitalize())


def singular(word: str) -> str:
    """A word without its plural."""
    if word in _ALWAYS_PLURAL or word.endswith(_NO_PLURAL):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")


def class_names(root: Path) -> Iterator[str]:
    """The public classes below a folder."""
    return (name for is_class, name in _names(root) if is_class and not name.startswith("_"))


def identifiers(root: Path) -> Iterator[str]:
    """Every name that the sources below a folder define or use."""
    return (name for _, name in _names(root))


@cache
def _names(root: Path) -> frozenset[tuple[bool, str]]:
    """Each name of the sources below a folder, and whether a class has it; files are parsed once."""
    return frozenset(
        (isinstance(node, ast.ClassDef), name)
        for file in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if (name := _name(node)) is not None
    )


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None
