"""A ledger as an earlier revision had it, made of one of now."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, inspect, text, update

from ibgateway_executor.ledger import migration, tables


def taken_back(connection: Connection, revision: str) -> None:
    """Drop each column that came later, and stamp it: the next start upgrades it again, by however many revisions there are."""
    known = columns_at(revision)
    for table in tables.metadata.sorted_tables:
        for column in table.columns:
            if column.name not in known[table.name]:
                connection.execute(text(f"ALTER TABLE {table.name} DROP COLUMN {column.name}"))
    connection.execute(update(tables.alembic_version).values(version_num=revision))


def columns_at(revision: str) -> dict[str, set[str]]:
    """The columns of each table of a ledger with that revision."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(migration._REVISIONS))
            command.upgrade(config, revision)
            found = inspect(connection)
            return {
                name: {column["name"] for column in found.get_columns(name)}
                for name in found.get_table_names()
            }
    finally:
        engine.dispose()
