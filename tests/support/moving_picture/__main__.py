"""`python -m moving_picture`: docs/images/status-watch.svg, of what was recorded last."""

import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from ibgateway_cli.status.screen import screen
from moving_picture.record import RECORDED
from moving_picture.terminal import Frame, moving

IMAGE: Final = Path(__file__).parents[3] / "docs" / "images" / "status-watch.svg"
COMMAND: Final = "kubectl ibgateway status --watch"
FASTER: Final = 3.0
SHORTEST, LONGEST, LAST = 0.6, 2.0, 4.0
"""Seconds that one frame stays: what stands still is shortened, and the end is looked at."""

Json = dict[str, Any]


def main() -> None:
    """Draw it."""
    IMAGE.write_text(picture())


def picture() -> str:
    """As it is drawn of what was recorded."""
    return moving(COMMAND, frames(recorded()))


def recorded() -> list[Json]:
    """Each look's moment, and what `status` has shown."""
    return [json.loads(line) for line in RECORDED.read_text().splitlines()]


def frames(seen: list[Json]) -> list[Frame]:
    """A frame for each look that shows something else than the one before."""
    different: list[Json] = []
    for one in seen:
        if not different or one["document"] != different[-1]["document"] or waits(one):
            different.append(one)
    moments = [datetime.fromisoformat(one["at"]) for one in different]
    lengths = [
        min(max((later - at).total_seconds() / FASTER, SHORTEST), LONGEST)
        for at, later in pairwise(moments)
    ]
    prompt = Text(f"$ {COMMAND}", style="bold")
    return [
        Frame(seconds, (prompt, Text(), screen(one["document"], at)))
        for one, at, seconds in zip(different, moments, [*lengths, LAST], strict=True)
    ]


def waits(one: Json) -> bool:
    """Whether a countdown runs."""
    return bool(one["document"]["login"]["deadline"])


if __name__ == "__main__":
    main()
