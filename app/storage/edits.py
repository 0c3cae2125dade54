"""What people changed in their profiles. Each edit and each withdrawal takes a place in the user's log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from app.domain.edit import Edit
from app.storage.begin import begin
from app.storage.engine import Connection, Database
from app.storage.seals import seal_of
from app.storage.vault import Seal

RULES, TEXT, WISH = "edits.rules", "edits.text", "edits.wish"

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
RETURNING last_seq, sealed_key
"""
_ADD = """
INSERT INTO edits (user_id, edit_id, seq, rules, text, wish, embedding, embedded_by, expires_at)
VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)
"""
_ROOM = """
UPDATE users SET last_seq = last_seq + %(n)s, updated_at = now()
WHERE user_id = %(user_id)s AND merged_into IS NULL AND erase_job IS NULL RETURNING last_seq, erased_at, sealed_key
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
    f"(SELECT * FROM edits WHERE wish <> '' AND embedded_by {other} LIMIT %(limit)s)"
    for other in ("IS NULL", "< %(encoder)s", "> %(encoder)s")
)


def edits_in(seal: Seal, told: str | None) -> tuple[Edit, ...]:
    """What `AS_JSON` gave, by seq."""
    if not told:
        return ()
    return _decode(told) if seal.sealer is None else tuple(_opened(seal, one) for one in json.loads(told))


def _opened(seal: Seal, told: dict[str, Any]) -> Edit:
    plain = {
        "rules": seal.read_tree(RULES, told["rules"]),
        "text": seal.read(TEXT, told["text"]),
        "wish": seal.read(WISH, told["wish"]),
    }
    return msgspec.convert(told | plain, Edit)


async def load_edits(db: Database, user_id: str) -> tuple[Edit, ...]:
    """All that the user ever had, by seq: also those that are over or were withdrawn."""

    vault = await db.vault()
    name = vault.name(user_id)

    async def work(connection: Connection) -> tuple[Edit, ...]:
        cursor = await connection.execute("SELECT " + AS_JSON.format("e.user_id = %s"), [name])
        (told,) = await cursor.fetchone() or (None,)
        seal = await seal_of(connection, vault, name) if told else None
        return edits_in(seal, told) if seal else ()

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
    vault = await db.vault()
    name = vault.name(user_id)
    async with db.connection() as connection, connection.transaction():
        if version is None and not await begin(connection, vault, secret, [user_id]):
            return False
        found = await (await connection.execute(_GO_ON, {"user_id": name, "n": n, "version": version})).fetchone()
        if found is None:
            return False
        first, seal = int(found[0]) - n + 1, vault.seal(name, found[1])
        for seq, edit in enumerate(added, first):
            await connection.execute(_ADD, _row(seal, seq, edit, encoder))
        for seq, edit_id in enumerate(withdrawn, first + len(added)):
            await connection.execute(_REVERT, [seq, name, edit_id])
    return True


def _row(seal: Seal, seq: int, edit: Edit, encoder: str) -> list[object]:
    embedded_by = encoder if edit.embedding is not None else None
    return [*_said(seal, seq, edit), edit.embedding, embedded_by, edit.expires_at]


def _said(seal: Seal, seq: int, edit: Edit) -> list[object]:
    rules = _encode(seal.tree(RULES, msgspec.to_builtins(edit.rules))).decode()
    return [seal.name, edit.edit_id, seq, rules, seal.words(TEXT, edit.text), seal.words(WISH, edit.wish)]


async def restore_edits(db: Database, user_id: str, edits: Sequence[Edit]) -> int:
    """Edits as they were elsewhere, by seq, at new places; returns how many are new here.

    What is older than an erasure of the user stays away. Their wishes wait for the encoder.
    """
    vault = await db.vault()
    name = vault.name(user_id)

    async def work(connection: Connection) -> int:
        cursor = await connection.execute(_ROOM, {"user_id": name, "n": 2 * len(edits)})
        room = await cursor.fetchone()
        if room is None:
            return 0
        first, erased_at, seal = int(room[0]) - 2 * len(edits) + 1, room[1], vault.seal(name, room[2])
        kept = [edit for edit in edits if erased_at is None or edit.created_at > erased_at]
        places = range(first, first + len(kept))
        return sum(
            [await _restored(connection, seal, seq, len(edits), edit) for seq, edit in zip(places, kept, strict=True)]
        )

    return await db.retried(work)


async def _restored(connection: Connection, seal: Seal, seq: int, n: int, edit: Edit) -> int:
    """Withdrawals come behind all `n` edits."""
    times = [edit.created_at, edit.expires_at, edit.reverted_at]
    row = [*_said(seal, seq, edit), *times, None if edit.reverted_at is None else seq + n]
    return (await connection.execute(_RESTORE, row)).rowcount


async def wishes_to_embed(db: Database, encoder: str, limit: int) -> list[tuple[str, str, str]]:
    """(user_id as stored, edit_id, wish) without a vector, or with one of another encoder."""
    vault = await db.vault()
    wanted = {"encoder": encoder, "limit": limit}

    async def work(connection: Connection) -> list[tuple[str, str, str]]:
        cursor = await connection.execute(
            f"SELECT user_id, edit_id, wish, sealed_key FROM ({_WAITING} LIMIT %(limit)s) AS waiting"
            " JOIN users USING (user_id)",
            wanted,
        )
        return [
            (name, edit_id, vault.seal(name, sealed_key).read(WISH, wish) or "")
            for name, edit_id, wish, sealed_key in await cursor.fetchall()
        ]

    return await db.tried(work)


async def save_wish_embeddings(db: Database, encoder: str, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """(user_id as stored, edit_id, raw float16 vector). Each user gets a new version: nobody keeps the old vector."""
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
