"""Nothing of an erased user stays or comes back, and nothing of anybody else changes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.errors import Conflict, NotFound
from app.domain.job import ERASE, TRAIN
from app.jobs import worker
from app.jobs.worker import run_jobs
from app.privacy.pseudonyms import is_genuine, pseudonym
from app.services.context import Context
from app.services.decide import decide
from app.services.decisions import read_decision
from app.services.erase_user import ask_erasure
from app.services.forget import Forgetter
from app.services.jobs import cancel_job
from app.services.manage_users import list_behaviors, list_users, put_consent, put_user
from app.services.merge_users import merge_users
from app.services.read_profile import read_profile
from app.services.record_behaviors import record_behaviors
from app.services.user_state import LONGEST_TAIL, user_state
from app.storage.erasures import OWNED
from app.storage.jobs import claimed, create_job, get_job, recover
from app.storage.tables import metadata
from tests.people import codes, erase, known, log_of, post, run_erasures, view

SOMEBODY = "qz9-somebody"


async def rows_of(ctx: Context, user_id: str) -> dict[str, int]:
    async with ctx.db.connection() as connection:
        return {
            table: (await connection.execute(f"SELECT FROM {table} WHERE user_id = %s", [user_id])).rowcount
            for table in OWNED
        }


async def everything(ctx: Context) -> set[str]:
    """All rows of all tables, as text."""
    async with ctx.db.connection() as connection:
        found = [
            await (await connection.execute(f"SELECT '{table} ' || t::text FROM {table} t")).fetchall()
            for table in metadata.tables
        ]
    return {row for rows in found for (row,) in rows}


async def fill_every_table(ctx: Context, user_id: str) -> None:
    await post(ctx, *(view(user_id, f"{user_id}-{n}") for n in range(LONGEST_TAIL + 1)))
    await record_behaviors(ctx, [{"user_id": user_id, "type": "search", "text": f"words of {user_id}"}])
    await put_user(ctx, user_id, {"name": f"name of {user_id}"})
    await user_state(ctx, user_id)
    await ctx.checkpoints.drain()
    async with ctx.db.connection() as connection:
        await connection.execute(
            "INSERT INTO recommendations (recommendation_id, user_id, generated_at, profile_version, model_version,"
            " space_version, catalogue_version, wish, degraded, items)"
            " VALUES (gen_random_uuid()::text, %s, now(), 1, 'm', 's', 1, '{}', false, '[]')",
            [user_id],
        )
        await connection.execute(
            "INSERT INTO edits (user_id, edit_id, seq, rules) VALUES (%s, 'e', 1, '[]')", [user_id]
        )
        await connection.execute("INSERT INTO quarantine VALUES (%s, 'b', 'time_out_of_range')", [user_id])
        await connection.execute("INSERT INTO learned (user_id, seq) VALUES (%s, 1)", [user_id])
        await connection.execute("INSERT INTO narrations VALUES (%s, 'hash', 'model', 'text')", [user_id])
        await connection.execute("INSERT INTO narrations_wanted VALUES (%s, 'hash', '[]')", [user_id])
        await connection.execute(
            "INSERT INTO unlearned (user_id, behavior_id, seq, item_id, type, occurred_at)"
            " VALUES (%s, 'b', 1, 'i', 'view', now())",
            [user_id],
        )


async def test_every_table_with_a_user_is_emptied_and_others_stay_as_they_are(context: Context) -> None:
    await fill_every_table(context, "somebody-else")
    before = await everything(context)
    await fill_every_table(context, SOMEBODY)
    filled = await rows_of(context, SOMEBODY)
    assert all(filled.values()), "a table that belongs to users is not filled by this test: let it"
    receipt = await erase(context, SOMEBODY)
    assert receipt["deleted"] == filled
    after = await everything(context)
    assert not [row for row in after if SOMEBODY in row]
    assert before <= after


async def test_the_receipt_is_signed(context: Context) -> None:
    await post(context, view("ann", "a1"))
    receipt = await erase(context, "ann")
    assert is_genuine(context.secret, receipt)
    assert not is_genuine(context.secret, receipt | {"deleted": {}})
    assert not is_genuine("another secret", receipt)


async def test_the_user_is_hidden_from_the_moment_it_is_asked_for(context: Context) -> None:
    await post(context, view("ann", "a1"))
    await read_profile(context, "ann")
    job = await ask_erasure(context, "ann")
    assert (await ask_erasure(context, "ann")).job_id == job.job_id
    for reading in (read_profile(context, "ann"), list_behaviors(context, "ann", None, 10)):
        with pytest.raises(NotFound):
            await reading
    assert await list_users(context, None, 10) == []
    assert await user_state(context, "ann", at=datetime.now(UTC)) is None
    assert codes(await post(context, view("ann", "a2"))) == ["user_erased"]
    for writing in (put_user(context, "ann", {}), put_consent(context, "ann", True)):
        with pytest.raises(Conflict) as refusal:
            await writing
        assert refusal.value.code == "user_erased"


async def test_an_unknown_user_is_not_erased_and_an_erased_one_not_twice(context: Context) -> None:
    with pytest.raises(NotFound):
        await ask_erasure(context, "nobody")
    await post(context, view("ann", "a1"))
    await erase(context, "ann")
    with pytest.raises(NotFound):
        await ask_erasure(context, "ann")


async def test_late_repeats_do_not_bring_the_user_back(context: Context) -> None:
    timed = view("ann", "timed")
    soon = view("ann", "soon", occurred_at=(datetime.now(UTC) + timedelta(minutes=4)).isoformat())
    untimed = {"user_id": "ann", "type": "view", "item_id": "i1", "behavior_id": "untimed"}
    for sent in (timed, soon, untimed):
        assert (await post(context, sent)).accepted == 1
    await erase(context, "ann")
    assert codes(await post(context, timed, soon, untimed)) == ["user_erased"] * 3
    assert codes(await post(context, view("ann", "never-seen"))) == ["user_erased"]
    with pytest.raises(NotFound):
        await read_profile(context, "ann")


async def test_what_the_user_does_afterwards_begins_anew(context: Context) -> None:
    """Also its versions go on, so that nothing that was kept of the old ones fits."""
    old = view("ann", "a1")
    await post(context, old, view("ann", "a2"))
    await user_state(context, "ann")
    await erase(context, "ann")
    new = {"user_id": "ann", "type": "purchase", "item_id": "i2"}
    receipt = await post(context, new, old)
    assert (receipt.accepted, codes(receipt)) == (1, ["user_erased"])
    assert (await read_profile(context, "ann")).counts == {"purchase": 1}
    assert codes(await post(context, old)) == ["user_erased"]
    assert (await known(context, "ann")).last_seq > 2
    await erase(context, "ann")
    assert codes(await post(context, old)) == ["user_erased"]


async def test_a_put_user_begins_anew_too(context: Context) -> None:
    old = view("ann", "a1")
    await post(context, old)
    await erase(context, "ann")
    await put_user(context, "ann", {"city": "Ulm"})
    assert codes(await post(context, old)) == ["user_erased"]
    assert (await known(context, "ann")).last_seq > 1


async def test_all_ids_of_the_user_are_erased(context: Context) -> None:
    late = view("session:s", "s1")
    await post(context, view("ann", "a1"), late)
    await merge_users(context, "ann", "session:s")
    assert (await erase(context, "session:s"))["deleted"]["users"] == 2
    assert codes(await post(context, late, view("ann", "a2"))) == ["user_erased"] * 2
    assert not [row for row in await everything(context) if "ann" in row or "session:s" in row]


async def test_a_checkpoint_that_waits_is_not_saved_afterwards(context: Context) -> None:
    await post(context, *(view("ann", f"a{n}") for n in range(LONGEST_TAIL + 1)))
    await user_state(context, "ann")  # its checkpoint waits from here on
    await erase(context, "ann")
    await context.checkpoints.drain()
    async with context.db.connection() as connection:
        assert (await connection.execute("SELECT FROM checkpoints")).rowcount == 0


async def test_recommendations_that_wait_are_not_recorded_afterwards(context: Context) -> None:
    """Nor are those that somebody asks for under the id of nobody; what the user begins anew is recorded again."""

    async def recorded(user_id: str) -> int:
        slate = await decide(context, user_id, {})
        await context.decisions.flush(context.db)
        try:
            await read_decision(context.decisions, context.db, slate.recommendation_id)
        except NotFound:
            return 0
        return 1

    await post(context, view("ann", "a1"))
    assert await recorded("ann") == await recorded("nobody-yet") == 1
    waiting = await decide(context, "ann", {})
    await erase(context, "ann")
    await context.decisions.drain()
    with pytest.raises(NotFound):
        await read_decision(context.decisions, context.db, waiting.recommendation_id)
    assert await recorded("ann") == 0
    assert not [row for row in await everything(context) if "ann" in row]
    await record_behaviors(context, [{"user_id": "ann", "item_id": "i1", "type": "view"}])
    assert await recorded("ann") == 1


async def test_what_workers_keep_in_memory_is_dropped(context: Context) -> None:
    forgetter = Forgetter(context)
    await post(context, view("ann", "a1"))
    await forgetter.step()
    first = await user_state(context, "ann")
    again = await user_state(context, "ann")
    assert first is not None
    assert again is not None
    assert again.state is first.state
    await post(context, view("ben", "b1"))
    await erase(context, "ben")
    world = context.world
    await forgetter.step()
    fresh = await user_state(context, "ann")
    assert fresh is not None
    assert fresh.state is not first.state
    assert context.world is not world


async def test_a_job_whose_process_died_is_done_by_the_next(context: Context) -> None:
    await post(context, view("ann", "a1"))
    job = await ask_erasure(context, "ann")
    for _ in range(3):  # more often than any other job may
        async with claimed(context.db, kinds=[ERASE]) as mine:
            assert mine is not None
        assert await recover(context.db) == 1
    await run_erasures(context)
    assert (await get_job(context.db, job.job_id)).status == "done"
    assert await log_of(context, "ann") == []


async def test_a_job_that_was_done_and_not_ended_gives_the_same_receipt(context: Context) -> None:
    await post(context, view("ann", "a1"))
    receipt = await erase(context, "ann")
    async with context.db.connection() as connection:
        await connection.execute("UPDATE jobs SET status = 'queued', ended_at = NULL, result = NULL")
    await run_erasures(context)
    async with context.db.connection() as connection:
        (row,) = await (await connection.execute("SELECT status, result FROM jobs")).fetchall()
    assert row == ("done", receipt)


async def test_an_erasure_waits_for_rows_that_are_held(context: Context) -> None:
    await post(context, view("ann", "a1"))
    await ask_erasure(context, "ann")
    async with context.db.connection() as connection, connection.transaction():
        await connection.execute("SELECT FROM users FOR UPDATE")
        erasing = asyncio.create_task(run_erasures(context))
        await asyncio.sleep(3)  # longer than a lock is waited for
    assert await asyncio.wait_for(erasing, 20) == 1
    assert await log_of(context, "ann") == []


async def test_an_erasure_is_not_cancelled(context: Context) -> None:
    await post(context, view("ann", "a1"))
    job = await ask_erasure(context, "ann")
    with pytest.raises(Conflict) as refusal:
        await cancel_job(context.db, job.job_id)
    assert refusal.value.code == "erasure_stands"


async def test_an_erasure_does_not_wait_for_a_training(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "steps", list)
    await post(context, view("ann", "a1"))
    training = await create_job(context.db, TRAIN, {})
    async with claimed(context.db, training.job_id):
        job = await ask_erasure(context, "ann")
        stop = asyncio.Event()
        jobs = asyncio.create_task(run_jobs(context, stop))
        async with asyncio.timeout(20):
            while not (await get_job(context.db, job.job_id)).ended:  # noqa: ASYNC110 - it happens in Postgres
                await asyncio.sleep(0.1)
        stop.set()
        await jobs
    assert await log_of(context, "ann") == []


async def test_posts_during_an_erasure_leave_nothing_old(context: Context) -> None:
    """Behaviours of before and of after, while the user is erased again and again and begins anew."""
    old = [view("ann", f"old-{n}") for n in range(5)]
    await post(context, *old)
    done = asyncio.Event()

    async def write(number: int) -> None:
        n = 0
        while not done.is_set():
            n += 1
            new = {"user_id": "ann", "type": "view", "item_id": "i1", "behavior_id": f"new-{number}-{n}"}
            receipt = await post(context, old[n % 5], new)
            assert receipt.accepted + receipt.duplicates + len(receipt.rejected) == 2

    writers = [asyncio.create_task(write(number)) for number in range(6)]
    n_erased = 0
    for _ in range(8):
        await asyncio.sleep(0.05)
        try:
            await erase(context, "ann")
            n_erased += 1
        except NotFound:
            continue
        stored = [behavior for _, behavior in await log_of(context, "ann")]
        assert not [behavior for behavior in stored if behavior.startswith("old")]
    done.set()
    await asyncio.gather(*writers)
    assert n_erased >= 4
    await post(context, *old)
    stored = [behavior for _, behavior in await log_of(context, "ann")]
    assert not [behavior for behavior in stored if behavior.startswith("old")]


async def test_a_post_that_waited_for_an_erasure_begins_with_what_is_new(context: Context) -> None:
    """It looked at the user before, and stores after the rows are gone."""
    await post(context, view("ann", "a1"))
    late, new = view("ann", "late"), {"user_id": "ann", "type": "purchase", "item_id": "i2"}
    async with context.db.connection() as connection, connection.transaction():
        await connection.execute("SELECT FROM users FOR UPDATE")
        posting = asyncio.create_task(post(context, late, new))
        await asyncio.sleep(0.5)  # now it waits in its statement for the row
        await connection.execute("DELETE FROM behaviors")
        await connection.execute("DELETE FROM users")
        await connection.execute(
            "INSERT INTO erasures (pseudonym, erased_at, deleted_at, last_seq, job_id)"
            " VALUES (%s, now(), now(), 9, '')",
            [pseudonym(context.secret, "ann")],
        )
    receipt = await posting
    assert (receipt.accepted, codes(receipt)) == (1, ["user_erased"])
    assert [seq for seq, _ in await log_of(context, "ann")] == [10]
