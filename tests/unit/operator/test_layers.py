"""Which module may import what: kopf, the Kubernetes client and HTTP each stay in their place."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[3] / "operator" / "ibgateway_operator"


@cache
def imports(file: Path) -> set[str]:
    """The top-level packages that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def importers(package: str) -> set[str]:
    return {file.stem for file in ROOM.rglob("*.py") if package in imports(file)}


@pytest.mark.parametrize(
    ("package", "modules"),
    [
        ("kopf", {"handlers", "__main__"}),
        ("kubernetes", {"client", "watch_client"}),
        ("aiohttp", {"client", "watch_client", "__main__"}),
        ("prometheus_client", {"metrics"}),
    ],
)
def test_each_library_has_its_place(package: str, modules: set[str]) -> None:
    assert importers(package) == modules


def test_the_source_root_is_no_package() -> None:
    assert not (ROOM.parent / "__init__.py").exists()
