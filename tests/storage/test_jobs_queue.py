"""Long jobs: asked for, claimed once, watched, cancelled, and taken back from processes that died."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from app.domain.errors import Cancelled, Conflict, NotFound, Unavailable
from app.domain.job import SPACE, TRAIN, Job
from app.domain.progress import Progress, part
from app.jobs import worker
from app.jobs.reporter import LOG_LINES, Reporter
from app.jobs.run import WORK, run_job
from app.jobs.schedule import Step
from app.jobs.worker import run_jobs
from app.services.context import Context
from app.services.jobs import cancel_job, follow_job, submit_job
from app.storage.engine import Database
from app.storage.jobs import claimed, finish, get_job, list_jobs, put_back, recover, report
from app.storage.models import register

Work = Callable[[Context, Progress], Awaitable[int | None]]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], None]:
    """Gives jobs of kind train something else to do."""
    return lambda what: monkeypatch.setitem(WORK, TRAIN, what)


class Endless:
    """Works in a thread until it is told to stop; `ended` is set when the thread has noticed."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    async def __call__(self, _: Context, progress: Progress) -> int | None:
        await asyncio.to_thread(self._turn, progress)
        return None

    def _turn(self, progress: Progress) -> None:
        try:
            while True:
                progress(0.25, "turn")
                self.begun.set()
                time.sleep(0.01)
        finally:
            self.ended.set()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in Postgres
            await asyncio.sleep(0.05)


async def run_next(ctx: Context, stop: asyncio.Event | None = None) -> Job:
    async with claimed(ctx.db) as job:
        assert job
        await run_job(ctx, job, stop or asyncio.Event())
    return await get_job(ctx.db, job.job_id)


async def test_the_same_work_waits_once(db: Database) -> None:
    first = await submit_job(db, TRAIN)
    assert (first.status, first.progress, first.log) == ("queued", 0.0, [])
    assert await submit_job(db, TRAIN) == first
    other = await submit_job(db, SPACE)
    async with claimed(db) as job:
        assert job
        assert job.job_id == first.job_id
        again = await submit_job(db, TRAIN)
        assert again.job_id not in {first.job_id, other.job_id}
    assert [job.job_id for job in await list_jobs(db)] == [again.job_id, other.job_id, first.job_id]
    assert [job.job_id for job in await list_jobs(db, before=other.job_id)] == [first.job_id]


async def test_two_processes_never_claim_the_same_job(db: Database) -> None:
    wanted = {(await submit_job(db, TRAIN)).job_id, (await submit_job(db, SPACE)).job_id}

    async def claim() -> str | None:
        async with claimed(db) as job:
            await asyncio.sleep(0.3)
            return job.job_id if job else None

    got = await asyncio.gather(*(claim() for _ in range(5)))
    assert sorted(job_id for job_id in got if job_id) == sorted(wanted)


async def test_a_job_tells_how_far_it_is_and_what_came_of_it(context: Context, work: Callable[[Work], None]) -> None:
    verdict = {"promoted": False, "reasons": ["A loss cannot be ruled out."], "figures": {"ndcg": 0.1}}

    async def learn(ctx: Context, progress: Progress) -> int:
        progress(0.5, "half")
        return await register(ctx.db, "generators", {"name": "x", "about": {}}, verdict, promoted=False)

    work(learn)
    queued = await submit_job(context.db, TRAIN)
    seen: list[Job] = []

    async def follow() -> None:
        seen.extend([job async for job in follow_job(context.db, queued)])

    following = asyncio.create_task(follow())
    ended = await run_next(context)
    await asyncio.wait_for(following, 5)
    assert (ended.status, ended.progress, ended.stage) == ("done", 1.0, "half")
    assert ended.result
    assert ended.result["promoted"] is False
    assert ended.result["verdict"] == verdict
    assert ended.log[0].endswith("Z half")
    assert (seen[0], seen[-1]) == (queued, ended)


async def test_a_job_that_waits_is_cancelled_at_once_and_never_begins(db: Database) -> None:
    job = await submit_job(db, TRAIN)
    cancelled = await cancel_job(db, job.job_id)
    assert (cancelled.status, cancelled.ended) == ("cancelled", True)
    async with claimed(db) as none:
        assert none is None
    with pytest.raises(Conflict) as refusal:
        await cancel_job(db, job.job_id)
    assert refusal.value.code == "job_ended"
    with pytest.raises(NotFound):
        await cancel_job(db, "nothing")


async def test_a_job_that_runs_is_cancelled_within_seconds(context: Context, work: Callable[[Work], None]) -> None:
    endless = Endless()
    work(endless)
    job = await submit_job(context.db, TRAIN)
    running = asyncio.create_task(run_next(context))
    assert await asyncio.to_thread(endless.begun.wait, 10)
    assert (await cancel_job(context.db, job.job_id)).status == "running"
    ended = await asyncio.wait_for(running, 5)
    assert (ended.status, ended.progress, ended.error) == ("cancelled", 0.25, None)
    assert endless.ended.is_set()


