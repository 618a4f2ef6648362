"""The checks at a commit are those of `make check`: the same commands, in the same order."""

import itertools
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


def hooks() -> list[dict[str, Any]]:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"  # nothing is fetched by address
    found: list[dict[str, Any]] = repository["hooks"]
    return found


def test_a_recipe_is_read_from_the_makefile() -> None:
    makefile = "BIN := here/bin\n\none: a ## b\n\t@$(BIN)/x -q\n\ty $@\n\ntwo:\n\t@z\n"
    assert ["here/bin/x -q", "y $@"] == recipe("one", makefile)
    assert ["z"] == recipe("two", makefile)


def test_a_commit_runs_the_commands_of_make_check() -> None:
    assert [hook["entry"] for hook in hooks()] == recipe("check", MAKEFILE)


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: str(hook["id"]))
def test_a_hook_looks_at_the_whole_tree_with_tools_of_the_venv(hook: dict[str, Any]) -> None:
    assert hook["entry"].startswith(".venv/bin/")
    assert hook["language"] == "system"
    assert hook["pass_filenames"] is False
    assert hook["always_run"] is True
