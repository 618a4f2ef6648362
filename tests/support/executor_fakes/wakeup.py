"""A wake-up that remembers."""

from ibgateway_executor.wakeup import Wakeup


class CountingWakeup(Wakeup):
    """`count` is how often it was set."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def set(self) -> None:
        """Count, and end the pause."""
        self.count += 1
        super().set()
