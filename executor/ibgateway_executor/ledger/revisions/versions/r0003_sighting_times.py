"""When a sighting was first told, and an index for the orders of a day."""

from alembic import op
from sqlalchemy import Column, String, inspect

revision = "0003"
down_revision = "0002"

_NOW = "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000+00:00'"


def upgrade() -> None:
    """What was told earlier is as old as this change. Only SQLite ever held a ledger of this age."""
    columns = {column["name"] for column in inspect(op.get_bind()).get_columns("sightings")}
    if "at" not in columns:
        op.add_column("sightings", Column("at", String, nullable=False, server_default=""))
        op.execute(f"UPDATE sightings SET at = {_NOW}")  # noqa: S608 - our own words
    op.create_index("sightings_by_time", "sightings", ["at"], if_not_exists=True)
    op.create_index("jobs_by_acceptance", "jobs", ["accepted_at"])
