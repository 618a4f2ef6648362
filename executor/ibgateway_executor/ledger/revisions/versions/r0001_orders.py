"""The first schema: orders, and what the ledger is stamped with."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, String

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Only a ledger made from nothing by revisions gets here; one of the first version has all this."""
    op.create_table(
        "facts",
        Column("name", String, primary_key=True),
        Column("value", String, nullable=False),
    )
    op.create_table(
        "jobs",
        Column("sequence", Integer, primary_key=True, autoincrement=True),
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
        sqlite_autoincrement=True,
    )
    op.create_index("jobs_by_state", "jobs", ["state"])
    op.create_index("jobs_by_order", "jobs", ["client_id", "order_id"])
