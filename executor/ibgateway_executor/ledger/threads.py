"""Where a store is called: one thread for what changes, one for what only looks, never the event loop's."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from ibgateway_executor.errors import LedgerUnavailableError

logger = logging.getLogger(__name__)

T = TypeVar("T")


def _forget(_: object) -> None:
    """Nothing is to be done with it."""


class LedgerThreads:
    """Calls of a kind are done one after the other, in the order asked. `problem` is why nothing can be written."""

    def __init__(self) -> None:
        self.writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger-reader")
        self.problem = ""

    async def write(self, call: Callable[[], T], keep: Callable[[T], None] = _forget) -> T:
        """What the call gives; the first of several failures is logged.

        The event loop has `keep` do something with it before the caller goes on, and even without it, in the order of
        the calls. It is woken once for both: each time costs more than most of what is done in between.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def deliver(given: T) -> None:
            try:
                keep(given)
            finally:
                if not answer.done():
                    answer.set_result(given)

        def fail(error: BaseException) -> None:
            if not answer.done():
                answer.set_exception(error)

        def called() -> None:
            loop.call_soon_threadsafe(deliver, call())

        def ended(done: Future[None]) -> None:
            if (error := done.exception()) is not None:
                loop.call_soon_threadsafe(fail, error)

        with self.noted():
            self.writer.submit(called).add_done_callback(ended)
            return await answer

    async def read(self, call: Callable[[], T]) -> T:
        """What the call gives. It waits for no change, and its failure is no sign that nothing can be written."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, call)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Around what writes: where it can't be written, `problem` says why."""
        try:
            yield
        except LedgerUnavailableError as error:
            if not self.problem:
                logger.error("%s", error)  # noqa: TRY400 - the words say it all
            self.problem = str(error)
            raise

    def close(self) -> None:
        """Finish what was asked."""
        self._reader.shutdown(wait=True)
        self.writer.shutdown(wait=True)
