"""Keys are made, listed and revoked."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from hashlib import sha256

from app.domain.access import SCOPES, Key
from app.domain.errors import Fault, InvalidInput
from app.services.keys import PREFIX
from app.storage import keys
from app.storage.engine import Database

_SECRET_BYTES = 32


async def create_key(
    db: Database,
    now: datetime,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None = None,
    rate_limit: int | None = None,
) -> tuple[Key, str]:
    """The key, and its text, which nobody can read again. Raises InvalidInput for an end that has passed."""
    if expires_at is not None and expires_at <= now:
        raise _expired(now)
    key_id, secret = secrets.token_hex(6), secrets.token_hex(_SECRET_BYTES)
    held = tuple(scope for scope in SCOPES if scope in scopes)
    wanted = Key(key_id, name, held, rate_limit, expires_at=expires_at)
    stored = await keys.add_key(db, wanted, sha256(secret.encode()).digest())
    return stored, f"{PREFIX}_{key_id}_{secret}"


async def list_keys(db: Database, after: str | None, limit: int) -> list[Key]:
    """By id, behind `after`; revoked ones too."""
    return await keys.list_keys(db, after, limit)


async def revoke_key(db: Database, key_id: str) -> Key:
    """Every worker refuses it within about a second. Raises NotFound `key_unknown`."""
    return await keys.revoke_key(db, key_id)


def _expired(now: datetime) -> InvalidInput:
    detail, hint = "The key would have expired already.", f"The clock of the server says {now:%Y-%m-%dT%H:%M:%SZ}."
    return InvalidInput(detail, hint, faults=(Fault("invalid_value", "/expires_at", detail, hint),))
