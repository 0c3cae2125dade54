"""A database in plain text becomes an encrypted one, user by user, while no service runs on it.

Each user in one transaction, so it may break off anywhere and go on; until it has ended nothing else opens the
database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from app.domain.errors import Conflict, Unavailable
from app.privacy.encryption import MasterKeys
from app.storage.decisions import sealed_wish
from app.storage.engine import Connection, Row, conninfo
from app.storage.erasures import OWNED
from app.storage.reseal import reseal
from app.storage.tables import users
from app.storage.users import ATTRIBUTES
from app.storage.vault import Seal, Vault, fresh_lookup, open_vault

_NAME = "portrait encrypt"
_AT_ONCE = 500
# Caches: they are made anew.
_DROPPED = ("checkpoints", "narrations", "narrations_wanted")
_RENAMED = [table for table in OWNED if table not in {*_DROPPED, "users", "recommendations"}]
_FRESH = {"user_id": "%s", "merged_into": "%s", "attributes": "%s", "sealed_key": "%s", "sealed_id": "%s"}
_KEPT = [column.name for column in users.c if column.name not in _FRESH]
_ADD = f"""
INSERT INTO users ({", ".join([*_FRESH, *_KEPT])}) SELECT {", ".join([*_FRESH.values(), *_KEPT])} FROM users
WHERE user_id = %s
"""
_BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'portrait%%' AND pid <> pg_backend_pid()
"""


async def encrypt(url: str, master: MasterKeys, progress: Callable[[int], None]) -> int:
    """How many users were stored anew. Raises Conflict while a service runs, or where all is encrypted; Unavailable."""
    async with _connected(url) as connection:
        vault = await _begun(connection, master)
        n = 0
        while names := await _plain(connection):
            for user_id in names:
                async with connection.transaction():
                    await _encrypt_user(connection, vault, user_id)
            progress(n := n + len(names))
        await _encrypt_decisions(connection, vault)
        await connection.execute("UPDATE vault SET complete = true")
        # What was changed is still on disk in plain text until then.
        for table in ("users", "behaviors", "edits", "recommendations"):
            await connection.execute(f"VACUUM (FULL, ANALYZE) {table}")
        return n


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Connection]:
    try:
        connection: Connection = await AsyncConnection.connect(
            conninfo(url), autocommit=True, application_name=_NAME, connect_timeout=3
        )
    except psycopg.OperationalError as error:
        raise Unavailable("The database cannot be reached.", "Check PORTRAIT_DATABASE_URL.") from error
    async with connection:
        yield connection


async def _begun(connection: Connection, master: MasterKeys) -> Vault:
    (n_others,) = await (await connection.execute(_BUSY)).fetchone() or (0,)
    if n_others:
        raise Conflict("A service runs on this database.", "Stop it, and everything else that is connected, first.")
    await connection.execute(
        "INSERT INTO vault (lookup, complete) VALUES (%s, false) ON CONFLICT DO NOTHING", [fresh_lookup(master)]
    )
    lookup, complete = await (await connection.execute("SELECT lookup, complete FROM vault")).fetchone() or ("", False)
    if complete:
        raise Conflict("The database is encrypted already.", "There is nothing left to do.")
    return open_vault(master, lookup)


async def _plain(connection: Connection) -> list[str]:
    found = await connection.execute("SELECT user_id FROM users WHERE sealed_key IS NULL LIMIT %s", [_AT_ONCE])
    return [user_id for (user_id,) in await found.fetchall()]


async def _encrypt_user(connection: Connection, vault: Vault, user_id: str) -> None:
    found = await connection.execute("SELECT attributes, merged_into FROM users WHERE user_id = %s", [user_id])
    attributes, merged_into = await found.fetchone() or ({}, None)
    name = vault.name(user_id)
    sealed = vault.begin(name, user_id)
    seal = vault.seal(name, sealed.sealed_key)
    whose = None if merged_into is None else vault.name(merged_into)
    fresh = [name, whose, Jsonb(seal.tree(ATTRIBUTES, attributes)), *sealed]
    await connection.execute(_ADD, [*fresh, user_id])
    for table in _DROPPED:
        await connection.execute(f"DELETE FROM {table} WHERE user_id = %s", [user_id])
    for table in _RENAMED:
        await connection.execute(f"UPDATE {table} SET user_id = %s WHERE user_id = %s", [name, user_id])
    await reseal(connection, Seal(name), seal)
    await connection.execute("DELETE FROM users WHERE user_id = %s", [user_id])


async def _encrypt_decisions(connection: Connection, vault: Vault) -> None:
    """Also of visitors who have no row."""
    while rows := await _plain_decisions(connection):
        sealed = [
            (None if user_id is None else vault.name(user_id), Jsonb(sealed_wish(vault, key, user_id, wish)), key)
            for key, user_id, wish in rows
        ]
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.executemany(
                "UPDATE recommendations SET user_id = %s, wish = %s WHERE recommendation_id = %s", sealed
            )


async def _plain_decisions(connection: Connection) -> list[Row]:
    found = await connection.execute(
        "SELECT recommendation_id, user_id, wish FROM recommendations WHERE jsonb_typeof(wish) <> 'string' LIMIT %s",
        [_AT_ONCE],
    )
    return await found.fetchall()
