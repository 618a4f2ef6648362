"""A ledger of an older version becomes one of this version, in place and in one transaction."""

import sqlite3
from typing import Final

from ibgateway_executor.ledger import tables

_BY_ACCEPTANCE: Final = "CREATE INDEX jobs_by_acceptance ON jobs (accepted_at)"
_FROM_1: Final = (
    "ALTER TABLE jobs ADD COLUMN broker_message VARCHAR NOT NULL DEFAULT ''",
    "ALTER TABLE jobs ADD COLUMN resolution VARCHAR NOT NULL DEFAULT ''",
    "ALTER TABLE jobs ADD COLUMN note VARCHAR NOT NULL DEFAULT ''",
    "CREATE INDEX jobs_by_perm_id ON jobs (perm_id)",
    _BY_ACCEPTANCE,
)
_FROM_2: Final = (
    "ALTER TABLE sightings ADD COLUMN at VARCHAR NOT NULL DEFAULT ''",
    "UPDATE sightings SET at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000+00:00'",
    "CREATE INDEX sightings_by_time ON sightings (at)",
    _BY_ACCEPTANCE,
)
STEPS: Final[dict[int, tuple[str, ...]]] = {1: _FROM_1, 2: _FROM_2, 3: ()}
"""Statements by the version they start from, to this one. Tables that a version lacks are made by `create_all`."""


def migrate(file: sqlite3.Connection, version: int) -> int:
    """The version the ledger has now; one that no step starts from stays as it is."""
    if version not in STEPS:
        return version
    for statement in STEPS[version]:
        file.execute(statement)
    return tables.VERSION
