"""Stop prices, hours of an order's own, priorities, references of callers, multipliers."""

from alembic import op
from sqlalchemy import Boolean, Column, String, false

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Orders of before have none of it."""
    for table in ("jobs", "archived_jobs"):
        for name in ("stop_price", "not_before"):
            op.add_column(table, Column(name, String))
        op.add_column(
            table,
            Column("outside_regular_hours", Boolean, nullable=False, server_default=false()),
        )
        for name, value in _TEXTS.items():
            op.add_column(table, Column(name, String, nullable=False, server_default=value))
    op.create_index("jobs_by_client_reference", "jobs", ["client_reference", "sequence"])


_TEXTS = {"market_closed": "", "priority": "normal", "client_reference": "", "multiplier": ""}
