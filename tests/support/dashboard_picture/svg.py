"""Shapes of a picture; nothing in it is fetched from anywhere."""

from dataclasses import dataclass, field
from html import escape
from typing import Final

FONT: Final = "font-family:'DejaVu Sans',Verdana,sans-serif"
GROUND, PANEL, RIM, INK, PALE, RULE = (
    "#111217",
    "#181b1f",
    "#2c3235",
    "#d8d9da",
    "#9fa7b3",
    "#2c3235",
)
COLOURS: Final = (
    "#73bf69",
    "#f2cc0c",
    "#5794f2",
    "#ff780a",
    "#f2495c",
    "#b877d9",
    "#37d4d4",
    "#fa9ec3",
    "#8ab8ff",
    "#c8f2c2",
)
LETTER: Final = 0.6
"""A letter's width, as a part of its height; wide enough for digits."""


@dataclass
class Drawing:
    """Shapes from left to right and from top to bottom."""

    width: float
    height: float
    shapes: list[str] = field(default_factory=list)

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: str, rim: str = "none"
    ) -> None:
        self.shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" stroke="{rim}"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: int = 11,
        fill: str = INK,
        anchor: str = "start",
    ) -> None:
        self.shapes.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def line(self, points: list[tuple[float, float]], *, colour: str, width: float = 1.5) -> None:
        """Through these points; a single one is a dot."""
        if len(points) == 1:
            [(x, y)] = points
            self.shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width}" fill="{colour}"/>')
            return
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.shapes.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        )

    def rule(
        self, start: tuple[float, float], end: tuple[float, float], *, dashed: bool = False
    ) -> None:
        """A line that only helps the eye."""
        dash = ' stroke-dasharray="2 3"' if dashed else ""
        (x1, y1), (x2, y2) = start, end
        self.shapes.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{PALE if dashed else RULE}" stroke-width="{0.6 if dashed else 1}"{dash}/>'
        )

    def document(self, title: str) -> str:
        """The file; `title` is what is read where nothing is seen."""
        size = f'width="{self.width:.0f}" height="{self.height:.0f}" viewBox="0 0 {self.width:.0f} {self.height:.0f}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" style="{FONT}">'
        ground = f'<rect width="100%" height="100%" fill="{GROUND}"/>'
        return (
            "\n".join([head, f"<title>{escape(title)}</title>", ground, *self.shapes, "</svg>"])
            + "\n"
        )
