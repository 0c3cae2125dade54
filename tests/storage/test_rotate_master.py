"""Another master key, while behaviours are posted and profiles read."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from app.domain.errors import Locked
from app.privacy.encryption import MasterKeys
from app.services.context import Context
from app.services.manage_users import get_user, list_behaviors, put_user
from app.services.read_profile import read_profile
from app.services.rotate_master import rotate_master
from app.storage import rotate
from app.storage.engine import Database
from tests.people import post, view
from tests.vault import KEY, MASTER, OTHER_KEY, opened

BOTH = MasterKeys(OTHER_KEY, KEY)
USERS = [f"user {n}" for n in range(12)]


@pytest.fixture
def master() -> MasterKeys:
    return MASTER


def search(user: str, name: str) -> dict[str, object]:
    return {"user_id": user, "type": "search", "text": f"words {name}", "behavior_id": name}


async def test_nothing_is_lost_and_the_old_key_opens_nothing(
    context: Context, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate, "AT_ONCE", 2)  # many batches
    await post(context, *(search(user, f"{user} before") for user in USERS))
    await put_user(context, USERS[0], {"city": "zanzibar"})
    whole, context.db = context.db, await opened(database_url, OTHER_KEY, KEY)
    ended, posted = asyncio.Event(), {user: [f"{user} before"] for user in USERS}

    async def write(number: int) -> None:
        step = 0
        while not ended.is_set() or step < 3:
            for user in (*USERS[number::3], f"new {number} {step}"):
                receipt = await post(context, search(user, f"{user} {step}"))
                assert receipt.accepted == 1
                posted.setdefault(user, []).append(f"{user} {step}")
            step += 1

    async def read() -> None:
        while not ended.is_set():
            for user in USERS:
                assert (await read_profile(context, user)).counts["search"] >= 1

    working = [asyncio.create_task(write(number)) for number in range(3)] + [asyncio.create_task(read())]
    await asyncio.sleep(0.2)
    n = await rotate_master(context.db, BOTH, lambda _: None)
    ended.set()
    await asyncio.gather(*working)
    assert n == len(USERS)
    assert await rotate_master(context.db, BOTH, lambda _: None) == 0
    await context.db.close()
    context.db = await opened(database_url, OTHER_KEY)
    for user, names in posted.items():
        logged = await list_behaviors(context, user, None, 1_000)
        assert sorted(one.text or "" for _, one in logged) == sorted(f"words {name}" for name in names)
    assert (await get_user(context, USERS[0])).attributes == {"city": "zanzibar"}
    await context.db.close()
    context.db = await opened(database_url, KEY)
    with pytest.raises(Locked):
        await get_user(context, USERS[0])
    await context.db.close()
    context.db = whole


async def test_pseudonyms_stay(context: Context, database_url: str) -> None:
    await post(context, view("ann", "a1"))
    before = (await context.db.vault()).name("ann")
    both = await opened(database_url, OTHER_KEY, KEY)
    await rotate_master(both, BOTH, lambda _: None)
    await both.close()
    after = await opened(database_url, OTHER_KEY)
    assert (await after.vault()).name("ann") == before
    await after.close()


async def test_a_rotation_that_broke_off_goes_on(context: Context, database_url: str) -> None:
    await post(context, *(view(user, "b1") for user in USERS))
    both = await opened(database_url, OTHER_KEY, KEY)
    await rotate.rewrap_lookup(both, BOTH)
    with psycopg.connect(database_url) as connection:
        n_keys = connection.execute("SELECT count(DISTINCT left(sealed_key, 5)) FROM users").fetchone()
    assert n_keys == (1,)  # none yet
    assert (await get_user(context, USERS[0])).user_id == USERS[0]
    assert await rotate_master(both, BOTH, lambda _: None) == len(USERS)
    await both.close()


async def test_a_database_in_plain_text_has_no_keys_to_change(database_url: str) -> None:
    plain = await Database.open(database_url, 1)
    with pytest.raises(Locked, match="not encrypted"):
        await rotate_master(plain, BOTH, lambda _: None)
    await plain.close()
