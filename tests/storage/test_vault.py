"""An encrypted database: nothing of a user can be read in it, everything comes back, and no other key opens it."""

from __future__ import annotations

import asyncio
import json

import psycopg
import pytest

from app.domain.errors import Locked
from app.privacy.encryption import MasterKeys
from app.services.context import Context
from app.services.decide import decide
from app.services.decisions import read_decision
from app.services.embed_texts import embed_texts
from app.services.export_user import export_user
from app.services.forget import Forgetter
from app.services.health import check_health
from app.services.manage_users import find_users, get_user, list_behaviors, list_users, patch_user, put_user
from app.services.merge_users import merge_users
from app.services.quarantine import redrive
from app.services.read_profile import read_profile
from app.services.user_state import LONGEST_TAIL, forget_states, user_state
from app.services.verify import verify_users
from app.storage.narrations import Wanted, load_narration, take_wanted
from app.storage.quarantine import list_quarantined
from tests.lives import SECRETS, SOMEBODY, VISITOR, live
from tests.people import erase, post, view
from tests.vault import KEY, MASTER, OTHER_KEY, everything, found_in, opened


@pytest.fixture
def master(request: pytest.FixtureRequest) -> MasterKeys | None:
    return getattr(request, "param", MASTER)


async def found_of_two_users(ctx: Context, url: str) -> tuple[str, set[str]]:
    """All that is stored, and which of their words are in it."""
    await live(ctx)
    await live(ctx, VISITOR)
    await decide(ctx, SOMEBODY, {"statement": "xylophone quartet"})
    await ctx.decisions.drain()
    told = everything(url)
    return told, found_in(told, SECRETS)


@pytest.mark.parametrize("master", [None], indirect=True)
async def test_in_plain_text_the_sweep_finds_all_of_it(context: Context, database_url: str) -> None:
    _, found = await found_of_two_users(context, database_url)
    assert found == set(SECRETS)


async def test_nothing_of_a_user_can_be_read_in_the_database(context: Context, database_url: str) -> None:
    told, found = await found_of_two_users(context, database_url)
    for table in ("users", "behaviors", "edits", "checkpoints", "narrations", "narrations_wanted"):
        assert f"\n{table} (p-" in f"\n{told}", table
    assert found == set()


async def test_verify_opens_what_it_compares(context: Context) -> None:
    await live(context)
    found = {one.what: (one.n_looked_at, one.n_wrong) for one in await verify_users(context)}
    assert found["checkpoints and a fresh fold"] == (1, 0)
    assert found["counters and log"] == (1, 0)


async def test_what_is_set_apart_is_found_under_the_stored_id(context: Context) -> None:
    await post(context, view(SOMEBODY, "b1"), view(SOMEBODY, "b2"))
    async with context.db.connection() as connection:
        await connection.execute("UPDATE behaviors SET value = 'NaN' WHERE behavior_id = 'b1'")
    await user_state(context, SOMEBODY)
    await context.quarantine.drain()
    (apart,) = await list_quarantined(context.db, ("", ""), 9)
    assert apart.behavior_id == "b1"
    async with context.db.connection() as connection:
        await connection.execute("UPDATE behaviors SET value = NULL WHERE behavior_id = 'b1'")
    assert await redrive(context) == (1, 0)
    assert (await read_profile(context, SOMEBODY)).counts == {"view": 2}


async def test_everything_comes_back(context: Context) -> None:
    await live(context)
    user = await get_user(context, SOMEBODY)
    assert (user.user_id, user.attributes) == (SOMEBODY, {"address": "zanzibar street"})
    assert [one.user_id for one in await list_users(context, None, 9)] == [SOMEBODY]
    assert [one.user_id for one in await find_users(context, SOMEBODY, 9)] == [SOMEBODY]
    logged = [behavior for _, behavior in await list_behaviors(context, SOMEBODY, None, 99)]
    assert {one.user_id for one in logged} == {SOMEBODY}
    assert [one.text for one in logged if one.type == "search"] == ["xylophone quartet"]
    assert {(one.session_id, json.dumps(one.context)) for one in logged if one.type == "view"} == {
        ("quokka-1", '{"note": "quokka"}')
    }
    forget_states()
    profile = await read_profile(context, SOMEBODY)
    assert (profile.user_id, profile.counts["view"]) == (SOMEBODY, LONGEST_TAIL + 1)
    assert [one.text for one in profile.edits] == ["more xylophone quartet, less quokka"]
    assert (await load_narration(context.db, SOMEBODY)).text == "narrated words"
    wanted = await take_wanted(context.db)
    assert wanted == Wanted(SOMEBODY, "next", [("narrated words", None)])


async def test_a_decision_is_told_of_users_visitors_and_those_who_were_merged(context: Context) -> None:
    await post(context, view(VISITOR, "v1"))
    slates = [await decide(context, user_id, {"statement": "quokka"}) for user_id in (VISITOR, "nobody yet")]
    told = [await read_decision(context.decisions, context.db, slate.recommendation_id) for slate in slates]
    assert [(one.user_id, one.wish.statement) for one in told] == [(VISITOR, "quokka"), ("nobody yet", "quokka")]
    await merge_users(context, SOMEBODY, VISITOR)
    assert (await read_decision(context.decisions, context.db, slates[0].recommendation_id)).user_id == SOMEBODY


