"""Where the ledger is kept, once it is this process's alone."""

import asyncio

from ibgateway_executor.ledger.backup import put_in_place
from ibgateway_executor.ledger.lock import LedgerLock
from ibgateway_executor.ledger.sqlite import open_sqlite
from ibgateway_executor.ledger.store import LedgerStore
from ibgateway_executor.settings import LEDGER, ExecutorEnvironment
from ibgateway_executor.stand_in import ledger_taken
from ibgateway_runtime.clock import Clock


async def opened_store(
    environment: ExecutorEnvironment, lock: LedgerLock, clock: Clock
) -> LedgerStore | None:
    """The ledger's store, once no other executor has it; None where this process is to end before."""
    if environment.database is not None:
        # Here, because its driver takes 8 MiB that an executor with a file has no use for.
        from ibgateway_executor.ledger.postgres import postgres_store  # noqa: PLC0415

        postgres = postgres_store(environment.database, clock.monotonic)
        return postgres if await ledger_taken(environment, postgres.open) else None
    if not await ledger_taken(environment, lock.take):
        return None
    path = environment.data / LEDGER
    await asyncio.to_thread(put_in_place, path)
    return await asyncio.to_thread(open_sqlite, path)
