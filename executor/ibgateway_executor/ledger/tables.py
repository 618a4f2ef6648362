"""The ledger's tables. Money and quantities are text, times ISO 8601 UTC text: nothing is rounded."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    event,
    false,
)

REVISION = "0011"
"""Of these tables: the last one in `revisions`."""
UNSTAMPED = "4"
"""What programs without revisions stamped their ledgers with last; theirs was made and perhaps not stamped yet."""

Whole: Final = Integer().with_variant(BigInteger(), "postgresql")
"""SQLite's integers have 64 bits always."""

metadata = MetaData()

alembic_version = Table(
    "alembic_version", metadata, Column("version_num", String(32), primary_key=True)
)
"""One row, which Alembic keeps: the revision that the ledger has."""

facts = Table(
    "facts",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""What the whole ledger is stamped with: version, trading mode, accounts, highest order id, when it was
written last, and a person's pause of trading."""

orders = Table(
    "jobs",
    metadata,
    Column("sequence", Whole, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("idempotency_key", String, nullable=False, unique=True),
    Column("request_hash", String, nullable=False),
    Column("account", String, nullable=False),
    Column("con_id", Whole, nullable=False),
    Column("symbol", String, nullable=False),
    Column("sec_type", String, nullable=False),
    Column("exchange", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("primary_exchange", String, nullable=False),
    Column("side", String, nullable=False),
    Column("quantity", Whole, nullable=False),
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
    Column("client_id", Whole, nullable=False),
    Column("order_id", Whole, nullable=False),
    Column("perm_id", Whole, nullable=False),
    Column("sent_at", String),
    Column("filled", String, nullable=False),
    Column("average_price", String),
    Column("cancel_requested", Boolean, nullable=False),
    Column("updated_at", String, nullable=False),
    Column("broker_message", String, nullable=False, server_default=""),
    Column("resolution", String, nullable=False, server_default=""),
    Column("note", String, nullable=False, server_default=""),
    Column("stop_price", String),
    Column("outside_regular_hours", Boolean, nullable=False, server_default=false()),
    Column("not_before", String),
    Column("market_closed", String, nullable=False, server_default=""),
    Column("priority", String, nullable=False, server_default="normal"),
    Column("client_reference", String, nullable=False, server_default=""),
    Column("multiplier", String, nullable=False, server_default=""),
    Column("replaces", String, nullable=False, server_default=""),
    Column("replaced_by", String, nullable=False, server_default=""),
    Column("awaits_end", Boolean, nullable=False, server_default=false()),
    Column("rebalance", String, nullable=False, server_default=""),
    Column("position_at_sending", String),
    Column("resent_at", String),
    Index("jobs_by_state", "state"),
    Index("jobs_by_client_reference", "client_reference", "sequence"),
    Index("jobs_by_order", "client_id", "order_id"),
    Index("jobs_by_perm_id", "perm_id"),
    Index("jobs_by_acceptance", "accepted_at"),
    sqlite_autoincrement=True,
)
"""One row an order; `sequence` is the order of acceptance."""

sightings = Table(
    "sightings",
    metadata,
    Column("sequence", Whole, primary_key=True, autoincrement=True),
    Column("order_ref", String, nullable=False),
    Column("report", String, nullable=False),
    Column("at", String, nullable=False),
    UniqueConstraint("order_ref", "report"),
    Index("sightings_by_time", "at"),
)
"""What the broker told about orders of an executor that this ledger does not have, as JSON; `at` is when it was first told."""

rebalances = Table(
    "rebalances",
    metadata,
    Column("sequence", Whole, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("idempotency_key", String, nullable=False, unique=True),
    Column("request_hash", String, nullable=False),
    Column("account", String, nullable=False),
    Column("state", String, nullable=False),
    Column("document", String, nullable=False),
    Index("rebalances_by_state", "state", "account"),
    sqlite_autoincrement=True,
)
"""One row a rebalance; the document is all of it as JSON."""

archive = Table(
    "archived_jobs",
    metadata,
    *(
        Column(
            column.name,
            column.type,
            primary_key=column.primary_key,
            autoincrement=False,
            nullable=column.nullable,
            unique=column.name in ("id", "idempotency_key", "order_ref"),
        )
        for column in orders.columns
    ),
    Index("archived_jobs_by_order", "client_id", "order_id"),
    Index("archived_jobs_by_perm_id", "perm_id"),
    Index("archived_jobs_by_acceptance", "accepted_at"),
)
"""Orders that ended long ago: found by id, key and what the broker calls them, and brought back before they change."""

history = Table(
    "order_history",
    metadata,
    Column("position", Whole, primary_key=True, autoincrement=True),
    Column("order_sequence", Whole, nullable=False),
    Column("number", Whole, nullable=False),
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
"""What became of each order, archived or not, and of each rebalance: lines that are only ever added, with a position that only
grows. `order_sequence` is the order's, or the rebalance's with a minus sign. `evidence` is JSON, or empty."""

_ONLY_ADDED: Final = "the history of orders is only ever added to"
_GUARDS: Final = {
    "sqlite": tuple(
        f"CREATE TRIGGER order_history_no_{verb.lower()} BEFORE {verb} ON order_history "
        f"BEGIN SELECT RAISE(ABORT, '{_ONLY_ADDED}'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION order_history_only_added() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_ONLY_ADDED}'; END $$",
        "CREATE TRIGGER order_history_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON order_history "
        "FOR EACH STATEMENT EXECUTE FUNCTION order_history_only_added()",
    ),
}


@event.listens_for(history, "after_create")
def _guard(_: object, connection: Connection, **__: object) -> None:
    for statement in _GUARDS[connection.dialect.name]:
        connection.exec_driver_sql(statement)
