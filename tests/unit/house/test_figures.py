"""The figures of a tiny tree, each worked out by hand."""

import ast
from pathlib import Path

import pytest

from ibgateway_house import figures, imports

PYPROJECT = '[tool.hatch.build.targets.wheel]\npackages = ["first/one", "second/two"]\n'


def written(root: Path, **files: str) -> Path:
    """A tree with these files; `__` in a name stands for a folder's slash."""
    for name, text in {"pyproject": PYPROJECT, **files}.items():
        suffix = ".toml" if name == "pyproject" else ".py"
        path = root / (name.replace("__", "/") + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def of_length(name: str, lines: int) -> str:
    return f"def {name}():\n" + "    pass\n" * (lines - 1)


def test_functions_are_those_of_the_programs(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        first__one__a=of_length("short", 2) + of_length("long", 9),
        second__two__b="class B:\n    async def method(self):\n        return 1\n",
        tests__test_a=of_length("test_a", 30),
    )
    assert [
        figures.Function(2, "first/one/a.py:1 short"),
        figures.Function(2, "second/two/b.py:2 method"),
        figures.Function(9, "first/one/a.py:3 long"),
    ] == list(figures.figures(root).functions)


def test_a_class_name_counts_over_programs_and_tests(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        first__one__a="class Same: ...\nclass Once: ...\n",
        tests__support__world="def f():\n    class Same: ...\n",
    )
    assert {"Same": ("first/one/a.py", "tests/support/world.py")} == figures.figures(root).twice


def test_a_circle_is_within_one_program(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        first__one__a="from one import b\n",
        first__one__b="import one.a\nimport two.c\n",
        second__two__c="import one.a\n",
    )
    assert (("one.a", "one.b"),) == figures.figures(root).circles


def trees(**sources: str) -> dict[str, ast.Module]:
    return {name.replace("__", "."): ast.parse(text) for name, text in sources.items()}


@pytest.mark.parametrize(
    ("back", "circles"),
    [
        ("", []),
        ("import os\n", []),
        ("from p import a\n", [("p.a", "p.b")]),
        ("from p.a import name\n", [("p.a", "p.b")]),
        ("from . import a\n", [("p.a", "p.b")]),
        ("from .a import name\n", [("p.a", "p.b")]),
        ("def f():\n    import p.a\n", [("p.a", "p.b")]),
        ("if TYPE_CHECKING:\n    from p.a import A\n", [("p.a", "p.b")]),
        ("import p.b\n", [("p.b",)]),
        ("from p.c import name\n", [("p.a", "p.b", "p.c")]),
        ("from p import name\n", []),
    ],
)
def test_circles(back: str, circles: list[imports.Circle]) -> None:
    found = imports.circles(trees(p="", p__a="import p.b\n", p__b=back, p__c="import p.a\n"))
    assert circles == found


def test_a_package_imports_its_own_module_by_a_dot() -> None:
    assert [("p", "p.a")] == imports.circles(trees(p="from .a import A\n", p__a="import p\n"))


def test_a_package_is_named_without_init() -> None:
    assert "one.room" == imports.module(Path("first/one/room/__init__.py"), Path("first"))
    assert "one.room.noun" == imports.module(Path("first/one/room/noun.py"), Path("first"))


def test_the_printed_lines(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        first__one__a="import one.b\nclass Same: ...\n" + of_length("a", 3) + of_length("b", 10),
        first__one__b="import one.a\nclass Same: ...\n" + of_length("c", 4),
    )
    assert [
        "functions 3, lines: median 4, p90 10, longest 10 (first/one/a.py:6 b)",
        "circles of imports: 1",
        "  one.a one.b",
        "class names used twice: 1",
        "  Same: first/one/a.py, first/one/b.py",
    ] == figures.lines(figures.figures(root))
