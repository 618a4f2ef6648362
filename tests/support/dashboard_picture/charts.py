"""One panel with its curves: a number, a timeline of states, or lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from dashboard_picture.panels import Panel
from dashboard_picture.recording import Curve, Recording
from dashboard_picture.svg import COLOURS, INK, LETTER, PALE, PANEL, RIM, Drawing
from dashboard_picture.units import ticks, told

COLUMN: Final = 50
ROW: Final = 31
GAP: Final = 4
TITLE: Final = 24
NO_DATA: Final = "No data"
FINE: Final = ("LoggedIn", "GateOpen")
CLOSED: Final = "#c4162a"


@dataclass(frozen=True)
class Area:
    """A part of the picture."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Named:
    """A curve, its name in the legend and its colour."""

    name: str
    colour: str
    curve: Curve


@dataclass(frozen=True)
class Scale:
    """Where a value is in a plot, between its lowest and its highest mark."""

    plot: Area
    low: float
    high: float

    def at(self, value: float) -> float:
        """Its height."""
        return self.plot.y + self.plot.height * (1 - (value - self.low) / (self.high - self.low))


def draw(
    drawing: Drawing, panel: Panel, at: tuple[float, float, float, float], made: Recording
) -> None:
    """One panel at a place in the dashboard's units."""
    x, y, width, height = at
    area = Area(x * COLUMN + GAP, y * ROW + GAP, width * COLUMN - 2 * GAP, height * ROW - 2 * GAP)
    if panel.kind == "row":
        drawing.text(area.x, area.y + 17, panel.title, size=14)
        return
    drawing.box(area.x, area.y, area.width, area.height, fill=PANEL, rim=RIM)
    drawing.text(area.x + 8, area.y + 16, panel.title, size=12)
    room = int((area.width - 24 - len(panel.title) * 12 * LETTER) / (10 * LETTER))
    if panel.description and len(panel.description) <= room:
        drawing.text(
            area.x + area.width - 8,
            area.y + 16,
            panel.description,
            size=10,
            fill=PALE,
            anchor="end",
        )
    inside = Area(area.x + 8, area.y + TITLE, area.width - 16, area.height - TITLE - 6)
    found = named(panel, made)
    if not found:
        middle = inside.y + inside.height / 2
        drawing.text(inside.x + inside.width / 2, middle, NO_DATA, fill=PALE, anchor="middle")
        return
    match panel.kind:
        case "stat":
            stat(drawing, inside, panel, found)
        case "state-timeline":
            timeline(drawing, inside, found, made)
        case _:
            lines(drawing, inside, panel, found, made)


def named(panel: Panel, made: Recording) -> list[Named]:
    """Everything that a panel's queries have given."""
    curves = [
        (target.name(curve.labels) or panel.title, curve)
        for target in panel.targets
        for curve in made.answers.get(target.expression, [])
        if curve.last() is not None
    ]
    return [
        Named(name, COLOURS[number % len(COLOURS)], curve)
        for number, (name, curve) in enumerate(curves)
    ]


def stat(drawing: Drawing, area: Area, panel: Panel, found: Sequence[Named]) -> None:
    """The newest value, large; of several each with its name."""
    each = area.width / len(found)
    for number, one in enumerate(found):
        words = told(one.curve.last() or 0.0, panel.unit)
        size = min(30, int(each / (len(words) * LETTER + 0.5)))
        middle = area.x + each * (number + 0.5)
        drawing.text(
            middle,
            area.y + area.height / 2 + 12,
            words,
            size=size,
            fill=one.colour,
            anchor="middle",
        )
        if len(found) > 1 or one.name != panel.title:
            drawing.text(
                middle, area.y + area.height - 2, one.name, size=10, fill=PALE, anchor="middle"
            )


def timeline(drawing: Drawing, area: Area, found: Sequence[Named], made: Recording) -> None:
    """A bar a series, as long as it is there; paler where its value is 0."""
    left = area.x + min(area.width * 0.32, max(len(one.name) for one in found) * 10 * LETTER + 6)
    plot = Area(left, area.y, area.x + area.width - left, area.height - 16)
    happenings(drawing, plot, made)
    high = plot.height / len(found)
    for number, one in enumerate(found):
        top = plot.y + number * high
        drawing.text(plot.x - 6, top + high / 2 + 4, one.name, size=10, anchor="end")
        for first, last, value in spans(one.curve):
            start, end = (plot.x + plot.width * at / made.steps for at in (first, last + 1))
            colour = colour_of(one) if value else CLOSED
            drawing.box(start, top + high * 0.15, max(end - start, 1), high * 0.7, fill=colour)
    times(drawing, plot, made)


