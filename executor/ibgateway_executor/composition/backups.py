"""Copies of the ledger by the clock, where any are to be taken."""

import asyncio
from datetime import timedelta

from ibgateway_executor.ledger import backup
from ibgateway_executor.ledger.backup_record import BackupRecord
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.settings import LEDGER, ExecutorEnvironment
from ibgateway_runtime.clock import Clock


def backup_record(environment: ExecutorEnvironment, clock: Clock) -> BackupRecord:
    """Of copies where there is a place for them; a database is its owner's to copy."""
    taken = environment.backup is not None and environment.database is None
    every = timedelta(hours=environment.backup_hours) if taken else None
    return BackupRecord(every, clock.now())


async def keep_backups(
    environment: ExecutorEnvironment, record: BackupRecord, metrics: ExecutorMetrics, clock: Clock
) -> None:
    """Copies of the ledger, where any are to be taken."""
    if environment.backup is None or record.every is None:
        await asyncio.Event().wait()
        return
    await backup.keep_backups(
        environment.data / LEDGER,
        environment.backup,
        every=record.every,
        keep=environment.backup_keep,
        clock=clock,
        record=record,
        metrics=metrics,
    )
