"""What makes a moment worse: brokers that answer late or leave something out, disks that are slow. By life, drawn by the seed.

A healthy simulator acknowledges within milliseconds and shows at once all that it has: then hardly ever is an order on its way
when a process dies, and whatever the executor forgot is told to it again.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final


@dataclass(frozen=True)
class Mood:
    """The simulator's faults, and by how much each commit takes longer, in seconds."""

    name: str
    faults: Mapping[str, Any] = field(default_factory=dict)
    slow_commit: float = 0.0
    shows_all: bool = True
    """Whether open orders, executions and ended orders together show everything."""


FOR_ALL_OF_A_LIFE: Final = 3600
KIND: Final = Mood(
    "kind",
    {
        "ack_seconds": 0,
        "orders_empty_seconds": 0,
        "reports_empty_seconds": 0,
        "completed_empty_seconds": 0,
    },
)
SLOW_WORD: Final = Mood("acknowledges late", {"ack_seconds": 0.15})
SLOW_DISK: Final = Mood("slow disk", slow_commit=0.03)
SLOW: Final = Mood("slow disk, acknowledges late", {"ack_seconds": 0.15}, 0.03)
FORGETFUL: Final = Mood(
    "shows nothing yet",
    {
        "ack_seconds": 0.15,
        "orders_empty_seconds": FOR_ALL_OF_A_LIFE,
        "reports_empty_seconds": FOR_ALL_OF_A_LIFE,
    },
    shows_all=False,
)
FORGETFUL_AND_LATE: Final = replace(
    FORGETFUL,
    name="shows nothing yet, and says nothing soon",
    faults={**FORGETFUL.faults, "ack_seconds": 1.5},
)
"""Whoever connects anew hears nothing of what was sent before for longer than that takes."""
NO_ENDED: Final = Mood("shows no ended orders", {"completed_empty_seconds": FOR_ALL_OF_A_LIFE})
MOODS: Final = (KIND, SLOW_WORD, SLOW_DISK, SLOW, FORGETFUL, NO_ENDED)


def drawn(chance: random.Random) -> Mood:
    """The next life's."""
    return chance.choice(MOODS)
