"""A visitor becomes a known user: every behaviour once, whatever comes late or at the same time."""

from __future__ import annotations

import asyncio
import random

import pytest

from app.domain.errors import Conflict, InvalidInput, NotFound
from app.domain.item import Item
from app.services.context import Context
from app.services.decide import decide
from app.services.decisions import read_decision
from app.services.erase_user import ask_erasure
from app.services.manage_users import list_behaviors, list_users, patch_user, put_consent, put_user
from app.services.merge_users import merge_users
from app.services.plan_edits import Change
from app.services.read_profile import read_profile
from app.services.user_state import LONGEST_TAIL, user_state
from app.services.verify import verify_users
from app.storage.edits import load_edits
from app.storage.erasures import OWNED
from app.storage.merge import DROPPED, MOVED, STAYING, Merged
from app.storage.quarantine import list_quarantined
from app.storage.users import get_user, other_ids
from tests.people import codes, edit, erase, known, log_of, post, view

ANON = "session:s1"


async def test_the_log_of_a_visitor_moves_behind_that_of_the_user_once(context: Context) -> None:
    await post(context, view("ann", "a1"), view("ann", "a2"))
    await post(context, view(ANON, "s1"), view(ANON, "s2"))
    assert await merge_users(context, "ann", ANON) == Merged("ann", 2)
    assert await log_of(context, "ann") == [(1, "a1"), (2, "a2"), (3, "s1"), (4, "s2")]
    assert await log_of(context, ANON) == []
    assert await merge_users(context, "ann", ANON) == Merged("ann", 0)
    assert [user.user_id for user in await list_users(context, None, 10)] == ["ann"]
    assert [other for other, _ in await other_ids(context.db, "ann")] == [ANON]


def test_every_table_with_a_user_is_thought_of() -> None:
    assert sorted(OWNED) == sorted(MOVED + STAYING + DROPPED)


async def test_whatever_is_read_of_the_old_id_is_that_of_the_user(context: Context) -> None:
    await post(context, view("ann", "a1"), view(ANON, "s1"))
    await read_profile(context, ANON)
    await merge_users(context, "ann", ANON)
    assert await read_profile(context, ANON) == await read_profile(context, "ann")
    profile = await read_profile(context, ANON)
    assert (profile.user_id, profile.counts) == ("ann", {"view": 2})
    assert await get_user(context.db, ANON) == await get_user(context.db, "ann")
    assert len(await list_behaviors(context, ANON, None, 10)) == 2
    await patch_user(context, ANON, {"city": "Ulm"})
    assert (await known(context, "ann")).attributes == {"city": "Ulm"}


async def test_late_behaviours_and_repeats_of_the_old_id_are_the_users(context: Context) -> None:
    sent = view(ANON, "s1")
    await post(context, sent)
    await merge_users(context, "ann", ANON)
    assert (await post(context, sent)).duplicates == 1
    assert (await post(context, view(ANON, "s2"))).accepted == 1
    assert (await post(context, view("ann", "s2"))).duplicates == 1
    assert codes(await post(context, view(ANON, "s1", item="i2"))) == ["behavior_conflict"]
    assert [behavior for _, behavior in await log_of(context, "ann")] == ["s1", "s2"]
    assert (await read_profile(context, "ann")).counts == {"view": 2}


async def test_one_batch_may_hold_both_ids(context: Context) -> None:
    await merge_users(context, "ann", ANON)
    receipt = await post(context, view(ANON, "x"), view("ann", "x"), view("ann", "y"), view(ANON, "y", item="i2"))
    assert (receipt.accepted, receipt.duplicates, codes(receipt)) == (2, 1, ["behavior_conflict"])
    assert receipt.rejected[0].index == 3


async def test_what_both_had_is_kept_once_and_contradictions_are_told(context: Context) -> None:
    await post(context, view("ann", "same"), view("ann", "other", item="i1"), view("ann", "a"))
    await post(context, view(ANON, "same"), view(ANON, "other", item="i2"), view(ANON, "s"))
    assert await merge_users(context, "ann", ANON) == Merged("ann", 1, 1, ("other",))
    kept = {one.behavior_id: one.item_id for _, one in await list_behaviors(context, "ann", None, 10)}
    assert kept == {"same": "i1", "other": "i1", "a": "i1", "s": "i1"}


