import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.domain.errors import Unavailable
from app.domain.item import Item
from app.jobs import worker
from app.jobs.news import DRIFT_EVERY_S, FEW_WAIT_S, REST, RetrainOnNews
from app.jobs.run import run_job
from app.jobs.schedule import MOST_S, Step
from app.jobs.worker import run_jobs
from app.services.context import Context
from app.services.embed_texts import embed_texts
from app.services.record_behaviors import record_behaviors
from app.storage.items import put_items
from app.storage.jobs import cancel_job, claimed, get_job, list_jobs
from app.storage.locks import leader
from app.storage.models import live_model, promote


async def purchases(ctx: Context, first: int, n: int) -> None:
    raws = [
        {"user_id": f"u{number % 7}", "item_id": f"i{number % 10}", "type": "purchase", "behavior_id": str(number)}
        for number in range(first, first + n)
    ]
    assert (await record_behaviors(ctx, raws)).accepted == n


async def eventually(holds: Callable[[], Awaitable[object]], within_s: float = 40) -> None:
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in Postgres
            await asyncio.sleep(0.1)


async def is_live(ctx: Context, kind: str) -> bool:
    return await live_model(ctx.db, kind) is not None


async def test_the_jobs_make_vectors_a_space_and_generators_and_stop_when_told(context: Context) -> None:
    await put_items(context.db, [Item(f"i{n}", f"Tea number {n}") for n in range(10)])
    await purchases(context, 0, 20)
    stop = asyncio.Event()
    jobs = asyncio.create_task(run_jobs(context, stop))
    await eventually(lambda: is_live(context, "space"))
    await eventually(lambda: is_live(context, "generators"))
    stop.set()
    await asyncio.wait_for(jobs, 10)


async def test_a_second_process_waits_until_the_leader_has_gone(context: Context) -> None:
    await put_items(context.db, [Item("i0", "Tea")])
    stop = asyncio.Event()
    async with leader(context.db, "jobs") as leads:
        assert leads
        jobs = asyncio.create_task(run_jobs(context, stop))
        await asyncio.sleep(2)
        assert not await is_live(context, "space")
    await eventually(lambda: is_live(context, "space"))
    stop.set()
    await asyncio.wait_for(jobs, 10)


