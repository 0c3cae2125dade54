"""What people changed in their profiles. Each edit and each withdrawal takes a place in the user's log."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.domain.edit import Edit
from app.storage.begin import begin
from app.storage.engine import Connection, Database

_decode = msgspec.json.Decoder(tuple[Edit, ...]).decode
_encode = msgspec.json.Encoder().encode

# As JSON, because it travels in the first row of the user's log (`profiles`). Postgres breaks base64 into lines.
AS_JSON = """(SELECT json_agg(json_build_object(
    'edit_id', e.edit_id, 'seq', e.seq, 'rules', e.rules, 'text', e.text, 'wish', e.wish,
    'embedding', translate(encode(e.embedding, 'base64'), E'\\n', ''),
    'created_at', e.created_at, 'expires_at', e.expires_at,
    'reverted_at', e.reverted_at, 'reverted_seq', e.reverted_seq) ORDER BY e.seq)::text FROM edits e WHERE {})"""

_GO_ON = """
UPDATE users SET last_seq = last_seq + %(n)s, updated_at = now()
WHERE user_id = %(user_id)s AND last_seq = coalesce(%(version)s, last_seq) AND consent
    AND merged_into IS NULL AND erase_job IS NULL
RETURNING last_seq
"""
_ADD = """
INSERT INTO edits (user_id, edit_id, seq, rules, text, wish, embedding, embedded_by, expires_at)
VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)
"""
_ROOM = """
UPDATE users SET last_seq = last_seq + %(n)s, updated_at = now()
WHERE user_id = %(user_id)s AND merged_into IS NULL AND erase_job IS NULL RETURNING last_seq, erased_at
"""
_RESTORE = """
INSERT INTO edits (user_id, edit_id, seq, rules, text, wish, created_at, expires_at, reverted_at, reverted_seq)
VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_REVERT = """
UPDATE edits SET reverted_at = now(), reverted_seq = %s
WHERE user_id = %s AND edit_id = %s AND reverted_seq IS NULL
"""
# Three index ranges rather than one `<>`, which no index can serve.
_WAITING = " UNION ALL ".join(
    f"(SELECT user_id, edit_id, wish FROM edits WHERE wish <> '' AND embedded_by {other} LIMIT %(limit)s)"
    for other in ("IS NULL", "< %(encoder)s", "> %(encoder)s")
)


def edits_in(told: str | None) -> tuple[Edit, ...]:
    """What `AS_JSON` gave, by seq."""
    return _decode(told) if told else ()


async def load_edits(db: Database, user_id: str) -> tuple[Edit, ...]:
    """All that the user ever had, by seq: also those that are over or were withdrawn."""

    async def work(connection: Connection) -> tuple[Edit, ...]:
        cursor = await connection.execute("SELECT " + AS_JSON.format("e.user_id = %s"), [user_id])
        (told,) = await cursor.fetchone() or (None,)
        return edits_in(told)

    return await db.tried(work)


async def store_edits(
    db: Database,
    secret: str,
    user_id: str,
    version: int | None,
    added: Sequence[Edit],
    withdrawn: Sequence[str],
    encoder: str,
) -> bool:
    """Appends all of it to the log of the user as it was at `version` (`last_seq`, None: there is no such user yet).

    False, and nothing is stored, when the user has another version by now or has withdrawn their consent. Times and
    places of the edits are given here. Not tried again when a COMMIT is lost: the caller must look what came of it.
    """
    n = len(added) + len(withdrawn)
    async with db.connection() as connection, connection.transaction():
        if version is None and not await begin(connection, secret, [user_id]):
            return False
        found = await (await connection.execute(_GO_ON, {"user_id": user_id, "n": n, "version": version})).fetchone()
        if found is None:
            return False
        first = int(found[0]) - n + 1
        for seq, edit in enumerate(added, first):
            await connection.execute(_ADD, _row(user_id, seq, edit, encoder))
        for seq, edit_id in enumerate(withdrawn, first + len(added)):
            await connection.execute(_REVERT, [seq, user_id, edit_id])
    return True


def _row(user_id: str, seq: int, edit: Edit, encoder: str) -> list[object]:
    embedded_by = encoder if edit.embedding is not None else None
    rules = _encode(edit.rules).decode()
    return [user_id, edit.edit_id, seq, rules, edit.text, edit.wish, edit.embedding, embedded_by, edit.expires_at]


async def restore_edits(db: Database, user_id: str, edits: Sequence[Edit]) -> int:
    """Edits as they were elsewhere, by seq, at new places; returns how many are new here.

    What is older than an erasure of the user stays away. Their wishes wait for the encoder.
    """

    async def work(connection: Connection) -> int:
        cursor = await connection.execute(_ROOM, {"user_id": user_id, "n": 2 * len(edits)})
        room = await cursor.fetchone()
        if room is None:
            return 0
        first, erased_at = int(room[0]) - 2 * len(edits) + 1, room[1]
        kept = [edit for edit in edits if erased_at is None or edit.created_at > erased_at]
        places = range(first, first + len(kept))
        return sum(
            [
                await _restored(connection, user_id, seq, len(edits), edit)
                for seq, edit in zip(places, kept, strict=True)
            ]
        )

    return await db.retried(work)


async def _restored(connection: Connection, user_id: str, seq: int, n: int, edit: Edit) -> int:
    """Withdrawals come behind all `n` edits."""
    rules = _encode(edit.rules).decode()
    times = [edit.created_at, edit.expires_at, edit.reverted_at]
    row = [
        user_id,
        edit.edit_id,
        seq,
        rules,
        edit.text,
        edit.wish,
        *times,
        None if edit.reverted_at is None else seq + n,
    ]
    return (await connection.execute(_RESTORE, row)).rowcount


async def wishes_to_embed(db: Database, encoder: str, limit: int) -> list[tuple[str, str, str]]:
    """(user_id, edit_id, wish) without a vector, or with one of another encoder."""

    async def work(connection: Connection) -> list[tuple[str, str, str]]:
        cursor = await connection.execute(f"{_WAITING} LIMIT %(limit)s", {"encoder": encoder, "limit": limit})
        return [(user_id, edit_id, wish) for user_id, edit_id, wish in await cursor.fetchall()]

    return await db.tried(work)


async def save_wish_embeddings(db: Database, encoder: str, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """(user_id, edit_id, raw float16 vector). Each user gets a new version, so that nobody keeps the old vector."""
    users = sorted({user_id for user_id, _, _ in rows})

    async def work(connection: Connection) -> None:
        await connection.execute("SELECT FROM users WHERE user_id = ANY(%s) ORDER BY user_id FOR UPDATE", [users])
        await connection.execute(
            "UPDATE users SET last_seq = last_seq + 1, updated_at = now() WHERE user_id = ANY(%s)", [users]
        )
        await connection.execute(
            "UPDATE edits e SET embedding = v.embedding, embedded_by = %s"
            " FROM unnest(%s::text[], %s::text[], %s::bytea[]) AS v(user_id, edit_id, embedding)"
            " WHERE e.user_id = v.user_id AND e.edit_id = v.edit_id",
            [encoder, *([row[column] for row in rows] for column in range(3))],
        )

    await db.retried(work)
