"""Which order replaces which, and whether it waits for the other one's end."""

from alembic import op
from sqlalchemy import Boolean, Column, String, false

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Orders of before replace none."""
    for table in ("jobs", "archived_jobs"):
        for name in ("replaces", "replaced_by"):
            op.add_column(table, Column(name, String, nullable=False, server_default=""))
        op.add_column(table, Column("awaits_end", Boolean, nullable=False, server_default=false()))
