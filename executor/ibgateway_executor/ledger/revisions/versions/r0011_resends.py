"""What was held of its contract when an order was sent, and when it was sent a second time."""

from alembic import op
from sqlalchemy import Column, String

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Of orders of before the position is not known: none of them is ever sent again."""
    for table in ("jobs", "archived_jobs"):
        for name in ("position_at_sending", "resent_at"):
            op.add_column(table, Column(name, String))
