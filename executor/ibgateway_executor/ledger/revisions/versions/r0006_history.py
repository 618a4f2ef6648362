"""What became of each order, in lines that are only ever added."""

from alembic import op
from sqlalchemy import Column, Integer, String, UniqueConstraint

revision = "0006"
down_revision = "0005"

_AS_FOUND = (
    "INSERT INTO order_history (order_sequence, number, at, before, state, reason, message, cause, evidence) "
    "SELECT sequence, 1, updated_at, '', state, reason, message, 'upgrade', '' FROM "
)


def upgrade() -> None:
    """The history of what is there begins with how it is found. Only SQLite ever held a ledger of this age."""
    op.create_table(
        "order_history",
        Column("position", Integer, primary_key=True, autoincrement=True),
        Column("order_sequence", Integer, nullable=False),
        Column("number", Integer, nullable=False),
        Column("at", String, nullable=False),
        Column("before", String, nullable=False),
        Column("state", String, nullable=False),
        Column("reason", String, nullable=False),
        Column("message", String, nullable=False),
        Column("cause", String, nullable=False),
        Column("evidence", String, nullable=False),
        UniqueConstraint("order_sequence", "number"),
        sqlite_autoincrement=True,
    )
    for table in ("jobs", "archived_jobs"):
        op.execute(f"{_AS_FOUND}{table} ORDER BY sequence")
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER order_history_no_{verb.lower()} BEFORE {verb} ON order_history "
            "BEGIN SELECT RAISE(ABORT, 'the history of orders is only ever added to'); END"
        )
