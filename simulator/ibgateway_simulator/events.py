"""An append-only list of what happened, which a test can wait on.

Every entry has a sequence number from 1, a time, a kind and details; no entry holds a password.
"""

import asyncio
import datetime as dt
from typing import Any


class Events:
    """What IBKR saw and did, in order."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._grown = asyncio.Condition()

    def add(self, kind: str, now: dt.datetime, **details: Any) -> None:
        """Append an entry and wake everybody who waits."""
        entry = {"seq": len(self._entries) + 1, "at": now.isoformat(), "kind": kind, **details}
        self._entries.append(entry)
        task = asyncio.ensure_future(self._wake())
        task.add_done_callback(_retrieved)

    async def after(self, seq: int, wait: float) -> list[dict[str, Any]]:
        """The entries after `seq`; with none, those that come within `wait` seconds."""
        if len(self._entries) <= seq and wait > 0:
            try:
                async with asyncio.timeout(wait), self._grown:
                    await self._grown.wait_for(lambda: len(self._entries) > seq)
            except TimeoutError:
                return []
        return self._entries[seq:]

    async def _wake(self) -> None:
        async with self._grown:
            self._grown.notify_all()


def _retrieved(task: asyncio.Future[None]) -> None:
    task.exception()
