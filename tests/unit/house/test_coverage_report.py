"""The coverage report: one line for the total, one for each file under 80 %."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ibgateway_house import coverage_report

HALF = "def half(flag):\n    if flag:\n        return 1\n    return 0\n\n\nhalf(True)\n"


def report(total: float, **shares: float) -> dict[str, Any]:
    """Coverage's JSON report, as far as it is read."""
    return {
        "totals": {"percent_covered": total},
        "files": {
            f"{name}.py": {"summary": {"percent_covered": share}} for name, share in shares.items()
        },
    }


def test_files_under_80_are_listed_least_covered_first() -> None:
    assert [
        "Unit tests cover 71 % of lines and branches"
        " (programs that a test runs as processes are not counted); files under 80 %: 3",
        "    0 % none.py",
        "    5 % little.py",
        "   79 % nearly.py",
    ] == coverage_report.lines(report(71.99, whole=100, nearly=79.99, enough=80, none=0, little=5))


def test_nothing_is_listed_where_nothing_is_low() -> None:
    assert [
        "Unit tests cover 100 % of lines and branches"
        " (programs that a test runs as processes are not counted); files under 80 %: 0",
    ] == coverage_report.lines(report(100, whole=100))


def test_it_reads_what_coverage_measured_branches_and_unseen_files_too(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.coverage.run]\nbranch = true\nsource = ["src"]\n'
    )
    (tmp_path / "src").mkdir()
    (tmp_path / "src/half.py").write_text(HALF)
    (tmp_path / "src/unseen.py").write_text("UNSEEN = 1\n")
    run(tmp_path, "-m", "coverage", "run", "src/half.py")
    # half.py: 4 of 5 lines and 1 of 2 branches; unseen.py: 0 of 1 line.
    assert (
        "Unit tests cover 62 % of lines and branches"
        " (programs that a test runs as processes are not counted); files under 80 %: 2\n"
        "    0 % src/unseen.py\n"
        "   71 % src/half.py\n"
    ) == run(tmp_path, coverage_report.__file__)


def run(folder: Path, *arguments: str) -> str:
    """The output of Python in `folder`, without what an outer coverage run left in the environment."""
    environment = {name: value for name, value in os.environ.items() if "COV" not in name}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
