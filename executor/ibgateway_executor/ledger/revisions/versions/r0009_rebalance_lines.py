"""What became of each rebalance, in the lines of the orders' histories."""

import json
from datetime import UTC, datetime

from alembic import op
from sqlalchemy import text

revision = "0009"
down_revision = "0008"

_FOUND = text("SELECT sequence, document FROM rebalances ORDER BY sequence")
_LINE = text(
    "INSERT INTO order_history (order_sequence, number, at, before, state, reason, message, cause, evidence) "
    "VALUES (:order_sequence, 1, :at, '', :state, :reason, :message, 'upgrade', '')"
)


def upgrade() -> None:
    """The history of what is there begins with how it is found."""
    connection = op.get_bind()
    for sequence, document in connection.execute(_FOUND).all():
        run = json.loads(document)
        told = {name: run.get(name, "") for name in ("state", "reason", "message")}
        found = run.get("updated_at") or run["accepted_at"]
        at = datetime.fromisoformat(found).astimezone(UTC).isoformat()
        connection.execute(_LINE, {"order_sequence": -sequence, "at": at, **told})
