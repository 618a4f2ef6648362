"""How long a question to the broker waits for its answer once IBKR was lost in between.

What was under way when the gateway lost IBKR may never be answered: then the request's own time limit would
hold up everything long after the link is back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ibgateway_executor.errors import NoAnswerError

RESTORED_SECONDS: Final = 1.0
"""An answer that the gateway still has for us comes within this time of the restored link."""

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


class AnswerWatch:
    """`restored` is told of each restored link; `sleep` lets time pass."""

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._restored = asyncio.Event()

    def restored(self) -> None:
        """The link is back."""
        self._restored.set()

    async def answer(self, question: Awaitable[T]) -> T:
        """Its answer. Raises NoAnswerError where a restored link brings none, and what the question raises."""
        self._restored.clear()
        asked = asyncio.ensure_future(question)
        over = asyncio.create_task(self._over())
        try:
            await asyncio.wait({asked, over}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise NoAnswerError("IBKR was lost before it answered")
            return asked.result()
        finally:
            asked.cancel()
            over.cancel()
            await asyncio.gather(asked, over, return_exceptions=True)

    async def _over(self) -> None:
        await self._restored.wait()
        await self._sleep(RESTORED_SECONDS)
