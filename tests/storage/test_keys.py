"""Keys in the database, and as a process sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.errors import AccessDenied, InvalidInput, NotFound, Unavailable
from app.services.keys import Keys
from app.services.manage_keys import create_key, list_keys, revoke_key
from app.storage.engine import Database
from app.storage.keys import has_key_in_force, load_digests

NOW = datetime.now(UTC)
THEN = NOW.timestamp()


async def test_a_key_is_found_by_its_text_and_nothing_near_it(db: Database) -> None:
    keys = Keys()
    key, text = await create_key(db, NOW, "shop", ["recommendations:read", "behaviors:write"])
    await keys.step(db)
    assert key.scopes == ("behaviors:write", "recommendations:read")
    assert keys.find(text.encode(), THEN) == key
    _, key_id, secret = text.split("_")
    assert key_id == key.key_id
    assert len(secret) == 64
    for wrong in (
        "",
        "pk",
        "pk_",
        f"pk_{key_id}",
        f"pk_{key_id}_",
        secret,
        text[:-1],
        text + "0",
        f"PK_{key_id}_{secret}",
    ):
        with pytest.raises(AccessDenied):
            keys.find(wrong.encode(), THEN)


async def test_no_secret_is_stored(db: Database) -> None:
    _, text = await create_key(db, NOW, "shop", ["admin"])
    secret = text.split("_")[2]
    async with db.connection() as connection:
        (row,) = await (await connection.execute("SELECT api_keys::text FROM api_keys")).fetchall()
    assert secret not in row[0]
    assert secret.encode().hex() not in row[0]


async def test_revoked_and_expired_keys_are_refused_and_the_door_stays_closed(db: Database) -> None:
    keys = Keys()
    key, revoked = await create_key(db, NOW, "revoked", ["admin"])
    _, expiring = await create_key(db, NOW, "expiring", ["admin"], NOW + timedelta(hours=1))
    assert await has_key_in_force(db)
    first = await revoke_key(db, key.key_id)
    assert (await revoke_key(db, key.key_id)).revoked_at == first.revoked_at
    await keys.step(db)
    with pytest.raises(AccessDenied, match="revoked"):
        keys.find(revoked.encode(), THEN)
    assert keys.find(expiring.encode(), THEN + 59 * 60).name == "expiring"
    with pytest.raises(AccessDenied, match="expired"):
        keys.find(expiring.encode(), THEN + 3600)
    assert keys.required
    with pytest.raises(NotFound):
        await revoke_key(db, "none")
    with pytest.raises(InvalidInput):
        await create_key(db, NOW, "late", ["admin"], NOW)


async def test_the_door_is_open_while_there_is_no_key_and_closed_while_nobody_knows(db: Database) -> None:
    keys = Keys()
    assert keys.required
    assert isinstance(keys.missing(), Unavailable)
    with pytest.raises(Unavailable):
        keys.find(b"pk_a_b", THEN)
    await keys.step(db)
    assert not keys.required
    assert not await has_key_in_force(db)
    assert Keys(closed=True).required
    fixed = Keys(["of the settings"])
    assert fixed.find(b"of the settings", THEN).scopes == ("admin",)
    assert isinstance(fixed.missing(), AccessDenied)


async def test_while_the_database_is_away_the_keys_last_seen_go_on(db: Database) -> None:
    keys = Keys()
    key, text = await create_key(db, NOW, "shop", ["admin"])
    await keys.step(db)
    away = await Database.open("postgresql://nobody@127.0.0.1:1/none")
    try:
        with pytest.raises(Unavailable):
            await keys.step(away)
    finally:
        await away.close()
    assert keys.find(text.encode(), THEN).key_id == key.key_id


async def test_the_hour_of_the_last_use_is_noted_once(db: Database) -> None:
    keys = Keys()
    _, text = await create_key(db, NOW, "used", ["admin"])
    await create_key(db, NOW, "unused", ["admin"])
    await keys.step(db)
    keys.find(text.encode(), THEN)
    await keys.step(db)
    used = {key.name: key.last_used_at for key, _ in await load_digests(db)}
    assert used["unused"] is None
    assert used["used"] is not None
    assert (used["used"].minute, used["used"].second) == (0, 0)
    assert abs(datetime.now(UTC) - used["used"]) <= timedelta(hours=1)
    assert [key.name for key in await list_keys(db, None, 10) if key.last_used_at] == ["used"]
