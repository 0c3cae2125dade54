"""What callers see when Postgres is away, busy or loses a connection; models, locks and durability beside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import psycopg
import pytest

from app.domain.errors import Unavailable
from app.domain.item import Item
from app.storage.durability import unsafe_settings
from app.storage.engine import Connection, Database, conninfo, core_url
from app.storage.items import get_item, put_items
from app.storage.locks import leader
from app.storage.models import live_model, promote
from app.storage.users import get_user


@pytest.fixture
async def nowhere() -> AsyncIterator[Database]:
    database = await Database.open("postgresql://nobody@127.0.0.1:9/nothing")
    yield database
    await database.close()


@pytest.mark.parametrize("prefix", ["postgres://", "postgresql://", "postgresql+psycopg://", "postgresql+asyncpg://"])
def test_addresses_of_any_style_are_read(prefix: str) -> None:
    assert conninfo(prefix + "u@h/d") == "postgresql://u@h/d"
    assert core_url(prefix + "u@h/d") == "postgresql+psycopg://u@h/d"


async def test_a_database_that_is_away_is_told_within_three_seconds(nowhere: Database) -> None:
    for call in (get_item(nowhere, "i"), get_user(nowhere, "u"), put_items(nowhere, [Item("i")])):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await call
        assert time.monotonic() - started < 3


async def test_a_terminated_connection_is_replaced_without_a_word(db: Database, database_url: str) -> None:
    async with asyncio.TaskGroup() as group:  # fills the pool
        for _ in range(20):
            group.create_task(get_item(db, "i"))
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert await put_items(db, [Item("i")]) == 1
    assert await get_item(db, "i") == Item("i")
    assert await get_user(db, "u") is None


async def test_a_locked_table_is_told_within_three_seconds(db: Database, database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await get_item(db, "i")
        assert time.monotonic() - started < 3
        other.rollback()
    assert await get_item(db, "i") is None


async def test_a_deadlock_is_tried_again(db: Database) -> None:
    async with db.connection() as connection:
        await connection.execute("CREATE TABLE pair (n int PRIMARY KEY, hits int)")
        await connection.execute("INSERT INTO pair VALUES (1, 0), (2, 0)")

    async def both(first: int, second: int) -> None:
        async def work(connection: Connection) -> None:
            await connection.execute("SET LOCAL deadlock_timeout = '50ms'")
            await connection.execute("UPDATE pair SET hits = hits + 1 WHERE n = %s", [first])
            await asyncio.sleep(0.1)
            await connection.execute("UPDATE pair SET hits = hits + 1 WHERE n = %s", [second])

        await db.retried(work)

    await asyncio.gather(both(1, 2), both(2, 1))
    async with db.connection() as connection:
        assert await (await connection.execute("SELECT hits FROM pair ORDER BY n")).fetchall() == [(2,), (2,)]


async def test_a_mistake_of_ours_is_not_called_unavailable(db: Database) -> None:
    async def work(connection: Connection) -> None:
        await connection.execute("SELECT * FROM no_such_table")

    with pytest.raises(psycopg.errors.UndefinedTable):
        await db.retried(work)


async def test_the_model_promoted_last_is_live(db: Database) -> None:
    assert await live_model(db, "space") is None
    first = await promote(db, "space", {"name": "one"})
    await promote(db, "generators", {"name": "other"})
    second = await promote(db, "space", {"name": "two"})
    live = await live_model(db, "space")
    assert live is not None
    assert second > first
    assert (live.version, live.manifest) == (second, {"name": "two"})


async def test_one_of_many_leads_until_it_leaves(db: Database) -> None:
    async with leader(db, "jobs") as first, leader(db, "jobs") as second, leader(db, "other") as other:
        assert (first, second, other) == (True, False, True)
    async with leader(db, "jobs") as later:
        assert later


async def test_settings_that_lose_data_are_named(db: Database, database_url: str) -> None:
    assert await unsafe_settings(db) == []
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$"
        )
    careless = await Database.open(database_url)
    assert await unsafe_settings(careless) == ["synchronous_commit"]
    await careless.close()
