"""What the tests of merging, consent, export and erasure say often."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.behavior import Behavior
from app.domain.job import ERASE
from app.domain.profile import Profile
from app.domain.user import User
from app.jobs.run import run_job
from app.services.context import Context
from app.services.edit_profile import edit_profile
from app.services.erase_user import ask_erasure
from app.services.plan_edits import Change
from app.services.record_behaviors import Receipt, record_behaviors
from app.storage.append import store_behaviors
from app.storage.engine import Database
from app.storage.jobs import claimed, get_job
from app.storage.standings import load_standings
from app.storage.users import get_user

AN_HOUR_AGO = (datetime.now(UTC) - timedelta(hours=1)).isoformat()


def view(user: str, behavior_id: str, item: str = "i1", **fields: Any) -> dict[str, Any]:
    whole = {"user_id": user, "item_id": item, "type": "view", "occurred_at": AN_HOUR_AGO, "behavior_id": behavior_id}
    return whole | fields


async def append(db: Database, behaviors: Sequence[Behavior]) -> None:
    """Behaviours as they are, without cleaning and screening."""
    standings = await load_standings(db, "secret", [one.user_id for one in behaviors])
    await store_behaviors(db, behaviors, {}, "none", standings)


async def post(ctx: Context, *raws: dict[str, Any]) -> Receipt:
    return await record_behaviors(ctx, raws)


def anything(profile: Profile | None) -> None:
    """Whoever edits in these tests need not know the profile."""


async def edit(ctx: Context, user: str, *changes: Change) -> None:
    await edit_profile(ctx, user, changes, anything)


def codes(receipt: Receipt) -> list[str]:
    return [one.fault.code for one in receipt.rejected]


async def log_of(ctx: Context, user_id: str) -> list[tuple[int, str]]:
    """(seq, behavior_id) of what is stored under exactly this id."""
    name = (await ctx.db.vault()).name(user_id)
    async with ctx.db.connection() as connection:
        cursor = await connection.execute(
            "SELECT seq, behavior_id FROM behaviors WHERE user_id = %s ORDER BY seq", [name]
        )
        return [(seq, behavior_id) for seq, behavior_id in await cursor.fetchall()]


async def known(ctx: Context, user_id: str) -> User:
    user = await get_user(ctx.db, user_id)
    assert user is not None
    return user


async def erase(ctx: Context, user_id: str) -> dict[str, Any]:
    """Asks for it and does it; the receipt."""
    job = await ask_erasure(ctx, user_id)
    await run_erasures(ctx)
    ended = await get_job(ctx.db, job.job_id)
    assert ended.status == "done", ended
    assert ended.result is not None
    return ended.result


async def run_erasures(ctx: Context) -> int:
    """Does what waits; how many that were."""
    n = 0
    while True:
        async with claimed(ctx.db, kinds=[ERASE]) as job:
            if job is None:
                return n
            await run_job(ctx, job, asyncio.Event())
            n += 1