async def test_a_step_that_fails_ends_neither_the_others_nor_itself(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = {"bad": 0, "good": 0}

    async def bad(ctx: Context) -> int | None:
        ran["bad"] += 1
        raise Unavailable("The disk is full.") if ran["bad"] % 2 else RuntimeError("a defect")

    async def good(ctx: Context) -> int | None:
        ran["good"] += 1
        return None

    monkeypatch.setattr(worker, "TICK_S", 0.01)
    monkeypatch.setattr(worker, "steps", lambda: [Step("bad", bad, 0.01), Step("good", good, 0.01)])
    stop = asyncio.Event()
    jobs = asyncio.create_task(run_jobs(context, stop))

    async def both() -> bool:
        return ran["bad"] >= 3 and ran["good"] >= 5

    await eventually(both)
    stop.set()
    await asyncio.wait_for(jobs, 10)


def test_a_step_rests_as_long_as_its_share_says() -> None:
    async def found(ctx: Context) -> int | None:
        return None

    step = Step("step", found, every_s=10.0, share=0.25)
    step.done(5, started=100.0, ended=108.0)  # there is more, but 8 s of work are a quarter of 32
    assert step.due_at == 132.0
    step.done(None, started=200.0, ended=200.1)
    assert step.due_at == 210.1
    eager = Step("step", found, every_s=10.0)
    eager.done(5, started=100.0, ended=108.0)
    assert eager.due_at == 108.0


def test_a_step_that_goes_on_failing_is_tried_less_often() -> None:
    async def never(ctx: Context) -> int | None:
        raise AssertionError

    step = Step("step", never, every_s=1.0)
    pauses = []
    for _ in range(8):
        said = step.failed(Unavailable("The disk is full."), at=100.0)
        pauses.append(step.due_at - 100)
    assert pauses == [2, 4, 8, 16, 32, MOST_S, MOST_S, MOST_S]
    assert "The disk is full." in said
    step.done(None, started=100.0, ended=100.0)
    assert step.due_at == 101
    step.done(5, started=100.0, ended=100.0)
    assert step.due_at == 100


async def train_if_asked(ctx: Context) -> int | None:
    """The version that the job in the queue brings, None when none waits."""
    async with claimed(ctx.db) as job:
        if job is None:
            return None
        await run_job(ctx, job, asyncio.Event())
    ended = await get_job(ctx.db, job.job_id)
    assert ended.status == "done", ended
    assert ended.result
    return int(ended.result["version"])


async def test_training_is_asked_for_when_enough_is_new_and_nothing_pours_in_any_more(context: Context) -> None:
    now = [1000.0]
    due = RetrainOnNews(lambda: now[0])
    assert await due(context) is None  # nothing at all
    await purchases(context, 0, 100)
    assert await due(context) is None  # still pouring in, for all one knows
    now[0] += 1
    assert await due(context) == 1
    assert await due(context) is None  # one waits
    first = await train_if_asked(context)
    assert first
    assert await due(context) is None
    await purchases(context, 100, 5)
    for _ in range(3):
        now[0] += 10
        assert await due(context) is None  # few
    now[0] += FEW_WAIT_S
    assert await due(context) == 1
    assert (await train_if_asked(context) or 0) > first
    await purchases(context, 105, 50)
    assert await due(context) is None
    assert await due(context) == 1


async def test_training_that_somebody_cancelled_is_not_asked_for_again_at_once(context: Context) -> None:
    due = RetrainOnNews()
    await purchases(context, 0, 100)
    await due(context)
    assert await due(context) == 1
    (job,) = await list_jobs(context.db)
    await cancel_job(context.db, job.job_id)
    await purchases(context, 100, 100)
    assert [await due(context) for _ in range(3)] == [None, None, None]
    later = replace(context, now=lambda: datetime.now(UTC) + REST)
    assert 1 in [await due(later) for _ in range(3)]


async def test_training_is_asked_for_when_everybody_turns_to_something_else(context: Context) -> None:
    """Four weeks of ten items, then a week of ten others; few of all behaviours are new to the model."""
    now = [1000.0]
    due = RetrainOnNews(lambda: now[0])
    rng = np.random.default_rng(0)
    today = datetime.now(UTC).replace(hour=0, minute=0) - timedelta(days=1)

    def day(ago: int, first: int) -> list[dict[str, object]]:
        at = (today - timedelta(days=ago)).isoformat()
        return [
            {"user_id": f"u{user}", "item_id": f"i{first + rng.integers(10)}", "type": "purchase", "occurred_at": at}
            for user in range(60)
        ]

    await record_behaviors(context, [one for ago in range(34, 6, -1) for one in day(ago, 0)])
    await due(context)
    assert await due(context) == 1
    await train_if_asked(context)
    await record_behaviors(context, [one for ago in (6, 5) for one in day(ago, 10)])
    assert await due(context) is None
    now[0] += DRIFT_EVERY_S
    assert await due(context) == 1


async def test_what_was_learned_before_the_texts_were_read_is_learned_anew(context: Context) -> None:
    due = RetrainOnNews()
    await put_items(context.db, [Item(f"i{n}", f"Tea number {n}") for n in range(10)])
    await purchases(context, 0, 100)
    await due(context)
    await due(context)
    await train_if_asked(context)
    assert await due(context) is None
    await eventually(lambda: embed_texts(context))
    assert await due(context) == 1
    await train_if_asked(context)
    assert await due(context) is None


async def test_a_model_of_another_release_is_learned_anew(context: Context) -> None:
    due = RetrainOnNews()
    await purchases(context, 0, 100)
    await due(context)
    await due(context)
    await train_if_asked(context)
    assert await due(context) is None
    live = await live_model(context.db, "generators")
    assert live is not None
    await promote(context.db, "generators", live.manifest | {"about": live.manifest["about"] | {"format": 1}})
    assert await due(context) == 1


async def test_generators_that_are_damaged_on_disk_are_made_anew(context: Context) -> None:
    await purchases(context, 0, 100)
    due = RetrainOnNews()
    await due(context)
    await due(context)
    first = await train_if_asked(context)
    live = await live_model(context.db, "generators")
    assert live is not None
    (context.store.open(live.manifest) / "items.json").write_text("[]")
    assert await due(context) == 1
    assert (await train_if_asked(context) or 0) > (first or 0)
