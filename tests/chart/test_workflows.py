"""The workflows for those who have Docker are well formed, and what they run is there. Nobody has run them yet."""

import re
import subprocess
from pathlib import Path

import pytest

from ibgateway_charts.tools import program

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))


def judged(*files: Path) -> subprocess.CompletedProcess[str]:
    argv = [str(program("actionlint")), "-no-color", "-shellcheck=", "-pyflakes=", *map(str, files)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def test_actionlint_finds_nothing_in_them() -> None:
    assert len(WORKFLOWS) == 2
    found = judged(*WORKFLOWS)
    assert (found.returncode, found.stdout) == (0, "")


def test_it_would_find_a_step_that_uses_what_no_step_gave(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    text = WORKFLOWS[0].read_text().replace("matrix.python", "matrix.pythons")
    broken.write_text(text)
    assert 'property "pythons" is not defined' in judged(broken).stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_each_target_of_make_in_them_exists(workflow: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    runs = re.findall(r"\bmake (?:-s )?([a-z0-9./ -]+)", workflow.read_text())
    assert runs
    assert {word for words in runs for word in words.split()} <= targets


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_each_says_that_it_was_not_run(workflow: Path) -> None:
    assert workflow.read_text().startswith("# Not run yet")
