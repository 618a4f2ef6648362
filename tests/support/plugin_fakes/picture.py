"""What a terminal shows as a picture for the pages: rich's SVG, without fonts of others."""

import io
import os
import re
from pathlib import Path
from typing import Final

from rich.console import Console, RenderableType
from rich.terminal_theme import DIMMED_MONOKAI

IMAGES: Final = Path(__file__).parents[3] / "docs" / "images"
_FONTS: Final = re.compile(r"\s*@font-face \{.*?\n    \}", re.DOTALL)
WIDTH: Final = 104


def picture(name: str, title: str, *shown: RenderableType) -> None:
    """Compare with docs/images/NAME.svg; GOLDEN=write writes it."""
    console = Console(
        record=True, file=io.StringIO(), width=WIDTH, force_terminal=True, color_system="truecolor"
    )
    for each in shown:
        console.print(each, highlight=False)
    svg = console.export_svg(title=title, theme=DIMMED_MONOKAI, unique_id="plugin")
    svg = _FONTS.sub("", svg).replace("Fira Code, monospace", "monospace")
    file = IMAGES / f"{name}.svg"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(svg)
    assert file.read_text() == svg
