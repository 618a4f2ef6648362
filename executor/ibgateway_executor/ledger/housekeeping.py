"""What is done to the ledger every now and then, for as long as the process runs."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from ibgateway_executor.errors import LedgerChangedError, LedgerUnavailableError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_runtime.clock import Clock

AGAIN_SECONDS: Final = 2.0
"""A ledger that can't be written is tried again this often."""
SIGNS_APART: Final = 15
"""A sign of life every half a minute."""
LOOK_SECONDS: Final = 3600.0
"""Orders are looked for that may be archived."""
BETWEEN_SECONDS: Final = 0.2
"""Others have the ledger meanwhile."""

Sleep = Callable[[float], Awaitable[None]]


async def keep_written(ledger: Ledger) -> None:
    """Write a sign of life for ever: what tells a restart from a restored copy.

    LedgerChangedError ends it, and the process.
    """
    while True:
        try:
            await ledger.mark_written()
        except LedgerChangedError:
            raise
        except LedgerUnavailableError:
            pass  # the ledger has told it
        for _ in range(SIGNS_APART):
            await asyncio.sleep(AGAIN_SECONDS)
            if ledger.problem:
                break


async def keep_archiving(
    ledger: Ledger, days: Callable[[], int], clock: Clock, sleep: Sleep = asyncio.sleep
) -> None:
    """Put away for ever what ended more than so many days ago; 0 days: nothing."""
    while True:
        with suppress(LedgerUnavailableError):
            while days() and await ledger.archive(clock.now() - timedelta(days=days())):
                await sleep(BETWEEN_SECONDS)
        await sleep(LOOK_SECONDS)
