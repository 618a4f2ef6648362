"""Orders that come while the disk is busy share the next commit: one fsync for many."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final

from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.store import Answer, Entry, EntryResult
from ibgateway_executor.orders.order import Order

LARGEST: Final = 32
"""Orders in one commit. Each further one delays the answers of the others by what its row costs."""

Waiting = tuple[Entry, asyncio.Future[Answer]]


class SharedCommit:
    """`store` commits entries in the one thread of `thread` and gives each an answer.

    A commit takes what waits when it begins, not when it was asked for: nobody waits for a time to pass, and who
    comes first is not held up by who comes later. `follow` is told what is new before anybody is answered.
    """

    def __init__(
        self,
        store: Callable[[Sequence[Entry]], list[Answer]],
        follow: Callable[[Sequence[Order]], None],
        thread: Executor,
    ) -> None:
        self._store = store
        self._follow = follow
        self._thread = thread
        self._waiting: deque[Waiting] = deque()
        self._asked = False

    async def accept(self, entry: Entry) -> EntryResult:
        """The entry's answer once it is on disk; or the error that is its answer."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((entry, answer))
        if not self._asked:
            self._asked = True
            self._thread.submit(self._commit, loop)
        found = await answer
        if isinstance(found, Exception):
            raise found
        return found

    def _commit(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the thread. What was asked of the thread meanwhile has its turn before the next commit.

        Whoever comes once `_asked` is False asks again: asked twice, the second time finds nothing to do.
        """
        self._asked = False
        taken = [self._waiting.popleft() for _ in range(min(LARGEST, len(self._waiting)))]
        if not taken:
            return
        answers = self._answers([entry for entry, _ in taken])
        loop.call_soon_threadsafe(self._deliver, taken, answers)
        if self._waiting and not self._asked:
            self._asked = True
            self._thread.submit(self._commit, loop)

    def _answers(self, entries: Sequence[Entry]) -> list[Answer]:
        try:
            return self._store(entries)
        except LedgerUnavailableError as error:
            return [LedgerUnavailableError(str(error)) for _ in entries]
        except Exception as error:
            return [error] * len(entries)

    def _deliver(self, taken: Sequence[Waiting], answers: Sequence[Answer]) -> None:
        results = [answer for answer in answers if isinstance(answer, EntryResult)]
        self._follow([result.order for result in results if result.new])
        for (_, answer), found in zip(taken, answers, strict=True):
            if not answer.done():
                answer.set_result(found)
