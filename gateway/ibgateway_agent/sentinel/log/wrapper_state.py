"""What the wrapper around `run.sh` says: its state file, and its own lines in the log. Pure.

The file says how things stand now; the lines stand in the log in the order of events, so a process'
start and end are never read out of order with what it printed.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from ibgateway_api.login import Sign


class WrapperStage(StrEnum):
    """Where the wrapper stands."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class WrapperState:
    """The wrapper at one moment; `start` names the container's start.

    `alive`: it was seen counting just now, which it does while it waits.
    """

    stage: WrapperStage
    start: str
    permit: int = 0
    token_at_hand: bool = False
    alive: bool = False


@lru_cache(maxsize=4)
def parse(text: str) -> WrapperState | None:
    """The state from its `key=value` lines; None for anything else. Kept: most looks read what the one before has read."""
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    stage = values.get("state", "")
    if stage not in list(WrapperStage):
        return None
    permit = values.get("permit", "")
    return WrapperState(
        stage=WrapperStage(stage),
        start=values.get("start", ""),
        permit=int(permit) if permit.isdigit() else 0,
        token_at_hand=values.get("token") == "yes",
    )


_LINE: Final = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3} wrapper: "
    r"(?:(?P<waits>waiting for a permit)|permit (?P<taken>\d+) taken: .*|run\.sh (?P<ended>ended) .*)"
)


def read_line(line: str) -> tuple[Sign, str] | None:
    """What a line of the wrapper says; the detail of a start is its permit's id."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    if match["waits"]:
        return Sign.PERMIT_AWAITED, ""
    if match["ended"]:
        return Sign.PROCESS_ENDED, ""
    return Sign.PROCESS_STARTED, match["taken"]
