"""Questions that have no id on the wire: who asks while one is under way shares its answer.

A second one beside it could not be told apart from the first, and failed: that ended the connection.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass
class _Asked:
    task: asyncio.Task[tuple[Any, ...]]
    waiting: int = 0


class SharedAnswers:
    """Each key is asked once at a time, for as long as anybody waits for it."""

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}

    async def answer(
        self, key: str, ask: Callable[[], Coroutine[Any, Any, tuple[Any, ...]]]
    ) -> tuple[Any, ...]:
        """The answer to the question that is under way, else to this one; what it raises is raised to all who share it."""
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = _Asked(asyncio.create_task(ask()))
            asked.task.add_done_callback(lambda task: self._over(key, task))
        asked.waiting += 1
        try:
            return await asyncio.shield(asked.task)
        finally:
            asked.waiting -= 1
            if not asked.waiting:
                self._forget(key, asked.task)
                asked.task.cancel()

    def _over(self, key: str, task: asyncio.Task[tuple[Any, ...]]) -> None:
        self._forget(key, task)
        if not task.cancelled():
            task.exception()  # whoever waited has it; where nobody does it is no mistake of ours

    def _forget(self, key: str, task: asyncio.Task[tuple[Any, ...]]) -> None:
        if key in self._asked and self._asked[key].task is task:
            del self._asked[key]
