"""The coverage of the unit tests in a few lines: the total, then every file under 80 %.

`make coverage` runs it as a script after `coverage run`. The figures are coverage's own, lines and
branches together. Nothing here fails: a threshold would invite tests that prove nothing.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import coverage

LOW: Final = 80.0  # per cent; a file below it is listed


def lines(report: Mapping[str, Any]) -> list[str]:
    """The lines to print, least covered file first; `report` is coverage's JSON report."""
    shares = sorted(
        (file["summary"]["percent_covered"], path) for path, file in report["files"].items()
    )
    low = [f"{_percent(share):>7} {path}" for share, path in shares if share < LOW]
    total = _percent(report["totals"]["percent_covered"])
    return [
        f"Unit tests cover {total} of lines and branches"
        " (programs that a test runs as processes are not counted);"
        f" files under {_percent(LOW)}: {len(low)}",
        *low,
    ]


def measured() -> dict[str, Any]:
    """Coverage's JSON report of the last run in this folder.

    Raises `coverage.exceptions.NoDataError` if there was none.
    """
    run = coverage.Coverage()
    run.load()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "coverage.json"
        run.json_report(outfile=str(place))
        report: dict[str, Any] = json.loads(place.read_text())
    return report


def _percent(share: float) -> str:
    """Rounded down, so that a file under 80 % never shows as 80 %."""
    return f"{int(share)} %"


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines(measured())) + "\n")
