"""The ledger's own thread: one writer, and an event loop that never waits for the disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from ibgateway_executor.ledger.sqlite import Ledger

P = ParamSpec("P")
T = TypeVar("T")


class LedgerThread:
    """Calls methods of one Ledger, one after the other, in the order asked."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")

    async def call(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The method's result; it has been committed when this returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: method(*args, **kwargs))

    def close(self) -> None:
        """Finish what was asked and release the file."""
        self._thread.shutdown(wait=True)
        self.ledger.close()
