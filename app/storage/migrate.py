"""Brings a database to the tables of this release."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from app.domain.errors import Unavailable
from app.storage.engine import Connection as Connected
from app.storage.engine import Database, core_url

_MIGRATIONS = Path(__file__).parents[2] / "migrations"
_UPGRADE_LOCK = 7_067_101  # any number; two starting processes must not migrate at once


def upgrade(url: str) -> None:
    """Runs what is missing; waits while another process does the same. Raises `Unavailable`."""
    with _connected(url) as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({_UPGRADE_LOCK})"))
        connection.commit()
        try:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text(f"SELECT pg_advisory_unlock({_UPGRADE_LOCK})"))


def current(url: str) -> str | None:
    """The revision a database is at; None before the first upgrade. Raises `Unavailable`."""
    with _connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


async def revision(db: Database) -> str | None:
    """As `current`, cheap enough for a health check."""

    async def work(connection: Connected) -> str | None:
        (table,) = await (await connection.execute("SELECT to_regclass('alembic_version')")).fetchone() or (None,)
        if table is None:
            return None
        (found,) = await (await connection.execute("SELECT version_num FROM alembic_version")).fetchone() or (None,)
        return None if found is None else str(found)

    return await db.tried(work)


def head() -> str:
    """The revision this release needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise LookupError(f"no migrations in {_MIGRATIONS.name}/")
    return revision


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(core_url(url), poolclass=NullPool, connect_args={"connect_timeout": 3})
    try:
        with engine.connect() as connection:
            yield connection
    except OperationalError as error:
        raise Unavailable(
            "The database cannot be reached or is busy.", "Check PORTRAIT_DATABASE_URL.", code="database_unavailable"
        ) from error
    finally:
        engine.dispose()
