"""What a run of many like operations comes to. Pure."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class LoadFigures:
    """Operations a second, quantiles in ms, and the CPU that whoever made them has used for each, in ms."""

    rate: float
    p50: float
    p99: float
    longest: float
    cpu: float

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "LoadFigures":
        """As `to_json` wrote it."""
        return cls(**json.loads(text))

    @classmethod
    def of(cls, took: Iterable[float], *, seconds: float, cpu: float) -> "LoadFigures":
        """From each operation's seconds, those of all together and the CPU's."""
        ordered = sorted(took)
        last = len(ordered) - 1
        return cls(
            rate=len(ordered) / seconds,
            p50=ordered[int(last * 0.5)] * 1000,
            p99=ordered[int(last * 0.99)] * 1000,
            longest=ordered[-1] * 1000,
            cpu=cpu / len(ordered) * 1000,
        )
