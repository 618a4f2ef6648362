"""docs/performance.md and its charts, from what is kept in docs/performance/."""

from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pygal
from pygal.style import Style

from bench_page.measured import FOLDER, Chart, Figure, Measured

PAGE: Final = FOLDER.with_suffix(".md")
ORDER: Final = (
    "operator",
    "intake",
    "sending",
    "rebalance",
    "latency",
    "gate",
    "messages",
    "console",
    "footprint",
)
INTRODUCTION: Final = """# Performance

Written by `make bench`; never edited. Every figure stands beside what bounds it, measured in the same run, because machines differ and are shared: compare ratios.
IBKR is played by our simulator: what its servers and its network add is in none of these figures.
"""
STYLE: Final = Style(
    background="white",
    plot_background="white",
    font_family="sans-serif",
    guide_stroke_color="#dddddd",
    major_guide_stroke_color="#cccccc",
    colors=("#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b"),
)
WORDS: Final = {True: "yes", False: "**no**", None: ""}


def write(folder: Path = FOLDER, page: Path = PAGE) -> None:
    """Write the page and one SVG a chart; charts that nobody kept are removed."""
    kept = {
        file.stem: Measured.model_validate_json(file.read_text()) for file in folder.glob("*.json")
    }
    names = sorted(
        kept, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name)
    )
    page.write_text(
        "\n".join([INTRODUCTION, *(section(kept[name], folder.name) for name in names)])
    )
    charts = [chart for name in names for chart in kept[name].charts]
    for stale in {file.stem for file in folder.glob("*.svg")} - {chart.name for chart in charts}:
        (folder / f"{stale}.svg").unlink()
    for chart in charts:
        (folder / f"{chart.name}.svg").write_bytes(drawn(chart))


def section(measured: Measured, folder: str) -> str:
    """One benchmark: what was run, its figures beside their aims, its charts."""
    lines = [
        f"## {measured.title}",
        "",
        f"`{measured.command}` on {measured.date} at {measured.commit}, {measured.machine}. {measured.method}",
        "",
        "| figure | measured | aim | met | beside |",
        "|---|---|---|---|---|",
        *(row(figure) for figure in measured.figures),
        "",
    ]
    for chart in measured.charts:
        lines += [f"![{chart.title}]({folder}/{chart.name}.svg)", ""]
    if measured.text:
        lines += [measured.text, ""]
    return "\n".join(lines)


def row(figure: Figure) -> str:
    """A row of the table."""
    aim = (
        ""
        if figure.aim is None
        else f"{'≥' if figure.at_least else '≤'} {amount(figure.aim, figure.unit)}"
    )
    value = "not measured" if figure.value is None else amount(figure.value, figure.unit)
    return f"| {figure.what} | {value} | {aim} | {WORDS[figure.met]} | {figure.beside} |"


def amount(value: float, unit: str) -> str:
    """Three significant digits, and no more decimals than they need."""
    decimals = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f} {unit}".rstrip()


def drawn(chart: Chart) -> bytes:
    """The chart as SVG: no script, and nothing that is fetched from elsewhere."""
    xy = pygal.XY(
        title=f"{chart.title}, {chart.unit}",
        x_title=chart.x_title,
        style=STYLE,
        js=[],
        no_prefix=True,
        legend_at_bottom=True,
        range=(0, max((y for curve in chart.curves.values() for y in curve if y), default=1)),
        show_x_guides=True,
        width=800,
        height=400,
    )
    xy.x_labels = list(chart.x)
    for name, curve in chart.curves.items():
        xy.add(name, [(x, y) for x, y in zip(chart.x, curve, strict=True) if y is not None])
    svg: ET.Element = xy.render_tree()
    _keep_drawing(svg)
    text: bytes = ET.tostring(svg, encoding="utf-8")
    return text + b"\n"


def _keep_drawing(svg: ET.Element) -> None:
    """Take out scripts, and comments, which hold the day of the drawing and have a function as their tag."""
    for parent in svg.iter():
        for child in list(parent):
            if child.tag in ("script", ET.Comment):
                parent.remove(child)
