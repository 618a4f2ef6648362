"""A ledger becomes one of this schema, in place and within the caller's transaction: all of it or nothing.

Alembic is imported only where a revision is missing: it takes a sixth of a second and 11 MiB.
"""

import logging
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert, inspect, select

from ibgateway_executor.errors import StartRefusedError
from ibgateway_executor.ledger import tables

logger = logging.getLogger(__name__)

ADOPTED: Final = {"1": "0001", "2": "0002", "3": "0003", "4": "0004"}
"""Revisions by the version that a ledger was stamped with before it had revisions."""
_REVISIONS: Final = Path(__file__).parent / "revisions"


def create(connection: Connection) -> None:
    """The tables of an empty database, stamped with this program's revision."""
    tables.metadata.create_all(connection)
    connection.execute(insert(tables.alembic_version).values(version_num=tables.REVISION))


def upgrade(connection: Connection, version: str | None) -> None:
    """Apply the revisions that the ledger lacks; `version` is what it was stamped with before it had any.

    StartRefusedError for one that this program does not know.
    """
    found = _revision(connection)
    if found == tables.REVISION:
        return
    start = found or ADOPTED.get(version or tables.UNSTAMPED)
    if start is None or not _upgraded(connection, start):
        raise StartRefusedError(
            f"the ledger has schema {found or version} and this executor reads {tables.REVISION}: "
            "run the version that wrote it"
        )


def _revision(connection: Connection) -> str | None:
    """What Alembic has noted; None for a ledger that it has never seen."""
    if not inspect(connection).has_table(tables.alembic_version.name):
        return None
    return connection.execute(select(tables.alembic_version.c.version_num)).scalar_one_or_none()


def _upgraded(connection: Connection, start: str) -> bool:
    """From `start` to this program's revision; False where there is no such revision."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_REVISIONS).replace("%", "%%"))
    if start not in {
        known.revision for known in ScriptDirectory.from_config(config).walk_revisions()
    }:
        return False
    command.stamp(config, start)
    command.upgrade(config, tables.REVISION)
    logger.info("the ledger had schema %s and is upgraded to %s", start, tables.REVISION)
    return True
