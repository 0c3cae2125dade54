"""A user begins outside of ingest: behind the versions of one who was erased under this id."""

from __future__ import annotations

from collections.abc import Iterable

from app.privacy.pseudonyms import pseudonym
from app.storage.engine import Connection

_BEGIN = "INSERT INTO users (user_id) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING RETURNING user_id"
_BEGIN_ANEW = """
UPDATE users SET last_seq = e.last_seq, erased_at = e.erased_at FROM erasures e WHERE user_id = %s AND pseudonym = %s
"""


async def begin(connection: Connection, secret: str, user_ids: Iterable[str]) -> list[str]:
    """Adds those who are not there, within a transaction; returns which those were."""
    cursor = await connection.execute(_BEGIN, [sorted(user_ids)])
    begun = [user_id for (user_id,) in await cursor.fetchall()]
    for user_id in begun:  # another statement than the one before, so that it sees what that had to wait for
        await connection.execute(_BEGIN_ANEW, [user_id, pseudonym(secret, user_id)])
    return begun
