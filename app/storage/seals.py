"""The seal of a user who is there."""

from __future__ import annotations

from app.storage.engine import Connection
from app.storage.vault import Seal, Vault

_KEY = "SELECT sealed_key FROM users WHERE user_id = %s"


async def seal_of(connection: Connection, vault: Vault, name: str) -> Seal | None:
    """By the stored id; None where there is no such user. Asks nothing where the database is not encrypted."""
    if not vault.seals:
        return Seal(name)
    row = await (await connection.execute(_KEY, [name])).fetchone()
    return vault.seal(name, row[0]) if row else None
