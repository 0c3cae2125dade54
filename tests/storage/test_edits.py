"""Edits on a real database: places in the log, moments, who comes first, and the profile that they make."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.behavior import Behavior
from app.domain.edit import Edit, Rule
from app.domain.errors import Conflict, InvalidInput
from app.domain.item import Item
from app.domain.limits import MAX_EDITS
from app.domain.profile import Profile
from app.domain.recommendation import Wish
from app.services.context import Context
from app.services.edit_profile import Edited, edit_profile
from app.services.embed_texts import embed_texts
from app.services.plan_edits import Change
from app.services.read_profile import read_profile
from app.services.recommend import recommend
from app.services.user_state import LONGEST_TAIL, user_state
from app.storage.edits import load_edits, store_edits
from app.storage.users import get_user, patch_user
from tests.people import append

AT = datetime(2026, 1, 1, tzinfo=UTC)
PIZZA = Rule("more", "facet", "category:food > pizza", "pizza")
FISH = Rule("never", "facet", "category:food > fish", "fish")


def made(edit_id: str, rule: Rule = PIZZA, expires_at: datetime | None = None, **parts: object) -> Edit:
    return replace(Edit(edit_id, 0, (rule,), None, "", None, AT, expires_at), **parts)  # type: ignore[arg-type]


def anybody(profile: Profile | None) -> None:
    """The caller knows whatever there is."""


def with_items(ctx: Context) -> Context:
    for name in ("pizza", "cola", "fish", "herring"):
        above = "Food > Fish" if name == "herring" else "Food"
        ctx.world.catalogue.put(Item(name, name.title(), categories=(f"{above} > {name}",)))
    return ctx


async def change(ctx: Context, user: str, *changes: Change, dry_run: bool = False) -> Edited:
    return await edit_profile(ctx, user, changes, anybody, dry_run)


async def bought(ctx: Context, *item_ids: str, user: str = "u") -> None:
    now = ctx.now() - timedelta(hours=1)
    rows = [Behavior(user, f"{one}-{n}", "purchase", now, item_id=one) for n, one in enumerate(item_ids)]
    await append(ctx.db, rows)


async def test_an_edit_takes_a_place_in_the_log_and_may_create_the_user(context: Context) -> None:
    db, vector = context.db, bytes(range(256)) * 3
    wish = made("b", text="something cosy", wish="cosy", embedding=vector, expires_at=AT + timedelta(days=900))
    assert await store_edits(db, "secret", "u", None, [made("a"), wish], [], "encoder")
    user = await get_user(db, "u")
    assert user is not None
    assert user.last_seq == 2
    stored = await load_edits(db, "u")
    assert [(one.edit_id, one.seq) for one in stored] == [("a", 1), ("b", 2)]
    assert stored[1] == replace(wish, seq=2, created_at=stored[1].created_at)
    assert stored[0].created_at == user.updated_at


async def test_edits_on_an_older_version_are_not_stored(context: Context) -> None:
    db = context.db
    assert await store_edits(db, "secret", "u", None, [made("a")], [], "encoder")
    assert not await store_edits(db, "secret", "u", None, [made("b")], [], "encoder")
    assert not await store_edits(db, "secret", "u", 0, [made("b")], [], "encoder")
    assert await store_edits(db, "secret", "u", 1, [made("b")], ["a"], "encoder")
    first, second = await load_edits(db, "u")
    assert (first.reverted_seq, second.seq, second.reverted_seq) == (3, 2, None)
    assert first.reverted_at == second.created_at
    await patch_user(db, "u", {}, consent=False)
    assert not await store_edits(db, "secret", "u", 4, [made("c")], [], "encoder")


async def test_a_withdrawal_is_written_once(context: Context) -> None:
    db = context.db
    await store_edits(db, "secret", "u", None, [made("a")], [], "encoder")
    await store_edits(db, "secret", "u", 1, [], ["a"], "encoder")
    before = await load_edits(db, "u")
    await store_edits(db, "secret", "u", 2, [], ["a"], "encoder")
    assert await load_edits(db, "u") == before


async def test_of_many_at_once_each_gets_a_place(context: Context) -> None:
    ctx = with_items(context)
    done = await asyncio.gather(
        *(change(ctx, "u", Change("more", facet="pizza")) for _ in range(3)), bought(ctx, "cola")
    )
    assert len([one for one in done if one]) == 3
    stored = await load_edits(ctx.db, "u")
    assert len({one.seq for one in stored}) == 3
    user = await get_user(ctx.db, "u")
    assert user is not None
    assert user.last_seq == 4


async def test_an_edit_of_somebody_unknown_makes_a_profile(context: Context) -> None:
    ctx = with_items(context)
    done = await change(ctx, "u", Change("more", facet="pizza"), Change("never", facet="category:food > fish"))
    profile = await read_profile(ctx, "u")
    assert done.profile == profile
    assert [(one.facet, one.edited, one.n_evidence) for one in profile.interests] == [
        ("category:food > pizza", True, 0)
    ]
    assert [(one.facet, one.edited) for one in profile.avoids] == [("category:food > fish", True)]
    assert profile.summary.text == "Nothing is known about this user yet. Asked for no fish and more pizza."
    assert [one.in_words for one in profile.edits] == ["no fish", "more pizza"]
    slate = await recommend(ctx, "u", Wish(limit=5))
    assert slate.fallback_reason != "no_history"
    assert {one.item_id for one in slate.items} == {"pizza", "cola"}


async def test_behaviours_and_edits_stand_side_by_side(context: Context) -> None:
    ctx = with_items(context)
    await bought(ctx, "pizza", "pizza", "cola")
    plain = await read_profile(ctx, "u")
    after = (await change(ctx, "u", Change("never", facet="pizza"))).profile
    assert after.version == plain.version + 1
    assert [one.label for one in after.interests] == ["cola"]
    assert [(one.label, one.edited) for one in after.avoids] == [("pizza", True)]
    assert after.counts == plain.counts
    assert "Asked for no pizza." in after.summary.text
    assert "above all cola" in after.summary.text


async def test_an_edit_changes_no_checkpoint(context: Context) -> None:
    ctx = with_items(context)
    await bought(ctx, *["pizza"] * (LONGEST_TAIL + 1))
    before = await user_state(ctx, "u")
    await ctx.checkpoints.drain()
    await change(ctx, "u", Change("never", facet="fish"))
    after = await user_state(ctx, "u")
    assert before is not None
    assert after is not None
    assert after.state == before.state
    assert [edit.rules for edit in after.edits] == [(FISH,)]


async def test_a_profile_as_it_was_has_the_edits_that_held(context: Context) -> None:
    ctx = with_items(context)
    await change(ctx, "u", Change("more", facet="pizza"))
    await change(ctx, "u", Change("less", facet="cola", expires_at=ctx.now() + timedelta(days=1)))
    (more, less) = await load_edits(ctx.db, "u")
    await change(ctx, "u", Change("revert", edit_id=more.edit_id))
    (withdrawn, _) = await load_edits(ctx.db, "u")
    assert withdrawn.reverted_at is not None

    async def then(at: datetime) -> tuple[list[str], int]:
        profile = await read_profile(ctx, "u", at)
        return [one.in_words.partition(" until")[0] for one in profile.edits], profile.version

    tick = timedelta(microseconds=1)
    assert await then(more.created_at - tick) == ([], 0)
    assert await then(more.created_at) == (["more pizza"], 1)
    assert await then(less.created_at) == (["less cola", "more pizza"], 2)
    assert await then(withdrawn.reverted_at) == (["less cola"], 3)
    later = ctx.now() + timedelta(days=2)
    ctx.now = lambda: later
    assert await then(later) == ([], 3)


async def test_what_expires_ends_without_a_new_version(context: Context) -> None:
    ctx = with_items(context)
    now = datetime.now(UTC)
    await bought(ctx, "cola")
    await change(ctx, "u", Change("never", facet="food", expires_at=now + timedelta(hours=2)))
    assert not (await recommend(ctx, "u", Wish())).items
    assert [one.action for one in (await read_profile(ctx, "u")).edits] == ["never"]
    ctx.now = lambda: now + timedelta(hours=3)
    assert {one.item_id for one in (await recommend(ctx, "u", Wish())).items} == {"pizza", "fish", "herring"}
    profile = await read_profile(ctx, "u")
    assert (profile.edits, [one.label for one in profile.interests]) == ((), ["cola"])


async def test_a_withdrawn_edit_lets_the_one_before_act_again(context: Context) -> None:
    ctx = with_items(context)
    first = (await change(ctx, "u", Change("never", facet="fish"))).applied[0]
    second = (await change(ctx, "u", Change("more", facet="fish"))).applied[0]
    assert second.supersedes == (first.edit.edit_id,)
    assert second.notes == ("Takes the place of “no fish”.",)
    profile = await read_profile(ctx, "u")
    assert [one.superseded_by for one in profile.edits] == [None, second.edit.edit_id]
    assert [one.label for one in profile.interests] == ["fish"]
    done = await change(ctx, "u", Change("revert", edit_id=second.edit.edit_id))
    assert done.applied[0].edit.in_words == "more fish"
    assert [one.label for one in done.profile.avoids] == ["fish"]


async def test_a_dry_run_tells_and_stores_nothing(context: Context) -> None:
    ctx = with_items(context)
    told = await change(ctx, "u", Change("more", facet="pizza"), dry_run=True)
    assert told.dry_run
    assert told.applied[0].edit.edit_id == "dry_run_1"
    assert [one.label for one in told.profile.interests] == ["pizza"]
    assert await get_user(ctx.db, "u") is None
    await bought(ctx, "cola")
    before = await read_profile(ctx, "u")
    told = await change(ctx, "u", Change("never", facet="cola"), dry_run=True)
    assert [one.label for one in told.profile.avoids] == ["cola"]
    assert await read_profile(ctx, "u") == before


async def test_without_consent_there_is_nothing_to_edit(context: Context) -> None:
    ctx = with_items(context)
    await change(ctx, "u", Change("never", facet="fish"))
    await patch_user(ctx.db, "u", {}, consent=False)
    assert (await read_profile(ctx, "u")).edits == ()
    with pytest.raises(Conflict) as caught:
        await change(ctx, "u", Change("more", facet="pizza"))
    assert caught.value.code == "consent_off"


async def test_a_profile_holds_so_many_edits_and_those_that_do_nothing_make_room(context: Context) -> None:
    ctx = with_items(context)
    many = [made(f"e{n}", Rule("more", "facet", f"category:{n}", str(n))) for n in range(MAX_EDITS)]
    await store_edits(ctx.db, ctx.secret, "u", None, many, [], "encoder")
    with pytest.raises(InvalidInput) as caught:
        await change(ctx, "u", Change("more", facet="pizza"))
    assert caught.value.code == "too_many_edits"
    idle = made("newer", Rule("less", "facet", "category:7", "7"))
    await store_edits(ctx.db, ctx.secret, "u", MAX_EDITS, [idle], ["e0"], "encoder")
    done = await change(ctx, "u", Change("more", facet="pizza"))
    held = {one.edit_id for one in done.profile.edits}
    assert len(held) == MAX_EDITS
    assert "e7" not in held


async def test_a_wish_of_another_encoder_gets_a_new_vector(context: Context) -> None:
    ctx = with_items(context)
    old = made("a", text="something cosy", wish="cosy", embedding=b"\x00" * 8)
    await store_edits(ctx.db, ctx.secret, "u", None, [old], [], "another")
    while await embed_texts(ctx):
        pass
    (edit,) = await load_edits(ctx.db, "u")
    (vector,) = await ctx.encoder.encode_raw(["cosy"])
    assert edit.embedding == vector
    user = await user_state(ctx, "u")
    assert user is not None
    assert user.version == 2
