"""An append-only list of what happened, which a test can wait on.

Every entry has a sequence number from 1, a time, a kind and details; no entry holds a password.
"""

import asyncio
import contextlib
import datetime as dt
from typing import Any


class Events:
    """What IBKR saw and did, in order."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._grown = asyncio.Event()

    def add(self, kind: str, now: dt.datetime, **details: Any) -> None:
        """Append an entry and wake everybody who waits."""
        entry = {"seq": len(self._entries) + 1, "at": now.isoformat(), "kind": kind, **details}
        self._entries.append(entry)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    async def next(self) -> None:
        """Wait for the next entry."""
        await self._grown.wait()

    async def after(self, seq: int, wait: float) -> list[dict[str, Any]]:
        """The entries after `seq`; with none, those that come within `wait` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                while len(self._entries) <= seq:
                    await self._grown.wait()
        return self._entries[seq:]
