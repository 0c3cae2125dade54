"""From stored behaviours to the profile: checkpoints, moments and evidence on a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.behavior import Behavior
from app.domain.errors import NotFound
from app.domain.item import Item
from app.services.context import Context
from app.services.read_profile import read_profile
from app.services.user_state import LONGEST_TAIL, user_state
from app.storage.engine import Database
from app.storage.users import put_user
from tests.people import append

AT = datetime(2026, 1, 1, tzinfo=UTC)


def bought(n: int, item_id: str = "pizza", user: str = "u", type_: str = "purchase") -> Behavior:
    return Behavior(user, f"{type_}-{item_id}-{n}", type_, AT + timedelta(days=n), item_id=item_id)


async def store(db: Database, *behaviors: Behavior) -> None:
    await append(db, behaviors)


def with_items(ctx: Context) -> Context:
    for name in ("pizza", "cola", "fish"):
        ctx.world.catalogue.put(Item(name, name.title(), categories=(f"Food > {name}",)))
    return ctx


async def saved(db: Database) -> list[tuple[str, int]]:
    async with db.connection() as connection:
        cursor = await connection.execute("SELECT user_id, seq FROM checkpoints ORDER BY user_id")
        return [(user_id, seq) for user_id, seq in await cursor.fetchall()]


async def test_an_unknown_user_has_no_profile(context: Context) -> None:
    with pytest.raises(NotFound) as caught:
        await read_profile(context, "nobody")
    assert caught.value.code == "user_unknown"
    assert await user_state(context, "nobody") is None


async def test_the_next_read_knows_a_new_behaviour(context: Context) -> None:
    ctx = with_items(context)
    await store(ctx.db, bought(1))
    first = await read_profile(ctx, "u")
    assert [one.label for one in first.interests] == ["pizza"]
    await store(ctx.db, *[bought(n, "cola") for n in range(2, 5)])
    second = await read_profile(ctx, "u")
    assert second.version > first.version
    assert second.counts == {"purchase": 4}
    assert {one.label for one in second.interests} == {"pizza", "cola"}


async def test_a_long_tail_becomes_a_checkpoint_that_changes_no_answer(context: Context) -> None:
    ctx = context
    await store(ctx.db, *[bought(n) for n in range(LONGEST_TAIL)])
    await user_state(ctx, "u")
    await ctx.checkpoints.drain()
    assert await saved(ctx.db) == []
    await store(ctx.db, bought(LONGEST_TAIL))
    await user_state(ctx, "u")
    await ctx.checkpoints.drain()
    assert await saved(ctx.db) == [("u", LONGEST_TAIL + 1)]
    await store(ctx.db, bought(500, "cola"))
    with_checkpoint = await user_state(ctx, "u")
    whole = await user_state(ctx, "u", AT + timedelta(days=5000))
    assert with_checkpoint is not None
    assert whole is not None
    assert with_checkpoint.state == whole.state


async def test_a_checkpoint_that_cannot_be_read_is_passed_over(context: Context) -> None:
    ctx = context
    await store(ctx.db, *[bought(n) for n in range(LONGEST_TAIL + 1)])
    await user_state(ctx, "u")
    await ctx.checkpoints.drain()
    async with ctx.db.connection() as connection:
        await connection.execute("UPDATE checkpoints SET state = 'broken'")
    await store(ctx.db, bought(500, "cola"))
    read = await user_state(ctx, "u")
    assert read is not None
    assert read.state.counts == {"purchase": LONGEST_TAIL + 2}


async def test_a_checkpoint_that_cannot_be_saved_fails_no_read(context: Context) -> None:
    ctx = context
    async with ctx.db.connection() as connection:
        await connection.execute("ALTER TABLE checkpoints ADD CHECK (seq < 0)")
    await store(ctx.db, *[bought(n) for n in range(LONGEST_TAIL + 1)])
    read = await user_state(ctx, "u")
    await ctx.checkpoints.drain()
    assert read is not None
    assert read.state.counts == {"purchase": LONGEST_TAIL + 1}
    assert await saved(ctx.db) == []


async def test_a_profile_as_it_was_knows_nothing_of_later(context: Context) -> None:
    ctx = with_items(context)
    await store(ctx.db, bought(1), *[bought(n, "cola") for n in range(10, 20)])
    then = await read_profile(ctx, "u", AT + timedelta(days=5))
    assert (then.counts, then.version) == ({"purchase": 1}, 1)
    assert [one.label for one in then.interests] == ["pizza"]
    assert (await read_profile(ctx, "u", AT)).counts == {}


async def test_evidence_is_found_behind_two_hundred_newer_behaviours(context: Context) -> None:
    ctx = with_items(context)
    await store(ctx.db, bought(1, "fish", type_="dislike"), *[bought(n) for n in range(2, 300)])
    plain = await read_profile(ctx, "u")
    asked = await read_profile(ctx, "u", evidence=True)
    assert plain.avoids[0].evidence == ()
    assert plain.summary.evidence == ()
    assert [one.behavior_id for one in asked.avoids[0].evidence] == ["dislike-fish-1"]
    assert [one.behavior_id for one in asked.interests[0].evidence] == [f"purchase-pizza-{n}" for n in (299, 298, 297)]
    assert asked.summary.text == plain.summary.text
    assert asked.version == plain.version
    assert all(claim.evidence for claim in asked.summary.claims)


async def test_a_user_without_behaviours_is_new(context: Context) -> None:
    await put_user(context.db, "secret", "u", {"age": 40})
    profile = await read_profile(context, "u")
    assert (profile.stage, profile.counts, profile.attributes) == ("new", {}, {"age": 40})
    assert profile.summary.text == "Nothing is known about this user yet."


async def test_a_user_without_consent_has_no_state(context: Context) -> None:
    ctx = with_items(context)
    await store(ctx.db, *[bought(n) for n in range(10)])
    async with ctx.db.connection() as connection:
        await connection.execute("UPDATE users SET consent = false")
    profile = await read_profile(ctx, "u", evidence=True)
    assert (profile.consent, profile.counts, profile.interests, profile.summary.evidence) == (False, {}, (), ())
