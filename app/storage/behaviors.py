"""The log of behaviours, read: by key, by user, as training reads it, and the texts that wait for the encoder.

`append` writes it. A behaviour never changes, but for the vector of its text. What training and the encoder read, and
what the encoder gives back, names users as they are stored.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.behavior import Behavior
from app.domain.catalogue import Rows
from app.storage.engine import Connection, Database, Row
from app.storage.vault import Seal, Vault

FACT = "user_id, behavior_id, type, occurred_at, timed, item_id, text, value, extra::text, flag, sealed_key"
TEXT, EXTRA = "behaviors.text", "behaviors.extra"
SEALED = "sealed"  # in `extra`: those parts of it that nobody asks for in SQL, where the database is encrypted
# What statements of ours look at in `extra`.
_OPEN = ("recommendation_id", "scenario")

# What `profiles.sound` says of a row's own columns. Rows that are not in quarantine yet must not harm anybody either.
READABLE = "occurred_at BETWEEN '0001-01-02Z' AND '9999-12-30Z'"
SOUND = f"{READABLE} AND (value IS NULL OR value NOT IN ('NaN', 'Infinity', '-Infinity'))"

# Three index ranges rather than one `<>`, which no index can serve.
_WAITING = " UNION ALL ".join(
    f"(SELECT * FROM behaviors WHERE text <> '' AND embedded_by {other} LIMIT %(limit)s)"
    for other in ("IS NULL", "< %(encoder)s", "> %(encoder)s")
)


async def load_behaviors(db: Database, keys: Sequence[tuple[str, str]]) -> list[Behavior]:
    """The stored behaviours with these (user_id, behavior_id), but for those whose time cannot be told."""

    vault = await db.vault()
    names = {user_id: vault.name(user_id) for user_id, _ in keys}
    user_ids = {name: user_id for user_id, name in names.items()}

    async def work(connection: Connection) -> list[Behavior]:
        cursor = await connection.execute(
            f"SELECT {FACT} FROM behaviors JOIN unnest(%s::text[], %s::text[]) AS k(user_id, behavior_id)"
            f" USING (user_id, behavior_id) JOIN users USING (user_id) WHERE {READABLE}",
            [[names[user_id] for user_id, _ in keys], [behavior_id for _, behavior_id in keys]],
        )
        return [behavior_of(vault, user_ids[row[0]], row) for row in await cursor.fetchall()]

    return await db.tried(work)


async def list_behaviors(db: Database, user_id: str, before_seq: int | None, limit: int) -> list[tuple[int, Behavior]]:
    """(seq, behaviour), the latest received first. Those whose time cannot be told are left out."""

    vault = await db.vault()

    async def work(connection: Connection) -> list[tuple[int, Behavior]]:
        cursor = await connection.execute(
            f"SELECT seq, {FACT} FROM behaviors JOIN users USING (user_id)"
            f" WHERE user_id = %s AND seq < %s AND {READABLE} ORDER BY seq DESC LIMIT %s",
            [vault.name(user_id), 2**62 if before_seq is None else before_seq, limit],
        )
        return [(seq, behavior_of(vault, user_id, tuple(fact))) for seq, *fact in await cursor.fetchall()]

    return await db.tried(work)


async def read_behaviors(
    db: Database, user_id: str, after_seq: int, until_seq: int, limit: int
) -> list[tuple[int, Behavior]]:
    """(seq, behaviour) behind one place up to another, the first received first."""

    vault = await db.vault()

    async def work(connection: Connection) -> list[tuple[int, Behavior]]:
        cursor = await connection.execute(
            f"SELECT seq, {FACT} FROM behaviors JOIN users USING (user_id)"
            f" WHERE user_id = %s AND seq > %s AND seq <= %s AND {READABLE} ORDER BY seq LIMIT %s",
            [vault.name(user_id), after_seq, until_seq, limit],
        )
        return [(seq, behavior_of(vault, user_id, tuple(fact))) for seq, *fact in await cursor.fetchall()]

    return await db.tried(work)


async def count_behaviors(db: Database) -> int:
    """Exact up to a hundred thousand, Postgres' own estimate beyond."""

    async def work(connection: Connection) -> int:
        cursor = await connection.execute(
            "SELECT CASE WHEN c.reltuples > 100000 THEN c.reltuples::bigint ELSE (SELECT count(*) FROM behaviors) END"
            " FROM pg_class c WHERE c.oid = 'behaviors'::regclass"
        )
        (n,) = await cursor.fetchone() or (0,)
        return int(n)

    return await db.tried(work)


