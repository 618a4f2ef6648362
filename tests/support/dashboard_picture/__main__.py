"""`python -m dashboard_picture`: docs/images/dashboard.svg and dashboard-all.svg, of what was recorded last."""

from pathlib import Path
from typing import Final

from dashboard_picture.charts import COLUMN, ROW, draw, story, story_height
from dashboard_picture.panels import Panel, panels
from dashboard_picture.recording import load
from dashboard_picture.svg import Drawing

IMAGES: Final = Path(__file__).parents[3] / "docs" / "images"
WIDTH: Final = 24 * COLUMN
CHOSEN: Final = {
    **{panel: (4 * number, 0, 4, 3) for number, panel in enumerate((2, 3, 4, 5, 6, 7))},
    8: (0, 3, 12, 8),
    9: (12, 3, 12, 8),
    17: (0, 11, 8, 7),
    32: (8, 11, 8, 7),
    29: (16, 11, 8, 7),
    27: (0, 18, 8, 7),
    26: (8, 18, 8, 7),
    56: (16, 18, 8, 7),
}
"""What the README shows, by a panel's id: its place there."""


def main() -> None:
    """Write both."""
    for name, svg in pictures().items():
        (IMAGES / f"{name}.svg").write_text(svg)


def pictures() -> dict[str, str]:
    """Both by their names: what the README shows, and everything."""
    every = panels()
    places = {panel.id: panel.place for panel in every}
    return {"dashboard": drawn(every, CHOSEN), "dashboard-all": drawn(every, places)}


def drawn(every: list[Panel], places: dict[int, tuple[int, int, int, int]]) -> str:
    """Those panels that have a place."""
    made = load()
    high = max(y + height for _, y, _, height in places.values()) * ROW
    drawing = Drawing(WIDTH, high + story_height(made))
    for panel in every:
        if panel.id in places:
            draw(drawing, panel, places[panel.id], made)
    story(drawing, high, made)
    return drawing.document("The dashboard IB Gateways, with what happened to one gateway")


if __name__ == "__main__":
    main()
