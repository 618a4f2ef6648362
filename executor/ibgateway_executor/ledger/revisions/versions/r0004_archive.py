"""Orders that ended long ago stand in a table of their own."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, String

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A program that was refused by a ledger of an earlier age may have made the table."""
    op.create_table(
        "archived_jobs",
        Column("sequence", Integer, primary_key=True, autoincrement=False),
        Column("id", String, nullable=False, unique=True),
        Column("idempotency_key", String, nullable=False, unique=True),
        Column("request_hash", String, nullable=False),
        Column("account", String, nullable=False),
        Column("con_id", Integer, nullable=False),
        Column("symbol", String, nullable=False),
        Column("sec_type", String, nullable=False),
        Column("exchange", String, nullable=False),
        Column("currency", String, nullable=False),
        Column("primary_exchange", String, nullable=False),
        Column("side", String, nullable=False),
        Column("quantity", Integer, nullable=False),
        Column("order_type", String, nullable=False),
        Column("limit_price", String),
        Column("time_in_force", String, nullable=False),
        Column("accepted_at", String, nullable=False),
        Column("valid_until", String, nullable=False),
        Column("valid_by_default", Boolean, nullable=False),
        Column("state", String, nullable=False),
        Column("reason", String, nullable=False),
        Column("message", String, nullable=False),
        Column("order_ref", String, nullable=False, unique=True),
        Column("client_id", Integer, nullable=False),
        Column("order_id", Integer, nullable=False),
        Column("perm_id", Integer, nullable=False),
        Column("sent_at", String),
        Column("filled", String, nullable=False),
        Column("average_price", String),
        Column("cancel_requested", Boolean, nullable=False),
        Column("updated_at", String, nullable=False),
        Column("broker_message", String, nullable=False),
        Column("resolution", String, nullable=False),
        Column("note", String, nullable=False),
        if_not_exists=True,
    )
    by = {
        "archived_jobs_by_order": ["client_id", "order_id"],
        "archived_jobs_by_perm_id": ["perm_id"],
        "archived_jobs_by_acceptance": ["accepted_at"],
    }
    for name, columns in by.items():
        op.create_index(name, "archived_jobs", columns, if_not_exists=True)
