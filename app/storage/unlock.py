"""Opens the vault of a database; where the database is still without users and there is a master key, begins it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import Locked
from app.privacy.encryption import MasterKeys
from app.storage.vault import Vault, fresh_lookup, no_key_refusal, open_vault, plain_refusal

if TYPE_CHECKING:
    from app.storage.engine import Connection

_FOUND = "SELECT lookup, complete FROM vault"
# A process that knows of no key may be writing the first user just now.
_BEGIN = """
INSERT INTO vault (lookup) SELECT %s WHERE NOT EXISTS (SELECT FROM users) ON CONFLICT DO NOTHING
"""


async def unlock(connection: Connection, master: MasterKeys | None) -> Vault | None:
    """None while there are no tables. Raises Locked where the database and the keys do not fit together."""
    (table,) = await (await connection.execute("SELECT to_regclass('vault')")).fetchone() or (None,)
    if table is None:
        return None
    row = await (await connection.execute(_FOUND)).fetchone()
    if row is None and master is None:
        return Vault()
    if row is None and master is not None:
        row = await _begun(connection, master)
    if row is None:
        raise plain_refusal()
    if master is None:
        raise no_key_refusal()
    if not row[1]:
        raise _halfway()
    return open_vault(master, row[0])


async def _begun(connection: Connection, master: MasterKeys) -> tuple[str, bool] | None:
    async with connection.transaction():
        await connection.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")
        await connection.execute(_BEGIN, [fresh_lookup(master)])
        row = await (await connection.execute(_FOUND)).fetchone()
    return (row[0], row[1]) if row else None


def _halfway() -> Locked:
    return Locked(
        "The users of this database are being encrypted, or that broke off.",
        "Run `portrait encrypt` (again); it goes on where it stopped.",
    )
