"""A ledger of an older version becomes one of this version, in place and in one transaction."""

from typing import Final

from sqlalchemy import Connection

from ibgateway_executor.ledger import tables

_TO_2: Final = (
    "ALTER TABLE jobs ADD COLUMN broker_message VARCHAR NOT NULL DEFAULT ''",
    "ALTER TABLE jobs ADD COLUMN resolution VARCHAR NOT NULL DEFAULT ''",
    "ALTER TABLE jobs ADD COLUMN note VARCHAR NOT NULL DEFAULT ''",
    "CREATE INDEX jobs_by_perm_id ON jobs (perm_id)",
)
STEPS: Final = {1: _TO_2}
"""Statements by the version they start from; new tables are made by `create_all`."""


def migrate(connection: Connection, version: int) -> int:
    """The version the ledger has now; one that no step starts from stays as it is."""
    while version in STEPS and version < tables.VERSION:
        for statement in STEPS[version]:
            connection.exec_driver_sql(statement)
        version += 1
    return version
