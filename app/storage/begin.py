"""A user begins outside of ingest: behind the versions of one who was erased under this id."""

from __future__ import annotations

from collections.abc import Iterable

from app.privacy.pseudonyms import pseudonym
from app.storage.engine import Connection
from app.storage.vault import Vault

_BEGIN = """
INSERT INTO users (user_id, sealed_key, sealed_id) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
ON CONFLICT DO NOTHING RETURNING user_id
"""
_BEGIN_ANEW = """
UPDATE users SET last_seq = e.last_seq, erased_at = e.erased_at FROM erasures e WHERE user_id = %s AND pseudonym = %s
"""


async def begin(connection: Connection, vault: Vault, secret: str, user_ids: Iterable[str]) -> list[str]:
    """Adds those who are not there, within a transaction; returns which those were."""
    names = {vault.name(user_id): user_id for user_id in user_ids}
    sealed = [(name, *vault.begin(name, names[name])) for name in sorted(names)]
    cursor = await connection.execute(_BEGIN, [list(column) for column in zip(*sealed, strict=True)])
    begun = [name for (name,) in await cursor.fetchall()]
    for name in begun:  # another statement than the one before, so that it sees what that had to wait for
        await connection.execute(_BEGIN_ANEW, [name, pseudonym(secret, names[name])])
    return [names[name] for name in begun]
