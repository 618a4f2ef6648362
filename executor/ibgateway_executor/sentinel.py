"""What the executor reads of the sentinel: its last report, and how old that is."""

from typing import Protocol

from ibgateway_api.reports import SentinelReport


class SentinelStatus(Protocol):
    """The runtime's `SentinelFollower`, as its readers see it."""

    @property
    def report(self) -> SentinelReport | None:
        """The last report; None before the first."""
        ...

    @property
    def age(self) -> float:
        """Seconds since anything was heard; infinite before."""
        ...
