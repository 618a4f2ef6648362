"""What ends a task's pause early."""

import asyncio
from contextlib import suppress


class Wakeup:
    """Set by whoever changes something; the task that pauses clears it before it looks around.

    Set between the clearing and the pause, it ends the pause at once: no change is slept over.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """End the pause, or the next one."""
        self._event.set()

    def clear(self) -> None:
        """From here on changes count as new."""
        self._event.clear()

    async def pause(self, seconds: float) -> None:
        """Return when it is set, or after `seconds`.

        Not by `wait_for`: before Python 3.12 it loses a cancellation that comes with what it waits for, and the task never ends.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