async def test_attributes_of_the_user_win(context: Context) -> None:
    await put_user(context, "ann", {"city": "Ulm"})
    await put_user(context, ANON, {"city": "Bonn", "device": "phone"})
    await merge_users(context, "ann", ANON)
    assert (await known(context, "ann")).attributes == {"city": "Ulm", "device": "phone"}


async def test_edits_move_too_and_whoever_edits_the_old_id_edits_the_user(context: Context) -> None:
    for word in ("pizza", "cola", "tea"):
        context.world.catalogue.put(Item(word, word.title(), categories=(f"Food > {word}",)))

    async def never(user: str, item: str) -> None:
        await edit(context, user, Change("never", item_id=item))

    await never("ann", "pizza")
    await never(ANON, "cola")
    await merge_users(context, "ann", ANON)
    await never(ANON, "tea")
    profile = await read_profile(context, "ann")
    assert [edit.target for edit in profile.edits] == ["tea", "cola", "pizza"]
    assert not await load_edits(context.db, ANON)
    assert len({edit.seq for edit in await load_edits(context.db, "ann")}) == 3


async def test_what_was_recommended_to_the_visitor_was_recommended_to_the_user(context: Context) -> None:
    await post(context, view("ann", "a1"), view("ann", "a2"), view(ANON, "s1"))
    slate = await decide(context, ANON, {})
    await context.decisions.flush(context.db)
    await merge_users(context, "ann", ANON)
    decision = await read_decision(context.decisions, context.db, slate.recommendation_id)
    assert (decision.user_id, decision.profile_version) == ("ann", 3)


async def test_users_who_are_not_there_begin(context: Context) -> None:
    assert await merge_users(context, "ann", ANON) == Merged("ann", 0)
    await post(context, view(ANON, "s1"))
    assert await log_of(context, "ann") == [(2, "s1")]


async def test_chains_are_followed(context: Context) -> None:
    await post(context, view("s1", "1"), view("s2", "2"), view("ann", "3"))
    await merge_users(context, "s2", "s1")
    await merge_users(context, "ann", "s2")
    await post(context, view("s1", "4"), view("s2", "5"))
    assert [behavior for _, behavior in await log_of(context, "ann")] == ["3", "2", "1", "4", "5"]
    assert (await read_profile(context, "s1")).user_id == "ann"
    assert {other for other, _ in await other_ids(context.db, "ann")} == {"s1", "s2"}
    assert await merge_users(context, "s1", "s3") == Merged("ann", 0)
    await post(context, view("s3", "6"))
    assert len(await log_of(context, "ann")) == 6


async def test_counters_and_what_is_in_quarantine_move_too(context: Context) -> None:
    await post(context, view("ann", "a1"), view(ANON, "s1"), view(ANON, "s2"), view(ANON, "a1"))
    async with context.db.connection() as connection:
        await connection.execute("UPDATE behaviors SET value = 'NaN' WHERE behavior_id = 's2'")
    await user_state(context, ANON)
    await context.quarantine.drain()
    await merge_users(context, "ann", ANON)
    ((found,), (counters, *_)) = await list_quarantined(context.db, ("", ""), 10), await verify_users(context)
    assert (found.user_id, found.behavior_id) == ("ann", "s2")
    assert (counters.n_looked_at, counters.examples) == (2, [])
    await post(context, view(ANON, "s3"))
    assert (await verify_users(context))[0].examples == []


async def test_what_cannot_be_merged_is_refused(context: Context) -> None:
    await merge_users(context, "ann", ANON)
    with pytest.raises(InvalidInput):
        await merge_users(context, "ann", "ann")
    for into, gone, code in ((ANON, "ann", "merge_circle"), ("ben", ANON, "merged_elsewhere")):
        with pytest.raises(Conflict) as refusal:
            await merge_users(context, into, gone)
        assert refusal.value.code == code
        assert refusal.value.hint