def colour_of(state: Named) -> str:
    """Green where an order may go, and nowhere else."""
    if state.name.endswith(FINE):
        return COLOURS[0]
    return COLOURS[1] if state.colour == COLOURS[0] else state.colour


def spans(curve: Curve) -> list[tuple[int, int, float]]:
    """First and last step of each stretch with one value."""
    found: list[tuple[int, int, float]] = []
    for step, value in enumerate(curve.values):
        if value is None:
            continue
        if found and found[-1][1] == step - 1 and found[-1][2] == value:
            found[-1] = (found[-1][0], step, value)
        else:
            found.append((step, step, value))
    return found


def lines(
    drawing: Drawing, area: Area, panel: Panel, found: Sequence[Named], made: Recording
) -> None:
    """A line a series, with its scale and its legend."""
    values = [v for one in found for v in one.curve.values if v is not None]
    marks = ticks(min(0.0, *values), max(values) or 1.0)
    words = [told(mark, panel.unit) for mark in marks]
    margin = max(len(word) for word in words) * 10 * LETTER + 6
    under = legend(drawing, area, found)
    plot = Area(area.x + margin, area.y + 6, area.width - margin, area.height - 24 - under)
    scale = Scale(plot, marks[0], marks[-1])
    for mark, word in zip(marks, words, strict=True):
        drawing.rule((plot.x, scale.at(mark)), (plot.x + plot.width, scale.at(mark)))
        drawing.text(plot.x - 5, scale.at(mark) + 3.5, word, size=10, fill=PALE, anchor="end")
    happenings(drawing, plot, made)
    for one in found:
        for stretch in stretches(one.curve):
            points = [
                (plot.x + plot.width * (step + 0.5) / made.steps, scale.at(v))
                for step, v in stretch
            ]
            drawing.line(points, colour=one.colour)
    times(drawing, plot, made)


def stretches(curve: Curve) -> list[list[tuple[int, float]]]:
    """The parts of a curve between its gaps; what lies on a straight level is left out."""
    found: list[list[tuple[int, float]]] = [[]]
    for step, value in enumerate(curve.values):
        if value is None:
            if found[-1]:
                found.append([])
            continue
        part = found[-1]
        if len(part) > 1 and part[-1][1] == part[-2][1] == value:
            part.pop()
        part.append((step, value))
    return [part for part in found if part]


def legend(drawing: Drawing, area: Area, found: Sequence[Named]) -> float:
    """At the bottom, in as many lines as it takes; how high it is."""
    rows: list[list[Named]] = [[]]
    used = 0.0
    for one in found:
        width = len(one.name) * 10 * LETTER + 24
        if used + width > area.width and rows[-1]:
            rows.append([])
            used = 0.0
        rows[-1].append(one)
        used += width
    for number, row in enumerate(rows):
        x, y = area.x, area.y + area.height - 2 - (len(rows) - 1 - number) * 13
        for one in row:
            drawing.box(x, y - 5, 10, 3, fill=one.colour)
            drawing.text(x + 14, y, one.name, size=10)
            x += len(one.name) * 10 * LETTER + 24
    return len(rows) * 13


def happenings(drawing: Drawing, plot: Area, made: Recording) -> None:
    """A dashed line with its number for whatever was done."""
    for number, one in enumerate(made.story, 1):
        x = plot.x + plot.width * min(one.at / (made.step * made.steps), 1)
        drawing.rule((x, plot.y), (x, plot.y + plot.height), dashed=True)
        drawing.text(x + 1, plot.y + 3 + 8 * (number % 2), str(number), size=8, fill=PALE)


def times(drawing: Drawing, plot: Area, made: Recording) -> None:
    """Each second full minute, below."""
    ended = made.began + made.step * made.steps
    minute = made.began - made.began % 120 + 120
    while minute < ended:
        x = plot.x + plot.width * (minute - made.began) / (ended - made.began)
        words = f"{datetime.fromtimestamp(minute, UTC):%H:%M}"
        drawing.text(x, plot.y + plot.height + 13, words, size=10, fill=PALE, anchor="middle")
        minute += 120


def story(drawing: Drawing, top: float, made: Recording) -> None:
    """What the numbers of the dashed lines mean."""
    for number, one in enumerate(made.story, 1):
        minutes, seconds = divmod(round(one.at), 60)
        words = f"{number}  {minutes}:{seconds:02}  {one.words}"
        column, row = divmod(number - 1, -(-len(made.story) // 3))
        drawing.text(GAP + 8 + column * 400, top + 14 + row * 15, words, size=10, fill=INK)


def story_height(made: Recording) -> float:
    """How much room that takes."""
    return -(-len(made.story) // 3) * 15 + 12