async def test_a_process_that_stops_leaves_its_job_queued(context: Context, work: Callable[[Work], None]) -> None:
    endless = Endless()
    work(endless)
    await submit_job(context.db, TRAIN)
    stop = asyncio.Event()
    jobs = asyncio.create_task(run_jobs(context, stop))
    assert await asyncio.to_thread(endless.begun.wait, 10)
    started = time.monotonic()
    stop.set()
    await asyncio.wait_for(jobs, 10)
    assert time.monotonic() - started < 3
    assert endless.ended.is_set()
    (job,) = await list_jobs(context.db)
    assert (job.status, job.n_starts, job.ended) == ("queued", 0, False)


async def test_quick_steps_go_on_beside_a_long_job(
    context: Context, work: Callable[[Work], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    endless, ran = Endless(), [0]

    async def quick(ctx: Context) -> int | None:
        ran[0] += 1
        return None

    work(endless)
    monkeypatch.setattr(worker, "TICK_S", 0.05)
    monkeypatch.setattr(worker, "TERM_S", 0.2)
    monkeypatch.setattr(worker, "steps", lambda: [Step("quick", quick, 0.01)])
    job = await submit_job(context.db, TRAIN)
    stop = asyncio.Event()
    jobs = asyncio.create_task(run_jobs(context, stop))
    assert await asyncio.to_thread(endless.begun.wait, 10)
    before = ran[0]
    await asyncio.sleep(1)
    assert ran[0] > before + 5
    assert (await get_job(context.db, job.job_id)).n_starts == 1  # several terms later it is still the same run
    stop.set()
    await asyncio.wait_for(jobs, 10)


async def test_work_that_fails_says_why_and_where_but_quotes_nothing(
    context: Context, work: Callable[[Work], None]
) -> None:
    async def away(ctx: Context, progress: Progress) -> int | None:
        raise Unavailable("The disk is full.")

    async def defect(ctx: Context, progress: Progress) -> int | None:
        return int("secret")

    for what, said in ((away, "The disk is full."), (defect, "ValueError in defect (test_jobs_queue.py:")):
        work(what)
        await submit_job(context.db, TRAIN)
        ended = await run_next(context)
        assert ended.status == "failed"
        assert ended.error
        assert ended.error.startswith(said)
        assert "secret" not in ended.error
        assert ended.log[-1].endswith(ended.error)


async def test_a_job_whose_process_died_is_begun_once_more_and_then_failed(db: Database) -> None:
    job = await submit_job(db, TRAIN)
    async with claimed(db):
        assert await recover(db) == 0  # its process lives
    assert await recover(db) == 1  # left without an end, as by a kill
    assert (await get_job(db, job.job_id)).status == "queued"
    async with claimed(db) as again:
        assert again
        assert again.n_starts == 2
    await recover(db)
    ended = await get_job(db, job.job_id)
    assert ended.status == "failed"
    assert ended.error
    assert await recover(db) == 0


async def test_a_cancelled_job_whose_process_died_is_not_begun_again(db: Database) -> None:
    job = await submit_job(db, TRAIN)
    async with claimed(db):
        await cancel_job(db, job.job_id)
    await recover(db)
    assert (await get_job(db, job.job_id)).status == "cancelled"


async def test_who_lost_a_job_can_neither_report_nor_end_it(db: Database) -> None:
    await submit_job(db, TRAIN)
    async with claimed(db) as lost:
        assert lost
    await recover(db)
    async with claimed(db) as owner:
        assert owner
        assert await report(db, lost, 0.9, "late", [])  # told to stop
        await finish(db, lost, "done", {"version": 1})
        await put_back(db, lost)
        seen = await get_job(db, owner.job_id)
        assert (seen.status, seen.stage, seen.result) == ("running", "", None)
        assert not await report(db, owner, 0.1, "mine", ["line"])
        assert (await get_job(db, owner.job_id)).stage == "mine"


def test_progress_stays_within_bounds_and_the_log_within_its_tail() -> None:
    reporter = Reporter(["old"])
    for number in range(LOG_LINES + 5):
        reporter(number, f"stage {number}")
        reporter(number, f"stage {number}")
    share, stage, log = reporter.told()
    assert (share, stage, len(log)) == (1.0, f"stage {LOG_LINES + 4}", LOG_LINES)
    part(reporter, 0.2, 0.4)(0.5, "inner")
    assert reporter.told()[0] == pytest.approx(0.3)
    reporter.stop()
    with pytest.raises(Cancelled):
        reporter(1.0, "end")
