"""What runs when: a commit runs the commands of `make check` in their order, `make test` all of them and coverage."""

import gc
import itertools
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
MAKEFILE = (ROOT / "Makefile").read_text()


def recipe(target: str, makefile: str) -> list[str]:
    """The commands of a make target, with `$(BIN)` and `@` resolved."""
    lines = iter(makefile.splitlines())
    next(line for line in lines if line.startswith(f"{target}:"))
    commands = itertools.takewhile(lambda line: line.startswith("\t"), lines)
    binaries = re.search(r"^BIN := (\S+)$", makefile, re.MULTILINE)
    assert binaries
    return [line.strip().removeprefix("@").replace("$(BIN)", binaries[1]) for line in commands]


def needs(target: str, makefile: str) -> list[str]:
    """The targets that a make target names before its own commands."""
    found = re.search(rf"^{target}:([^#\n]*)", makefile, re.MULTILINE)
    assert found
    return found[1].split()


def hooks() -> list[dict[str, Any]]:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"  # nothing is fetched by address
    found: list[dict[str, Any]] = repository["hooks"]
    return found


def test_a_recipe_is_read_from_the_makefile() -> None:
    makefile = "BIN := here/bin\n\none: a ## b\n\t@$(BIN)/x -q\n\ty $@\n\ntwo:\n\t@z\n"
    assert ["here/bin/x -q", "y $@"] == recipe("one", makefile)
    assert ["z"] == recipe("two", makefile)
    assert ["a"] == needs("one", makefile)
    assert [] == needs("two", makefile)


def test_a_commit_runs_the_commands_of_make_check() -> None:
    commands = [line for part in needs("check", MAKEFILE) for line in recipe(part, MAKEFILE)]
    assert [hook["entry"] for hook in hooks()] == commands


def test_make_test_leaves_no_check_out_and_measures_the_same_tests() -> None:
    everything = needs("test", MAKEFILE)
    assert ["lint", "unit", "site"] == needs("check", MAKEFILE)
    assert ["lint", "coverage", "site"] == everything[:3]
    (unit,) = recipe("unit", MAKEFILE)
    measured, report = recipe("coverage", MAKEFILE)
    assert unit.endswith(" tests/unit")
    assert measured == ".venv/bin/coverage run -m pytest -q tests/unit"
    assert report.endswith("/coverage_report.py")


def test_files_of_a_unit_test_are_in_memory_where_there_is_some(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    assert tmp_path.parent == memory or not os.access(memory, os.W_OK)


def test_what_was_collected_is_not_walked_through_by_the_garbage_collector() -> None:
    assert gc.get_freeze_count() > 0


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: str(hook["id"]))
def test_a_hook_looks_at_the_whole_tree_with_tools_of_the_venv(hook: dict[str, Any]) -> None:
    assert hook["entry"].startswith(".venv/bin/")
    assert hook["language"] == "system"
    assert hook["pass_filenames"] is False
    assert hook["always_run"] is True
