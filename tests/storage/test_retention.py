"""What is too old of its type leaves, and profiles are as if it had never come."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.ingest.rules import IngestRules
from app.jobs.schedule import steps
from app.privacy.encryption import MasterKeys
from app.profiles.state import encode_state
from app.services.context import Context
from app.services.retention import forget_old_behaviors
from app.services.user_state import LONGEST_TAIL, forget_states, user_state
from app.services.verify import verify_users
from app.storage import retention
from tests.people import log_of, post, view
from tests.vault import BOTH_WAYS

NOW = datetime.now(UTC)


@pytest.fixture(**BOTH_WAYS)
def master(request: pytest.FixtureRequest) -> MasterKeys | None:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def limited(context: Context) -> Context:
    return replace(context, ingest=IngestRules(retention={"impression": 30, "search": 90}))


def days_ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


async def long_life(ctx: Context, user: str) -> None:
    """A checkpoint holds all of it."""
    seen = [view(user, f"i{n}", f"item {n}", type="impression", occurred_at=days_ago(n)) for n in range(60)]
    searched = [view(user, f"s{n}", None, type="search", text="tea", occurred_at=days_ago(20 * n)) for n in range(9)]
    await post(ctx, *seen, *searched, view(user, "old", occurred_at=days_ago(3_000)))
    assert len(seen) + len(searched) > LONGEST_TAIL
    await user_state(ctx, user)
    await ctx.checkpoints.drain()


async def kept(ctx: Context, user: str) -> set[str]:
    return {behavior_id for _, behavior_id in await log_of(ctx, user)}


async def test_only_what_is_too_old_of_its_type_leaves(context: Context, limited: Context) -> None:
    await long_life(context, "ann")
    await post(context, view("bob", "b1", occurred_at=days_ago(500)))
    assert await forget_old_behaviors(limited) == 30 + 4
    assert await kept(context, "ann") == {f"i{n}" for n in range(30)} | {f"s{n}" for n in range(5)} | {"old"}
    assert await kept(context, "bob") == {"b1"}
    assert await forget_old_behaviors(limited) == 0
    assert [one.what for one in await verify_users(context) if one.n_wrong] == []


async def test_the_profile_is_that_of_what_is_left(context: Context, limited: Context) -> None:
    await long_life(context, "ann")
    before = await user_state(context, "ann")
    await forget_old_behaviors(limited)
    live = await user_state(context, "ann")
    assert before is not None
    assert live is not None
    assert live.version > before.version
    assert live.state.counts == {"impression": 30, "search": 5, "view": 1}
    forget_states()
    async with context.db.connection() as connection:
        await connection.execute("DELETE FROM checkpoints")
    rebuilt = await user_state(context, "ann")
    assert rebuilt is not None
    assert encode_state(rebuilt.state) == encode_state(live.state)


async def test_it_goes_some_at_a_time_while_others_post(
    context: Context, limited: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 7)
    await long_life(context, "ann")

    async def write() -> None:
        for n in range(30):
            assert (await post(context, view("ann", f"new {n}"))).accepted == 1

    writing = asyncio.create_task(write())
    while await forget_old_behaviors(limited):
        pass
    await writing
    assert len(await log_of(context, "ann")) == 30 + 5 + 1 + 30
    live = await user_state(context, "ann")
    assert live is not None
    assert live.state.counts == {"impression": 30, "search": 5, "view": 31}


async def test_without_limits_everything_stays(context: Context) -> None:
    await long_life(context, "ann")
    assert await forget_old_behaviors(context) == 0
    assert len(await log_of(context, "ann")) == 70


def test_the_jobs_do_it() -> None:
    assert forget_old_behaviors in [step.run for step in steps()]
