"""What the broker said and a person resolved; what the broker told about orders that are not here."""

from alembic import op
from sqlalchemy import Column, Integer, String, UniqueConstraint

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A program that was refused by a ledger of this age may have made the table of its own age."""
    for name in ("broker_message", "resolution", "note"):
        op.add_column("jobs", Column(name, String, nullable=False, server_default=""))
    op.create_index("jobs_by_perm_id", "jobs", ["perm_id"])
    op.create_table(
        "sightings",
        Column("sequence", Integer, primary_key=True, autoincrement=True),
        Column("order_ref", String, nullable=False),
        Column("report", String, nullable=False),
        UniqueConstraint("order_ref", "report"),
        if_not_exists=True,
    )
