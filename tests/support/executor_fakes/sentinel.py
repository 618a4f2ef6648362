"""What the executor knows of a sentinel."""

from dataclasses import dataclass

from ibgateway_api.reports import SentinelReport


@dataclass
class FixedSentinel:
    """The report and its age, as a test sets them."""

    report: SentinelReport | None = None
    age: float = 0.0
