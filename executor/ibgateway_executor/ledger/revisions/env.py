"""Run by Alembic: the revisions over the connection, and in the transaction, that `migration` has begun."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
