"""`backup` and `restore COPY`: copies of the ledger by hand, in the executor's own container."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ibgateway_executor.errors import BackupError
from ibgateway_executor.ledger.backup import back_up, stage
from ibgateway_executor.settings import LEDGER, ExecutorEnvironment

logger = logging.getLogger(__name__)


def copied(environment: ExecutorEnvironment, arguments: Sequence[str]) -> None:
    """Do what the arguments say; BackupError where that can't be done, or they say nothing known."""
    if environment.database is not None:
        raise BackupError(
            "this ledger is in PostgreSQL: copy and restore its database with its own tools, such as pg_dump"
        )
    ledger = environment.data / LEDGER
    match list(arguments):
        case ["backup"] if environment.backup is not None:
            now = datetime.now(UTC)
            made = back_up(ledger, environment.backup, keep=environment.backup_keep, now=now)
            logger.info("the ledger was copied to %s", made)
        case ["backup"]:
            raise BackupError("EXECUTOR_BACKUP_DIR is not set: set spec.executor.backup")
        case ["restore", copy]:
            stage(Path(copy), ledger, datetime.now(UTC))
            logger.info(
                "%s is the ledger from the executor's next start on, and paused until POST /v1/resume: restart its pod now",
                copy,
            )
        case _:
            raise BackupError(
                "say `backup`, or `restore` and a copy; without a word the executor runs"
            )
