"""Summaries in a language model's words, and the list of users of whom one is wanted.

The list is bounded: whoever asks last pushes out who asked first. A text that was refused is tried again later and
later, and no more after `MAX_TRIES`, until the profile says something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.types.json import Jsonb

from app.storage.engine import Connection, Database
from app.storage.seals import seal_of
from app.storage.vault import SealedUser

_TEXT, _FACTS = "narrations.text", "narrations_wanted.facts"

MOST_WANTED = 1_000
MAX_TRIES = 3
# The next try after a minute, then after ten.
REST_S = 60.0
REST_GROWS = 10.0

_WANT = """
INSERT INTO narrations_wanted AS w (user_id, profile_hash, facts)
SELECT user_id, %s, %s FROM users WHERE user_id = %s AND consent
ON CONFLICT (user_id) DO UPDATE SET profile_hash = excluded.profile_hash, facts = excluded.facts,
    wanted_at = now(), try_at = now(), n_tries = 0, refused = NULL
WHERE w.profile_hash <> excluded.profile_hash
"""
_BOUND = """
DELETE FROM narrations_wanted WHERE user_id IN (
    SELECT user_id FROM narrations_wanted ORDER BY wanted_at DESC, user_id OFFSET %s FOR UPDATE SKIP LOCKED
)
"""
_TAKE = """
UPDATE narrations_wanted AS w SET n_tries = n_tries + 1, try_at = now() + make_interval(secs => %s * %s ^ n_tries)
WHERE user_id = (
    SELECT user_id FROM narrations_wanted WHERE try_at <= now() AND n_tries < %s
    ORDER BY wanted_at DESC, user_id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING user_id, profile_hash, facts,
    (SELECT sealed_key FROM users u WHERE u.user_id = w.user_id),
    (SELECT sealed_id FROM users u WHERE u.user_id = w.user_id)
"""
_SAVE = """
INSERT INTO narrations AS n (user_id, profile_hash, generated_by, text)
SELECT user_id, %s, %s, %s FROM users WHERE user_id = %s AND consent
ON CONFLICT (user_id) DO UPDATE SET profile_hash = excluded.profile_hash, generated_by = excluded.generated_by,
    text = excluded.text, created_at = now()
"""


class Narration(NamedTuple):
    """What is kept of a user: a text and whose and of what it is, and of what one is wanted; "" where nothing is."""

    profile_hash: str
    generated_by: str
    text: str
    wanted_hash: str


class Wanted(NamedTuple):
    """`facts` are pairs of a claim and the name in it, None for a claim without one."""

    user_id: str
    profile_hash: str
    facts: list[tuple[str, str | None]]


async def load_narration(db: Database, user_id: str) -> Narration:
    vault = await db.vault()
    name = vault.name(user_id)

    async def work(connection: Connection) -> Narration:
        cursor = await connection.execute(
            "SELECT coalesce(n.profile_hash, ''), coalesce(n.generated_by, ''), coalesce(n.text, ''),"
            " coalesce(w.profile_hash, '') FROM narrations n FULL JOIN narrations_wanted w USING (user_id)"
            " WHERE user_id = %s",
            [name],
        )
        found = Narration._make(await cursor.fetchone() or ("", "", "", ""))
        seal = await seal_of(connection, vault, name)
        return found._replace(text=seal.read(_TEXT, found.text) or "") if seal else found

    return await db.tried(work)


async def want_narration(db: Database, wanted: Wanted) -> None:
    """Puts a user in front of the list, unless the same is wanted already or the user does not consent."""
    vault = await db.vault()
    name = vault.name(wanted.user_id)

    async def work(connection: Connection) -> None:
        if seal := await seal_of(connection, vault, name):
            facts = Jsonb(seal.tree(_FACTS, wanted.facts))
            await connection.execute(_WANT, [wanted.profile_hash, facts, name])
            await connection.execute(_BOUND, [MOST_WANTED])

    await db.retried(work)


async def take_wanted(db: Database) -> Wanted | None:
    """Who asked last, of those whose turn it is. Taking is a try: who dies over it is not asked again at once."""
    vault = await db.vault()

    async def work(connection: Connection) -> Wanted | None:
        row = await (await connection.execute(_TAKE, [REST_S, REST_GROWS, MAX_TRIES])).fetchone()
        if row is None:
            return None
        name, profile_hash, facts, *sealed = row
        facts = vault.seal(name, sealed[0]).read_tree(_FACTS, facts)
        return Wanted(vault.user_id(name, SealedUser(*sealed)), profile_hash, [(text, what) for text, what in facts])

    return await db.tried(work)


async def put_back(db: Database, wanted: Wanted) -> None:
    """It was no try after all: nobody was there to write."""
    await _change(db, wanted, "n_tries = greatest(n_tries - 1, 0), try_at = now()", [])


async def refuse_narration(db: Database, wanted: Wanted, reason: str) -> None:
    await _change(db, wanted, "refused = %s", [reason])


async def save_narration(db: Database, wanted: Wanted, generated_by: str, text: str) -> None:
    """Kept for who still consents; a wish for something newer stays on the list."""
    vault = await db.vault()
    name = vault.name(wanted.user_id)

    async def work(connection: Connection) -> None:
        if seal := await seal_of(connection, vault, name):
            await connection.execute(_SAVE, [wanted.profile_hash, generated_by, seal.words(_TEXT, text), name])
        await connection.execute(
            "DELETE FROM narrations_wanted WHERE user_id = %s AND profile_hash = %s", [name, wanted.profile_hash]
        )

    await db.retried(work)


async def _change(db: Database, wanted: Wanted, what: str, values: Sequence[object]) -> None:
    vault = await db.vault()

    async def work(connection: Connection) -> None:
        await connection.execute(
            f"UPDATE narrations_wanted SET {what} WHERE user_id = %s AND profile_hash = %s",
            [*values, vault.name(wanted.user_id), wanted.profile_hash],
        )

    await db.tried(work)
