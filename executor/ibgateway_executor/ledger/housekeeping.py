"""What is done to the ledger every now and then, for as long as the process runs."""

import asyncio
from contextlib import suppress
from typing import Final

from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.facade import Ledger

AGAIN_SECONDS: Final = 2.0
"""A ledger that can't be written is tried again this often."""
SIGNS_APART: Final = 15
"""A sign of life every half a minute."""


async def keep_written(ledger: Ledger) -> None:
    """Write a sign of life for ever: what tells a restart from a restored copy."""
    while True:
        with suppress(LedgerUnavailableError):
            await ledger.mark_written()
        for _ in range(SIGNS_APART):
            await asyncio.sleep(AGAIN_SECONDS)
            if ledger.problem:
                break
