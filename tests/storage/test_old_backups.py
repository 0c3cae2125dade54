"""What a backup holds of somebody who was erased since: without their data key nobody reads it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from app.domain.errors import Locked
from app.privacy.encryption import MasterKeys
from app.services.context import Context
from app.services.export_user import export_user
from app.services.manage_users import get_user, list_behaviors, put_user
from app.services.read_profile import read_profile
from app.services.rotate_master import rotate_master
from tests.lives import SECRETS, SOMEBODY, live
from tests.people import erase, post, view
from tests.vault import KEY, MASTER, OTHER_KEY, everything, found_in, opened

# With words in them; `users` holds the key as well.
TABLES = ("behaviors", "edits", "checkpoints", "narrations")


@pytest.fixture
def master() -> MasterKeys:
    return MASTER


@pytest.fixture
def copy_url(server_url: str) -> Iterator[str]:
    """Where `copied` puts a copy of the whole database."""
    yield server_url.replace("/portrait?", "/old_backup?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE old_backup WITH (FORCE)")


async def copied(context: Context, url: str, server_url: str) -> None:
    """Postgres wants nobody in a database that is copied."""
    await context.db.close()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE old_backup TEMPLATE {conninfo_to_dict(url)['dbname']}".encode())
    context.db = await opened(url, KEY)


async def test_rows_of_somebody_erased_that_come_back_from_a_backup_do_not_open(
    context: Context, database_url: str
) -> None:
    await live(context)
    await post(context, view("bob", "b1"))
    async with context.db.connection() as connection:
        for table in TABLES:
            await connection.execute(f"CREATE TABLE old_{table} AS TABLE {table}")
    await erase(context, SOMEBODY)
    await put_user(context, SOMEBODY, {"town": "Ulm"})  # begins anew, with another key
    async with context.db.connection() as connection:
        for table in TABLES:
            await connection.execute(f"INSERT INTO {table} SELECT * FROM old_{table} ON CONFLICT DO NOTHING")
    for attempt in (
        list_behaviors(context, SOMEBODY, None, 99),
        read_profile(context, SOMEBODY),
        _exported(context),
    ):
        with pytest.raises(Locked):
            await attempt
    assert found_in(everything(database_url), SECRETS) == set()
    assert [one.behavior_id for _, one in await list_behaviors(context, "bob", None, 9)] == ["b1"]


async def test_a_backup_as_a_whole_opens_until_the_master_key_is_changed(
    context: Context, database_url: str, copy_url: str, server_url: str
) -> None:
    await live(context)
    await post(context, view("bob", "b1"))
    await copied(context, database_url, server_url)
    await erase(context, SOMEBODY)
    both = MasterKeys(OTHER_KEY, KEY)
    await rotate_master(context.db, both, lambda _: None)
    await context.db.close()
    context.db = await opened(copy_url, KEY)
    assert (await get_user(context, SOMEBODY)).attributes == {"address": "zanzibar street"}
    await context.db.close()
    context.db = await opened(copy_url, OTHER_KEY)
    with pytest.raises(Locked):
        await get_user(context, SOMEBODY)
    assert found_in(everything(copy_url), SECRETS) == set()
    await context.db.close()
    context.db = await opened(database_url, OTHER_KEY)
    assert (await get_user(context, "bob")).user_id == "bob"
    await context.db.close()


async def _exported(context: Context) -> bytes:
    return b"".join([line async for line in await export_user(context, SOMEBODY)])