@pytest.mark.parametrize("refusing", ["ann", ANON])
async def test_without_consent_nobody_is_merged(context: Context, refusing: str) -> None:
    await post(context, view(ANON, "s1"))
    await put_consent(context, refusing, False)
    with pytest.raises(Conflict) as refusal:
        await merge_users(context, "ann", ANON)
    assert refusal.value.code == "consent_off"
    assert await log_of(context, ANON) == [(1, "s1")]


async def test_checkpoints_know_what_was_moved(context: Context) -> None:
    """Also one that is saved while the merge is on its way, for either id."""
    await post(context, *(view("ann", f"a{n}") for n in range(LONGEST_TAIL + 1)))
    await post(context, *(view(ANON, f"s{n}") for n in range(LONGEST_TAIL + 1)))
    for user in ("ann", ANON):
        await user_state(context, user)
    await merge_users(context, "ann", ANON)
    await context.checkpoints.drain()
    for user in ("ann", ANON):
        state = await user_state(context, user)
        assert state is not None
        assert state.state.counts == {"view": 2 * LONGEST_TAIL + 2}


async def test_behaviours_posted_during_merges_are_neither_lost_nor_doubled(context: Context) -> None:
    rng = random.Random(0)
    sessions = [f"session:{n}" for n in range(8)]

    async def write(number: int) -> int:
        accepted = 0
        for step in range(12):
            await asyncio.sleep(rng.random() / 100)
            users = [*rng.sample(sessions, 3), "ann"]
            receipt = await post(context, *(view(user, f"{user}-{number}-{step}") for user in users))
            assert not receipt.rejected
            accepted += receipt.accepted
        return accepted

    async def merge(session: str) -> None:
        await asyncio.sleep(rng.random() / 5)
        await asyncio.gather(*(merge_users(context, "ann", session) for _ in range(3)))

    writers = [asyncio.create_task(write(number)) for number in range(6)]
    await asyncio.gather(*(merge(session) for session in sessions))
    accepted = sum([await writer for writer in writers])
    log = await log_of(context, "ann")
    assert accepted == len(log) == len({behavior for _, behavior in log}) == len({seq for seq, _ in log}) == 6 * 12 * 4
    assert (await read_profile(context, "session:3")).counts == {"view": accepted}
    for session in sessions:
        assert await log_of(context, session) == []


async def test_merges_against_each_other_end_in_one_user(context: Context) -> None:
    for user in ("a", "b", "c"):
        await post(context, view(user, user))
    pairs = [("a", "b"), ("b", "c"), ("c", "a"), ("b", "a"), ("c", "b"), ("a", "c")]
    done = await asyncio.gather(*(merge_users(context, *pair) for pair in pairs), return_exceptions=True)
    assert all(isinstance(one, Merged | Conflict) for one in done)
    (user,) = await list_users(context, None, 10)
    assert sorted(behavior for _, behavior in await log_of(context, user.user_id)) == ["a", "b", "c"]
    assert {(await known(context, one)).user_id for one in ("a", "b", "c")} == {user.user_id}


async def test_whoever_is_being_erased_is_not_merged(context: Context) -> None:
    await post(context, view("ann", "a1"))
    await ask_erasure(context, "ann")
    for into, gone in (("ann", ANON), ("ben", "ann")):
        with pytest.raises(Conflict) as refusal:
            await merge_users(context, into, gone)
        assert refusal.value.code == "user_erased"


async def test_an_id_of_somebody_who_was_erased_may_be_merged_again(context: Context) -> None:
    sent = view(ANON, "s1")
    await post(context, sent)
    await merge_users(context, "ann", ANON)
    await erase(context, "ann")
    with pytest.raises(NotFound):
        await read_profile(context, ANON)
    await merge_users(context, "ann", ANON)
    assert codes(await post(context, sent)) == ["user_erased"]
    assert await log_of(context, "ann") == []
