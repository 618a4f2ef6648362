"""Terminal output as files: each is read by a person once, and then held."""

import os
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[2] / "unit" / "cli" / "golden"


def golden(name: str, text: str) -> None:
    """Compare with tests/unit/cli/golden/NAME.txt; GOLDEN=write writes it."""
    file = FOLDER / f"{name}.txt"
    lines = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(lines)
    assert file.read_text() == lines
