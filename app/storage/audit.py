"""What `portrait verify` reads: counters, checkpoints and logs as of one moment for each page of users.

Users are named as they are stored.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

from app.storage.behaviors import SOUND
from app.storage.engine import Connection, Database
from app.storage.models import ROLLED_BACK_TO
from app.storage.profiles import STATE, StoredRow, stored_row
from app.storage.vault import Vault

_STREAM_ROWS = 5_000
_COUNTERS = f"""
SELECT u.user_id, u.last_seq, u.n_behaviors, b.* FROM users u, LATERAL (
    SELECT count(*), count(DISTINCT seq), coalesce(min(seq), 1), coalesce(max(seq), 0),
        count(*) FILTER (WHERE flag IS NULL AND NOT ({SOUND}))
    FROM behaviors b WHERE b.user_id = u.user_id
) b WHERE u.user_id = ANY(%s) ORDER BY u.user_id
"""
_ROWS = """
SELECT user_id, seq, behavior_id, type, extract(epoch FROM occurred_at)::float8, item_id, text, value, flag, embedding,
    sealed_key
FROM behaviors JOIN unnest(%s::text[], %s::bigint[]) AS c(user_id, upto) USING (user_id) JOIN users USING (user_id)
WHERE seq <= upto ORDER BY user_id, seq
"""
_ORPHANS = """
SELECT count(*), min(user_id) FROM behaviors b WHERE NOT EXISTS (SELECT FROM users u WHERE u.user_id = b.user_id)
"""
_ARTIFACTS = f"""
SELECT kind, version, manifest, nth = 1 FROM (
    SELECT *, row_number() OVER (PARTITION BY kind ORDER BY promoted_at DESC, version DESC) AS nth
    FROM models WHERE promoted_at IS NOT NULL
) m WHERE nth <= {ROLLED_BACK_TO} ORDER BY kind, nth
"""


class Counters(NamedTuple):
    """What a user's own row says (`last_seq`, `n_behaviors`) and what the log says; `n_unsound` are not flagged yet."""

    user_id: str
    last_seq: int
    n_behaviors: int
    n_rows: int
    n_places: int
    first_place: int
    last_place: int
    n_unsound: int


class StoredCheckpoint(NamedTuple):
    user_id: str
    seq: int
    state: bytes


class Kept(NamedTuple):
    """An artifact that serves, or may serve again."""

    kind: str
    version: int
    manifest: dict[str, Any]
    live: bool


@asynccontextmanager
async def one_moment(db: Database) -> AsyncIterator[Connection]:
    """Whatever is read in here is of one moment, however busy the service is, and locks nobody out."""
    async with db.connection() as connection, connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await connection.execute("SET LOCAL statement_timeout = 0")
        yield connection


async def sample_users(db: Database, n: int) -> list[str]:
    async with one_moment(db) as connection:
        cursor = await connection.execute("SELECT user_id FROM users ORDER BY random() LIMIT %s", [n])
        return sorted(user_id for (user_id,) in await cursor.fetchall())


async def read_counters(connection: Connection, user_ids: Sequence[str]) -> list[Counters]:
    cursor = await connection.execute(_COUNTERS, [list(user_ids)])
    return [Counters._make(row) for row in await cursor.fetchall()]


async def read_checkpoints(
    connection: Connection, vault: Vault, user_ids: Sequence[str], fold_key: str
) -> list[StoredCheckpoint]:
    """Those that readers would use."""
    cursor = await connection.execute(
        "SELECT user_id, seq, state, sealed_key FROM checkpoints JOIN users USING (user_id)"
        " WHERE user_id = ANY(%s) AND fold_key = %s",
        [list(user_ids), fold_key],
        binary=True,
    )
    return [
        StoredCheckpoint(name, seq, vault.seal(name, sealed_key).read_whole(STATE, state) or b"")
        for name, seq, state, sealed_key in await cursor.fetchall()
    ]


async def stream_rows(
    connection: Connection, vault: Vault, of: Sequence[StoredCheckpoint]
) -> AsyncIterator[tuple[str, StoredRow]]:
    """(user_id, row), user by user and by place, up to each checkpoint."""
    async with connection.cursor("audited", binary=True) as cursor:
        cursor.itersize = _STREAM_ROWS
        await cursor.execute(_ROWS, [[one.user_id for one in of], [one.seq for one in of]])
        async for user_id, *row, sealed_key in cursor:
            yield user_id, stored_row(vault.seal(user_id, sealed_key), row)


async def find_orphans(db: Database) -> tuple[int, str | None]:
    """Behaviours of nobody: how many, and one user they name."""
    async with one_moment(db) as connection:
        n, user_id = await (await connection.execute(_ORPHANS)).fetchone() or (0, None)
        return int(n), user_id


async def kept_artifacts(db: Database) -> list[Kept]:
    """Of each kind those promoted last, the live one first."""
    async with one_moment(db) as connection:
        return [Kept._make(row) for row in await (await connection.execute(_ARTIFACTS)).fetchall()]


async def stream_facts(db: Database) -> AsyncIterator[tuple[str, str, str | None, str, datetime]]:
    """(user_id, behavior_id, item_id, type, occurred_at) of the whole log."""
    async with one_moment(db) as connection, connection.cursor("facts", binary=True) as cursor:
        cursor.itersize = _STREAM_ROWS
        await cursor.execute("SELECT user_id, behavior_id, item_id, type, occurred_at FROM behaviors")
        async for user_id, behavior_id, item_id, type_, occurred_at in cursor:
            yield user_id, behavior_id, item_id, type_, occurred_at
