"""The house rules that a machine can hold."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from ibgateway_house.figures import programs
from ibgateway_operator import crds
from ibgateway_runtime.metrics import RELEASE

ROOT = Path(__file__).parents[3]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROGRAM_ROOTS = [package.parent.name for package in programs(ROOT)]


@pytest.mark.parametrize("root", [*PROGRAM_ROOTS, "tests/cluster", "tests/support"])
def test_a_source_root_is_no_package(root: str) -> None:
    assert (ROOT / root).is_dir()
    assert not (ROOT / root / "__init__.py").exists()


def test_every_program_is_packed() -> None:
    found = {package.parent for package in ROOT.glob("*/ibgateway*/__init__.py")}
    assert found == set(programs(ROOT))


def test_every_program_is_measured_and_has_contracts() -> None:
    packages = {package.name for package in programs(ROOT)}
    assert set(PROGRAM_ROOTS) <= set(PYPROJECT["tool"]["coverage"]["run"]["source"])
    client = {"ibgateway"}  # what it may import is held by test_client_imports
    assert packages - client == set(PYPROJECT["tool"]["importlinter"]["root_packages"])


def test_one_license_everywhere() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.lstrip().startswith("Apache License\n")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PYPROJECT["project"]["license"] == "Apache-2.0"
    assert PYPROJECT["project"]["license-files"] == ["LICENSE"]
    for chart in sorted(ROOT.glob("charts/*/Chart.yaml")):
        annotations = yaml.safe_load(chart.read_text())["annotations"]
        assert annotations["artifacthub.io/license"] == "Apache-2.0", chart


def test_one_version_everywhere() -> None:
    assert PYPROJECT["project"]["version"] == RELEASE
    for chart in sorted(ROOT.glob("charts/*/Chart.yaml")):
        read = yaml.safe_load(chart.read_text())
        assert (read["version"], read["appVersion"]) == (RELEASE, RELEASE), chart


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


def test_each_decision_has_a_number_of_its_own_and_says_it() -> None:
    files = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [file.name[:4] for file in files]
    assert numbers == [f"{number:04}" for number in range(1, len(files) + 1)]
    assert [file.read_text()[:6] for file in files] == [f"# {number}" for number in numbers]
