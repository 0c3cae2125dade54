"""API keys. A secret is never stored, only its SHA-256; a revoked key keeps its row."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, insert, select, update

from app.domain.access import Key
from app.domain.errors import NotFound
from app.storage.engine import Database
from app.storage.tables import api_keys

_COLUMNS = (
    api_keys.c.key_id,
    api_keys.c.name,
    api_keys.c.scopes,
    api_keys.c.rate_limit,
    api_keys.c.created_at,
    api_keys.c.expires_at,
    api_keys.c.revoked_at,
    api_keys.c.last_used_at,
)


async def add_key(db: Database, key: Key, digest: bytes) -> Key:
    """Returns it as it is stored."""
    row = {
        "key_id": key.key_id,
        "digest": digest,
        "name": key.name,
        "scopes": list(key.scopes),
        "rate_limit": key.rate_limit,
        "expires_at": key.expires_at,
    }
    async with db.core() as connection:
        return _key((await connection.execute(insert(api_keys).values(row).returning(*_COLUMNS))).one())


async def list_keys(db: Database, after: str | None, limit: int) -> list[Key]:
    """By id, behind `after`; revoked ones too."""
    statement = select(*_COLUMNS).where(api_keys.c.key_id > (after or "")).order_by(api_keys.c.key_id).limit(limit)
    async with db.core() as connection:
        return [_key(row) for row in await connection.execute(statement)]


async def load_digests(db: Database) -> list[tuple[Key, bytes]]:
    """Every key with the SHA-256 of its secret, revoked ones too."""
    async with db.core() as connection:
        found = await connection.execute(select(*_COLUMNS, api_keys.c.digest))
        return [(_key(row[:-1]), bytes(row[-1])) for row in found]


async def has_key_in_force(db: Database) -> bool:
    """Whether somebody could come in."""
    lasts = api_keys.c.expires_at.is_(None) | (api_keys.c.expires_at > func.now())
    statement = select(api_keys.c.key_id).where(api_keys.c.revoked_at.is_(None), lasts).limit(1)
    async with db.core() as connection:
        return (await connection.execute(statement)).first() is not None


async def revoke_key(db: Database, key_id: str) -> Key:
    """The first time counts. Raises NotFound `key_unknown`."""
    revoked_at = func.coalesce(api_keys.c.revoked_at, func.now())
    statement = update(api_keys).where(api_keys.c.key_id == key_id).values(revoked_at=revoked_at)
    async with db.core() as connection:
        found = (await connection.execute(statement.returning(*_COLUMNS))).one_or_none()
    if found is None:
        raise NotFound("No key has this id.", "GET /keys lists all of them.", code="key_unknown")
    return _key(found)


async def touch_keys(db: Database, key_ids: Collection[str]) -> None:
    """Notes the hour of their use, once an hour."""
    hour = func.date_trunc("hour", func.now())
    stale = api_keys.c.last_used_at.is_(None) | (api_keys.c.last_used_at < hour)
    statement = update(api_keys).where(api_keys.c.key_id.in_(key_ids), stale).values(last_used_at=hour)
    async with db.core() as connection:
        await connection.execute(statement)


def _key(row: Any) -> Key:
    key_id, name, scopes, *others = row
    return Key(key_id, name, tuple(scopes), *others)
