"""Every schema that the ledger ever had, as Alembic's revisions: what runs them is `migration`."""
