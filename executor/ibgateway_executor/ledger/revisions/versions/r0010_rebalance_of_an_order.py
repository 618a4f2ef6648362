"""Which rebalance an order is part of."""

from alembic import op
from sqlalchemy import Column, String

revision = "0010"
down_revision = "0009"

_TRADE = "'-' || side || '-' || con_id"
_REBALANCE = f"replace(replace(idempotency_key, 'rebalance-', ''), {_TRADE}, '')"


def upgrade() -> None:
    """Orders of before are known by their keys, which derive from the rebalance."""
    for table in ("jobs", "archived_jobs"):
        op.add_column(table, Column("rebalance", String, nullable=False, server_default=""))
        op.execute(
            f"UPDATE {table} SET rebalance = {_REBALANCE} "  # noqa: S608 - our own names
            f"WHERE idempotency_key = 'rebalance-' || {_REBALANCE} || {_TRADE} "
            f"AND {_REBALANCE} IN (SELECT id FROM rebalances)"
        )
