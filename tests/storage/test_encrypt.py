"""`portrait encrypt`: a database in plain text becomes an encrypted one, with all that was in it."""

from __future__ import annotations

import pytest

from app.domain.errors import Conflict, Locked
from app.domain.profile import Profile
from app.privacy.encryption import MasterKeys
from app.services.context import Context
from app.services.decide import decide
from app.services.decisions import read_decision
from app.services.export_user import export_user
from app.services.manage_users import get_user
from app.services.merge_users import merge_users
from app.services.read_profile import read_profile
from app.services.user_state import forget_states
from app.services.verify import verify_users
from app.storage import encrypt as encrypting
from app.storage.encrypt import encrypt
from tests.lives import SECRETS, SOMEBODY, VISITOR, live
from tests.people import post, view
from tests.vault import KEY, MASTER, OTHER_KEY, everything, opened


async def plain_life(context: Context) -> tuple[Profile, list[str]]:
    """A profile and an export of a database that holds two users in plain text."""
    await live(context)
    await live(context, VISITOR)
    await merge_users(context, SOMEBODY, "another@example.org")
    for user_id in (SOMEBODY, "nobody yet", None):
        await decide(context, user_id, {"statement": "xylophone quartet"})
    await context.decisions.drain()
    lines = b"".join([line async for line in await export_user(context, SOMEBODY)]).decode().splitlines()
    return await read_profile(context, SOMEBODY), lines[1:]


@pytest.mark.parametrize("master", [None], indirect=True)
async def test_a_database_in_plain_text_is_encrypted_as_a_whole(context: Context, database_url: str) -> None:
    profile, lines = await plain_life(context)
    with pytest.raises(Conflict, match="service runs"):
        await encrypt(database_url, MASTER, print)
    await context.db.close()
    assert await encrypt(database_url, MASTER, print) == 3
    with pytest.raises(Conflict, match="already"):
        await encrypt(database_url, MASTER, print)
    forget_states()
    context.db = await opened(database_url, KEY)
    try:
        told = everything(database_url)
        assert [secret for secret in (*SECRETS, "nobody yet", "another@") if secret in told] == []
        assert await read_profile(context, SOMEBODY) == profile
        after = b"".join([line async for line in await export_user(context, SOMEBODY)]).decode().splitlines()
        assert after[1:] == lines
        assert (await get_user(context, "another@example.org")).user_id == SOMEBODY
        assert [one.what for one in await verify_users(context) if one.n_wrong] == []
        async with context.db.connection() as connection:
            keys = await (await connection.execute("SELECT recommendation_id FROM recommendations")).fetchall()
        found = [await read_decision(context.decisions, context.db, key) for (key,) in keys]
        assert {one.user_id for one in found} == {SOMEBODY, "nobody yet", None}
    finally:
        await context.db.close()


@pytest.mark.parametrize("master", [None], indirect=True)
async def test_an_encryption_that_broke_off_keeps_the_door_shut_and_goes_on(
    context: Context, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encrypting, "_AT_ONCE", 2)
    await post(context, *(view(f"user {n}", "b1") for n in range(5)))
    await context.db.close()

    class Stop(Exception): ...

    def stop(n: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        await encrypt(database_url, MASTER, stop)
    for keys in ((KEY,), ()):
        context.db = await opened(database_url, *keys)
        with pytest.raises(Locked):
            await get_user(context, "user 1")
        await context.db.close()
    with pytest.raises(Locked):
        await encrypt(database_url, MasterKeys(OTHER_KEY), print)
    await encrypt(database_url, MASTER, print)
    context.db = await opened(database_url, KEY)
    assert [(await get_user(context, f"user {n}")).user_id for n in range(5)] == [f"user {n}" for n in range(5)]
    await context.db.close()
