"""Frames of a terminal in one picture that moves by its own style sheet; nothing is fetched, and no script runs."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, RenderableType
from rich.terminal_theme import DIMMED_MONOKAI

WIDTH: Final = 110
FORMAT: Final = re.sub(
    r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL
).replace("Fira Code, monospace", "monospace")


@dataclass(frozen=True)
class Frame:
    """What is on the terminal for so many seconds."""

    seconds: float
    shown: tuple[RenderableType, ...]


def moving(title: str, frames: Sequence[Frame]) -> str:
    """All of them, one after the other, again and again; the last one alone for whoever wants nothing to move."""
    high = max(_lines(frame) for frame in frames)
    pictures = [
        _picture(frame, title, high, f"frame{number}") for number, frame in enumerate(frames)
    ]
    total = sum(frame.seconds for frame in frames)
    styles, passed = [], 0.0
    for number, frame in enumerate(frames):
        start, passed = passed, passed + frame.seconds
        styles.append(_style(number, start / total * 100, passed / total * 100, total))
    still = f"@media (prefers-reduced-motion: reduce) {{ .f {{ animation: none !important }} #f{len(frames) - 1} {{ visibility: visible }} }}"
    box = re.search(r'viewBox="[^"]*"', pictures[0])
    assert box is not None
    inner = [
        f'<g class="f" id="f{number}">{_content(picture)}</g>'
        for number, picture in enumerate(pictures)
    ]
    head = f'<svg class="rich-terminal" {box[0]} xmlns="http://www.w3.org/2000/svg"><title>{title}</title>'
    style = "\n".join([".f { visibility: hidden }", *styles, still])
    return "\n".join([head, f"<style>\n{style}\n</style>", *inner, "</svg>"]) + "\n"


def _style(number: int, start: float, end: float, total: float) -> str:
    before = "0% { visibility: hidden } " if start else ""
    after = f"{end:.2f}% {{ visibility: hidden }}" if end < 99.99 else ""
    steps = f"{before}{start:.2f}% {{ visibility: visible }} {after}"
    return (
        f"@keyframes k{number} {{ {steps} }}\n"
        f"#f{number} {{ animation: k{number} {total:.1f}s step-end infinite }}"
    )


def _console(width: int = WIDTH) -> Console:
    return Console(
        record=True, file=io.StringIO(), width=width, force_terminal=True, color_system="truecolor"
    )


def _lines(frame: Frame) -> int:
    console = _console()
    return sum(len(console.render_lines(one, pad=False)) for one in frame.shown)


def _picture(frame: Frame, title: str, high: int, name: str) -> str:
    console = _console()
    for one in frame.shown:
        console.print(one, highlight=False)
    for _ in range(high - _lines(frame)):
        console.print()
    return console.export_svg(title=title, theme=DIMMED_MONOKAI, unique_id=name, code_format=FORMAT)


def _content(svg: str) -> str:
    """What is within the picture's outermost element, without lines that say nothing."""
    inner = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    lines = (line.strip() for line in inner.splitlines() if "<!--" not in line)
    return "\n".join(line for line in lines if line)