async def test_what_is_merged_opens_with_the_key_of_the_user(context: Context) -> None:
    await live(context, VISITOR)
    await post(context, view(SOMEBODY, "own"))
    await patch_user(context, SOMEBODY, {"own": "quokka"})
    await merge_users(context, SOMEBODY, VISITOR)
    user = await get_user(context, VISITOR)
    assert (user.user_id, user.attributes) == (SOMEBODY, {"address": "zanzibar street", "own": "quokka"})
    logged = [behavior for _, behavior in await list_behaviors(context, SOMEBODY, None, 99)]
    assert [one.text for one in logged if one.text] == ["xylophone quartet"]
    assert (await read_profile(context, VISITOR)).edits[0].text == "more xylophone quartet, less quokka"
    lines = b"".join([line async for line in await export_user(context, SOMEBODY)]).decode()
    assert VISITOR in lines
    assert "xylophone quartet" in lines


async def test_texts_get_their_vectors(context: Context) -> None:
    await post(context, {"user_id": SOMEBODY, "type": "search", "text": "xylophone quartet", "behavior_id": "s"})
    async with context.db.connection() as connection:
        await connection.execute("UPDATE behaviors SET embedding = NULL, embedded_by = NULL")
    assert await embed_texts(context) == 1
    async with context.db.connection() as connection:
        ((vector,),) = await (await connection.execute("SELECT embedding FROM behaviors")).fetchall()
    assert vector == (await context.encoder.encode_raw(["xylophone quartet"]))[0]


async def test_with_a_user_goes_their_key(context: Context, database_url: str) -> None:
    await live(context)
    await post(context, view("bob", "b1"))
    async with context.db.connection() as connection:
        keys = dict(await (await connection.execute("SELECT user_id, sealed_key FROM users")).fetchall())
    name = (await context.db.vault()).name(SOMEBODY)
    await erase(context, SOMEBODY)
    told = everything(database_url)
    assert name not in told
    assert keys[name] not in told
    assert keys[(await context.db.vault()).name("bob")] in told
    await post(context, {"user_id": SOMEBODY, "type": "search", "text": "anew", "behavior_id": "s2"})
    assert [one.text for _, one in await list_behaviors(context, SOMEBODY, None, 9)] == ["anew"]


async def test_unwrapped_keys_are_dropped_from_memory_when_somebody_was_erased(context: Context) -> None:
    vault, forgetter = await context.db.vault(), Forgetter(context)
    await forgetter.step()
    await live(context)
    await erase(context, SOMEBODY)  # by this process
    assert vault.forget() == 0
    await post(context, view("bob", "b1"))  # as if another one had erased
    await forgetter.step()
    assert vault.forget() == 0
    await post(context, view("bob", "b2"))
    assert vault.forget() > 0


async def test_who_begins_in_two_posts_at_once_has_one_key(context: Context) -> None:
    searches = [{"user_id": SOMEBODY, "type": "search", "text": f"words {n}", "behavior_id": f"s{n}"} for n in range(9)]
    receipts = await asyncio.gather(*(post(context, one) for one in searches))
    assert [receipt.accepted for receipt in receipts] == [1] * 9
    logged = await list_behaviors(context, SOMEBODY, None, 99)
    assert {one.text for _, one in logged} == {f"words {n}" for n in range(9)}


@pytest.mark.parametrize(("keys", "detail"), [((OTHER_KEY,), "another master key"), ((), "no master key")])
async def test_without_the_key_nothing_is_read_or_written(
    context: Context, database_url: str, keys: tuple[bytes, ...], detail: str
) -> None:
    await live(context)
    before = everything(database_url)
    whole, context.db = context.db, await opened(database_url, *keys)
    for attempt in (get_user(context, SOMEBODY), list_users(context, None, 9), put_user(context, "new", {"a": 1})):
        with pytest.raises(Locked, match=detail):
            await attempt
    with pytest.raises(Locked, match=detail):
        await post(context, view("new", "n1"))
    health = await check_health(context, {})
    assert not health.ready
    assert detail in (health.parts["database"].reason or "")
    await context.db.close()
    context.db = whole
    assert everything(database_url) == before


async def test_a_process_without_the_key_that_came_first_adds_nobody(context: Context, database_url: str) -> None:
    async with context.db.connection() as connection:  # as before anybody had a key
        await connection.execute("DELETE FROM vault")
    whole, context.db = context.db, await opened(database_url)
    await context.db.vault()
    late = await opened(database_url, KEY)
    await late.vault()
    for attempt in (put_user(context, "new", {}), post(context, view("new", "n1"))):
        with pytest.raises(Locked):
            await attempt
    await late.close()
    await context.db.close()
    context.db = whole
    assert "\nusers (" not in everything(database_url)


async def test_what_was_changed_or_moved_in_the_database_does_not_open(context: Context) -> None:
    await post(context, view("ann", "a1"), view("bob", "b1"))
    await put_user(context, "ann", {"city": "zanzibar street"})
    vault = await context.db.vault()
    async with context.db.connection() as connection:
        await connection.execute(
            "UPDATE users b SET attributes = a.attributes FROM users a WHERE a.user_id = %s AND b.user_id = %s",
            [vault.name("ann"), vault.name("bob")],
        )
    with pytest.raises(Locked):
        await get_user(context, "bob")
    assert (await get_user(context, "ann")).attributes == {"city": "zanzibar street"}


async def test_a_database_in_plain_text_refuses_a_key(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO users (user_id) VALUES ('ann')")
    db = await opened(database_url, KEY)
    with pytest.raises(Locked, match="plain text") as refused:
        await db.vault()
    assert "portrait encrypt" in refused.value.hint
    await db.close()
