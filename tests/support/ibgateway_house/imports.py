"""Circles of imports, read from the sources.

An import for types only and one inside a function count too: both tie two modules together for
whoever reads them.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

Circle = tuple[str, ...]  # modules that import each other, directly or by others


def module(path: Path, root: Path) -> str:
    """The dotted name of the file at `path` under the source root `root`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(trees: Mapping[str, ast.Module]) -> list[Circle]:
    """The circles among these modules; a module that imports itself is one."""
    edges = {name: frozenset(_imported(name, tree, trees.keys())) for name, tree in trees.items()}
    reached = {name: _reached(name, edges) for name in edges}
    found = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in edges
        if name in reached[name]
    }
    return sorted(found)


def _imported(importer: str, tree: ast.Module, known: Collection[str]) -> Iterator[str]:
    """The known modules that `importer` names; `from package import name` may name a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(importer, node, known)
            for alias in node.names:
                yield from [name for name in (f"{origin}.{alias.name}", origin) if name in known][
                    :1
                ]


def _origin(importer: str, node: ast.ImportFrom, known: Collection[str]) -> str:
    """What stands between `from` and `import`, in full: the dots of a relative import resolved."""
    if not node.level:
        return node.module or ""
    is_package = any(name.startswith(f"{importer}.") for name in known)
    parts = importer.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


def _reached(start: str, edges: Mapping[str, frozenset[str]]) -> set[str]:
    """What `start` imports, directly or by others; itself only if a circle leads back."""
    reached: set[str] = set()
    ahead = set(edges[start])
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead |= edges[name] - reached
    return reached
