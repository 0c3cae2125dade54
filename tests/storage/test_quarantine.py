"""A stored row that cannot be folded takes nobody down: it is set apart with a reason, and can come back."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.recommendation import Wish
from app.profiles.sound import TIME, UNSOUND, VALUE, VECTOR
from app.services.context import Context
from app.services.health import check_health
from app.services.quarantine import redrive
from app.services.read_profile import read_profile
from app.services.recommend import recommend
from app.services.record_behaviors import record_behaviors
from app.services.retrain import retrain
from app.services.user_state import user_state
from app.storage.behaviors import copy_log, list_behaviors
from app.storage.quarantine import count_quarantined, list_quarantined

HARM = {
    "infinite": ("occurred_at = 'infinity'", TIME),
    "before time": ("occurred_at = '4000-01-01 BC'", TIME),
    "too late": ("occurred_at = '20000-01-01'", TIME),
    "no number": ("value = 'NaN'", VALUE),
    "endless": ("value = '-Infinity'", VALUE),
    "half a number": ("text = 'tea', embedding = '\\x010203', embedded_by = 'e'", VECTOR),
}


async def harmed(ctx: Context, harm: str) -> None:
    """Three good behaviours and, between them, one that somebody has changed past every check."""
    sent = [{"user_id": "ann", "item_id": f"i{n}", "type": "purchase", "behavior_id": str(n)} for n in range(4)]
    await record_behaviors(ctx, sent)
    async with ctx.db.connection() as connection:
        await connection.execute(f"UPDATE behaviors SET {harm} WHERE behavior_id = '1'")


async def test_what_was_accepted_is_never_unsound(context: Context) -> None:
    await record_behaviors(context, [{"user_id": "ann", "text": "tea", "type": "search"}])
    assert (await profile_counts(context)) == {"search": 1}
    assert await count_quarantined(context.db) == 0
    assert (await check_health(context, {})).parts["quarantine"].state == "ok"


@pytest.mark.parametrize(("harm", "reason"), HARM.values(), ids=HARM)
async def test_the_others_continue_and_it_is_set_apart(context: Context, harm: str, reason: str) -> None:
    await harmed(context, harm)
    assert await profile_counts(context) == {"purchase": 3}
    await context.quarantine.drain()
    (found,) = await list_quarantined(context.db, ("", ""), 10)
    assert (found.user_id, found.behavior_id, found.reason) == ("ann", "1", reason)
    assert await profile_counts(context) == {"purchase": 3}
    slate = await recommend(context, "ann", Wish())
    assert not slate.degraded
    readable = [one.behavior_id for _, one in await list_behaviors(context.db, "ann", None, 10)]
    assert readable == (["3", "2", "0"] if reason == TIME else ["3", "2", "1", "0"])
    part = (await check_health(context, {})).parts["quarantine"]
    assert part.state == "degraded"
    assert "1 behaviour cannot be folded" in (part.reason or "")


@pytest.mark.parametrize(("harm", "reason"), HARM.values(), ids=HARM)
async def test_learning_passes_over_it_even_before_it_was_found(context: Context, harm: str, reason: str) -> None:
    await harmed(context, harm)
    csv = b"".join([chunk async for chunk in copy_log(context.db)]).decode()
    items = [line.split(",")[1] for line in csv.splitlines()]
    assert items == (["i0", "i1", "i2", "i3"] if reason == VECTOR else ["i0", "i2", "i3"])
    assert await retrain(context) is not None


async def test_what_still_cannot_be_folded_stays(context: Context) -> None:
    await harmed(context, HARM["infinite"][0])
    await profile_counts(context)
    await context.quarantine.drain()
    assert await redrive(context) == (0, 1)
    assert await count_quarantined(context.db) == 1
    assert await profile_counts(context) == {"purchase": 3}


async def test_what_was_mended_is_back_as_a_new_version(context: Context) -> None:
    await harmed(context, HARM["no number"][0])
    await profile_counts(context)
    await context.quarantine.drain()
    before = await user_state(context, "ann")
    async with context.db.connection() as connection:
        await connection.execute("UPDATE behaviors SET value = 3 WHERE behavior_id = '1'")
    assert await redrive(context) == (1, 0)
    after = await user_state(context, "ann")
    assert before is not None
    assert after is not None
    assert after.version == before.version + 1
    assert await profile_counts(context) == {"purchase": 4}
    async with context.db.connection() as connection:  # what learns as behaviours arrive looks behind its last place
        seq = await (await connection.execute("SELECT seq FROM behaviors WHERE behavior_id = '1'")).fetchone()
    assert seq == (after.version,)
    assert await redrive(context) == (0, 0)


async def test_one_whose_vector_was_broken_comes_back_and_waits_for_the_encoder(context: Context) -> None:
    await harmed(context, HARM["half a number"][0])
    await profile_counts(context)
    await context.quarantine.drain()
    async with context.db.connection() as connection:
        flag = await connection.execute("SELECT flag FROM behaviors WHERE behavior_id = '1'")
        assert await flag.fetchone() == (UNSOUND,)
    assert await redrive(context) == (1, 0)
    state = await user_state(context, "ann")
    assert state is not None
    assert [said.embedding for said in state.state.said] == [None]


async def test_a_checkpoint_folded_before_is_dropped(context: Context) -> None:
    sent = [{"user_id": "ann", "item_id": f"i{n}", "type": "view", "behavior_id": str(n)} for n in range(100)]
    await record_behaviors(context, sent)
    await user_state(context, "ann")
    await context.checkpoints.drain()
    async with context.db.connection() as connection:
        await connection.execute("UPDATE behaviors SET value = 'NaN' WHERE behavior_id = '1'")
        await connection.execute("UPDATE users SET last_seq = last_seq + 1; DELETE FROM checkpoints")
    assert await profile_counts(context) == {"view": 99}
    await context.quarantine.drain()
    async with context.db.connection() as connection:
        kept = await (await connection.execute("SELECT seq FROM checkpoints")).fetchall()
    await context.checkpoints.drain()
    assert kept in ([], [(101,)])
    assert await profile_counts(context) == {"view": 99}


async def profile_counts(ctx: Context) -> dict[str, int]:
    profile = await read_profile(ctx, "ann")
    assert np.isfinite(profile.updated_at.timestamp())
    return dict(profile.counts)
