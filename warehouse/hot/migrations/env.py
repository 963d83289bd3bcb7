"""What alembic runs: the steps, inside the transaction of whoever called it."""

from __future__ import annotations

from alembic import context

from warehouse.hot.metadata import METADATA

# METADATA: how constraints are named. transactional_ddl: SQLite can undo CREATE TABLE; alembic does not count on it.
context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