async def count_by_day(db: Database, n_days: int) -> tuple[Rows, NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of items, days since 1970 and how many users, (N,) each, of the last days that training reads."""

    async def work(connection: Connection) -> list[tuple[Any, ...]]:
        cursor = await connection.execute(
            "SELECT dense_rank() OVER (ORDER BY item_id), floor(extract(epoch FROM occurred_at) / 86400),"
            " count(DISTINCT user_id)"
            " FROM behaviors JOIN users USING (user_id)"
            f" WHERE item_id IS NOT NULL AND flag IS NULL AND consent AND {SOUND}"
            " AND occurred_at > now() - make_interval(days => %s)"
            " GROUP BY item_id, 2",
            [n_days],
        )
        return await cursor.fetchall()

    rows = np.array(await db.tried(work), dtype=np.int64).reshape(-1, 3)
    return rows[:, 0].astype(np.int32), rows[:, 1], rows[:, 2]


async def copy_log(db: Database) -> AsyncIterator[bytes]:
    """What training reads, as chunks of CSV without a header, by time:
    user_id, item_id, type, seconds since 1970, value. Flagged behaviours, those without an item
    and those of users who do not consent stay out.
    """
    async with db.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        async with connection.cursor().copy(
            "COPY (SELECT user_id, item_id, type, extract(epoch FROM occurred_at), value"
            " FROM behaviors JOIN users USING (user_id)"
            f" WHERE item_id IS NOT NULL AND flag IS NULL AND consent AND {SOUND}"
            " ORDER BY occurred_at, seq) TO STDOUT (FORMAT csv)"
        ) as copy:
            async for chunk in copy:
                yield bytes(chunk)


async def texts_to_embed(db: Database, encoder: str, limit: int) -> list[tuple[str, str, int, str]]:
    """(user_id as stored, behavior_id, seq, text) without a vector, or with one of another encoder."""

    vault = await db.vault()
    wanted = {"encoder": encoder, "limit": limit}

    async def work(connection: Connection) -> list[tuple[str, str, int, str]]:
        cursor = await connection.execute(
            f"SELECT user_id, behavior_id, seq, text, sealed_key FROM ({_WAITING} LIMIT %(limit)s) AS waiting"
            " JOIN users USING (user_id)",
            wanted,
        )
        return [
            (name, behavior_id, seq, vault.seal(name, sealed_key).read(TEXT, text) or "")
            for name, behavior_id, seq, text, sealed_key in await cursor.fetchall()
        ]

    return await db.tried(work)


async def save_text_embeddings(db: Database, encoder: str, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """(user_id as stored, behavior_id, raw float16 vector). The users' profiles change, so each gets a new version, and
    what was folded without the vectors is dropped.
    """
    user_ids = [user_id for user_id, _, _ in rows]
    behavior_ids = [behavior_id for _, behavior_id, _ in rows]
    vectors = [vector for _, _, vector in rows]

    async def work(connection: Connection) -> None:
        # Locks the users first, in sorted order as ingest does: `save_checkpoint` waits and then sees a newer version.
        users = sorted(set(user_ids))
        await connection.execute("SELECT FROM users WHERE user_id = ANY(%s) ORDER BY user_id FOR UPDATE", [users])
        await connection.execute(
            "UPDATE users SET last_seq = last_seq + 1, updated_at = now() WHERE user_id = ANY(%s)", [users]
        )
        await connection.execute(
            "UPDATE behaviors b SET embedding = v.embedding, embedded_by = %s"
            " FROM unnest(%s::text[], %s::text[], %s::bytea[]) AS v(user_id, behavior_id, embedding)"
            " WHERE b.user_id = v.user_id AND b.behavior_id = v.behavior_id",
            [encoder, user_ids, behavior_ids, vectors],
        )
        await connection.execute("DELETE FROM checkpoints WHERE user_id = ANY(%s)", [users])

    await db.retried(work)


def behavior_of(vault: Vault, user_id: str, row: Row) -> Behavior:
    """What `FACT` gave, of the user who came with this id."""
    name, behavior_id, type_, occurred_at, timed, item_id, text, value, extra, flag, sealed_key = row
    seal = vault.seal(name, sealed_key)
    text = seal.read(TEXT, text)
    more: dict[str, Any] = json.loads(extra) if extra else {}
    more |= seal.read_tree(EXTRA, more.pop(SEALED, {}))
    return Behavior(user_id, behavior_id, type_, occurred_at, timed, item_id, text, value, flag=flag, **more)


def shut(seal: Seal, extra: dict[str, Any]) -> dict[str, Any]:
    """`extra` as it is stored."""
    rest = {name: value for name, value in extra.items() if name not in _OPEN}
    if not rest or seal.sealer is None:
        return extra
    return {name: extra[name] for name in _OPEN if name in extra} | {SEALED: seal.tree(EXTRA, rest)}
