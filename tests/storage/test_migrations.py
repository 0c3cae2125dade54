"""The migrations lead to the tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from app.domain.errors import Unavailable
from app.storage.engine import core_url
from app.storage.migrate import current, head, upgrade
from app.storage.tables import metadata


def test_migrations_from_scratch_are_the_tables(database_url: str) -> None:
    engine = create_engine(core_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_every_index_of_the_tables_is_there_as_written(database_url: str) -> None:
    """Autogenerate does not compare expressions, predicates and methods of indexes."""
    with psycopg.connect(database_url) as connection:
        migrated = _indexes(connection)
        metadata_engine = create_engine(core_url(database_url))
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connection.commit()
        metadata.create_all(metadata_engine)
        metadata_engine.dispose()
        assert migrated == _indexes(connection)


def test_the_head_is_what_an_upgraded_database_is_at(database_url: str) -> None:
    assert current(database_url) == head()


def test_a_new_database_has_no_revision_and_two_upgrades_at_once_make_one(server_url: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh")
        url = server_url.replace("/portrait?", "/fresh?")
        try:
            assert current(url) is None
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(upgrade, [url] * 4))
            assert current(url) == head()
        finally:
            connection.execute("DROP DATABASE fresh WITH (FORCE)")


def test_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        upgrade("postgresql://nobody@127.0.0.1:9/nothing")


def _indexes(connection: psycopg.Connection) -> list[tuple[str, str]]:
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        " ORDER BY indexname"
    )
    return [(name, definition) for name, definition in found]
