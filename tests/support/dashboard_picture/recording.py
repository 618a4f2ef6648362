"""What the panels' queries have given, kept so that it can be drawn again."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

RECORDED: Final = Path(__file__).parent / "recorded.json"

Value = float | None


@dataclass(frozen=True)
class Curve:
    """One series: its labels, and a value each step, None where it had none."""

    labels: dict[str, str]
    values: list[Value]

    def last(self) -> Value:
        """Its newest value."""
        return next((value for value in reversed(self.values) if value is not None), None)


@dataclass(frozen=True)
class Happening:
    """Something that was done to the gateway, so many seconds after the first value."""

    at: float
    words: str


@dataclass(frozen=True)
class Recording:
    """All of one recording; `answers` has the curves of a query by its expression as the dashboard has it."""

    prometheus: str
    began: float
    """Seconds since 1970."""
    step: int
    steps: int
    story: list[Happening]
    answers: dict[str, list[Curve]]

    def save(self, path: Path = RECORDED) -> None:
        """One curve a line: a newer recording can be compared."""
        head = {key: value for key, value in asdict(self).items() if key != "answers"}
        lines = [json.dumps(head)]
        for expression, curves in self.answers.items():
            lines.append(json.dumps(expression))
            lines += [json.dumps([c.labels, c.values], separators=(",", ":")) for c in curves]
        path.write_text("\n".join(lines) + "\n")


def load(path: Path = RECORDED) -> Recording:
    """The recording that was saved."""
    head, *lines = path.read_text().splitlines()
    read: dict[str, Any] = json.loads(head)
    answers: dict[str, list[Curve]] = {}
    expression = ""
    for line in lines:
        found = json.loads(line)
        if isinstance(found, str):
            expression = found
            answers[expression] = []
        else:
            answers[expression].append(Curve(*found))
    story = [Happening(**one) for one in read.pop("story")]
    return Recording(**read, story=story, answers=answers)
