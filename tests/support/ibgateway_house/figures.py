"""Figures of the sources: how long functions are, circles of imports, class names used twice.

`make figures` prints them. Functions and circles are those of the programs (the packages that
pyproject.toml packs); class names are looked up in programs and tests.
"""

import ast
import statistics
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ibgateway_house import imports

REPOSITORY: Final = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, order=True)
class Function:
    """A function of a program, its length in lines from `def` to the last."""

    length: int
    place: str  # path:line name


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What `make figures` prints; paths are relative to the tree looked at."""

    functions: tuple[Function, ...]  # shortest first
    circles: tuple[imports.Circle, ...]
    twice: Mapping[str, tuple[str, ...]]  # class name -> the files that define it


def programs(root: Path) -> tuple[Path, ...]:
    """The packages of the programs: what the wheel of `root` would hold."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return tuple(root / package for package in packages)


def figures(root: Path) -> Figures:
    """The figures of the tree at `root`. Raises SyntaxError if a file can't be parsed."""
    trees = {package: _parsed(package) for package in programs(root)}
    tests = _parsed(root / "tests")
    everything = {
        path: tree for parsed in (*trees.values(), tests) for path, tree in parsed.items()
    }
    return Figures(
        functions=tuple(
            sorted(
                Function(_length(node), f"{path.relative_to(root)}:{node.lineno} {node.name}")
                for parsed in trees.values()
                for path, tree in parsed.items()
                for node in ast.walk(tree)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            )
        ),
        circles=tuple(
            circle
            for package, parsed in trees.items()
            for circle in imports.circles(
                {imports.module(path, package.parent): tree for path, tree in parsed.items()}
            )
        ),
        twice=_defined_twice(root, everything),
    )


def lines(found: Figures) -> list[str]:
    """The lines to print."""
    lengths = [function.length for function in found.functions]
    longest = found.functions[-1]
    return [
        f"functions {len(lengths)}, lines: median {statistics.median(lengths):g},"
        f" p90 {lengths[int(0.9 * len(lengths))]}, longest {longest.length} ({longest.place})",
        f"circles of imports: {len(found.circles)}",
        *(f"  {' '.join(circle)}" for circle in found.circles),
        f"class names used twice: {len(found.twice)}",
        *(f"  {name}: {', '.join(files)}" for name, files in found.twice.items()),
    ]


def _parsed(folder: Path) -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(), str(path)) for path in sorted(folder.rglob("*.py"))}


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _defined_twice(root: Path, trees: Mapping[Path, ast.Module]) -> dict[str, tuple[str, ...]]:
    files = defaultdict[str, list[str]](list)
    for path, tree in trees.items():
        for name in _classes(tree):
            files[name].append(str(path.relative_to(root)))
    return {name: tuple(places) for name, places in sorted(files.items()) if len(places) > 1}


def _classes(tree: ast.Module) -> Iterable[str]:
    return (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines(figures(REPOSITORY))) + "\n")
