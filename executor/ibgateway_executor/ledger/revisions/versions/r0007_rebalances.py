"""Rebalances: what was asked for, the frozen plan, the report."""

from alembic import op
from sqlalchemy import Column, Integer, String

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """A table of their own; their orders are orders like others."""
    op.create_table(
        "rebalances",
        Column("sequence", Integer, primary_key=True, autoincrement=True),
        Column("id", String, nullable=False, unique=True),
        Column("idempotency_key", String, nullable=False, unique=True),
        Column("request_hash", String, nullable=False),
        Column("account", String, nullable=False),
        Column("state", String, nullable=False),
        Column("document", String, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("rebalances_by_state", "rebalances", ["state", "account"])
