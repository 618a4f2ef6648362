"""What happened in a span of weeks, counted."""

from dataclasses import dataclass, field


@dataclass
class Tally:
    """What happened, for the test's own report."""

    weeks: int = 0
    pushes: int = 0
    automatic: int = 0
    missed: int = 0
    requests: int = 0
    incidents: dict[str, int] = field(default_factory=dict)
    open_seconds: float = 0.0
    seconds: float = 0.0

    def happens(self, what: str) -> None:
        """An incident."""
        self.incidents[what] = self.incidents.get(what, 0) + 1
