"""The house rules that a machine can hold."""

import subprocess
import sys
from pathlib import Path

import pytest

from ibgateway_operator import crds

ROOT = Path(__file__).parents[3]
SOURCE_ROOTS = ["api", "operator", "gateway", "executor", "simulator", "tests/cluster"]


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_a_source_root_is_no_package(root: str) -> None:
    assert not (ROOT / root / "__init__.py").exists()


def test_the_standard_library_imports_from_the_repository_root() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import collections, operator; print(operator.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(ROOT) not in run.stdout


def test_the_generated_crd_is_current() -> None:
    assert crds.text() == (ROOT / "crds/ibgateway.dev_ibgateways.yaml").read_text(), "make crds"


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text().splitlines()
    assert "make test" in script
    assert "make test" in (ROOT / "README.md").read_text()


def test_requirements_are_hashed_and_name_no_index() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text()
        assert "--hash=sha256:" in text, path
        assert "--index-url" not in text, path
        assert "://" not in text, path
