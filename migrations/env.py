"""How a migration runs: on the connection that `app.storage.migrate` hands over, one transaction for all steps."""

from __future__ import annotations

from alembic import context

from app.storage.tables import metadata


def run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


run()
