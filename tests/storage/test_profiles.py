"""A checkpoint and the rows behind it are the whole log, at every moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np

from app.domain.behavior import Behavior
from app.storage.behaviors import copy_log, count_behaviors, save_text_embeddings, texts_to_embed
from app.storage.engine import Database
from app.storage.profiles import load_log, load_log_until, save_checkpoint
from app.storage.users import get_user, list_users, patch_user, put_user
from tests.people import append

AT = datetime(2026, 1, 1, tzinfo=UTC)
VECTOR = np.ones(4, dtype=np.float16).tobytes()


def behavior(name: str, user: str = "u", **fields: object) -> Behavior:
    return Behavior(user, name, "view", AT, item_id="i", **fields)  # type: ignore[arg-type]  # any field by name


async def store(db: Database, *behaviors: Behavior) -> None:
    await append(db, behaviors)


async def checkpoint(db: Database, user: str = "u", key: str = "k", state: bytes = b"state") -> None:
    log = await load_log(db, user, key)
    assert log is not None
    await save_checkpoint(db, user, log.last_seq, key, state)


async def test_nobody_has_no_log(db: Database) -> None:
    assert await load_log(db, "nobody", "k") is None
    assert await load_log_until(db, "nobody", AT) is None


async def test_a_log_without_checkpoint_has_all_rows_by_seq(db: Database) -> None:
    await store(db, *(behavior(f"b{number}") for number in range(500)))
    log = await load_log(db, "u", "k")
    assert log is not None
    assert (log.last_seq, log.checkpoint_seq, log.state, log.consent) == (500, 0, None, True)
    assert [row.seq for row in log.rows] == list(range(1, 501))
    assert log.rows[0][1:] == ("b0", "view", AT.timestamp(), "i", None, None, None, None)


async def test_a_checkpoint_holds_back_the_rows_it_covers_unless_the_rules_changed(db: Database) -> None:
    await store(db, behavior("a"), behavior("b"))
    await checkpoint(db)
    await store(db, behavior("c"))
    log = await load_log(db, "u", "k")
    assert log is not None
    assert (log.checkpoint_seq, log.state, [row.behavior_id for row in log.rows]) == (2, b"state", ["c"])
    other = await load_log(db, "u", "other")
    assert other is not None
    assert (other.checkpoint_seq, other.state, len(other.rows)) == (0, None, 3)


async def test_a_late_reader_does_not_overwrite_a_newer_checkpoint(db: Database) -> None:
    await store(db, behavior("a"))
    await store(db, behavior("b"))
    await checkpoint(db, state=b"two")
    await save_checkpoint(db, "u", 1, "k", b"one")
    log = await load_log(db, "u", "k")
    assert log is not None
    assert (log.checkpoint_seq, log.state) == (2, b"two")


async def test_a_checkpoint_of_an_earlier_version_is_passed_over(db: Database) -> None:
    await store(db, behavior("a"))
    await store(db, behavior("b"))
    await save_checkpoint(db, "u", 1, "k", b"one")
    log = await load_log(db, "u", "k")
    assert log is not None
    assert log.checkpoint_seq == 0


async def test_a_behaviour_that_commits_late_is_in_the_first_read_after_its_commit(db: Database) -> None:
    """It holds the user's row until then, so no later place can be handed out and folded before it."""
    await store(db, behavior("first"))
    async with db.connection() as slow, slow.transaction():
        await slow.execute("UPDATE users SET last_seq = last_seq + 1 WHERE user_id = 'u'")
        await slow.execute(
            "INSERT INTO behaviors (user_id, behavior_id, seq, type, occurred_at, timed)"
            " VALUES ('u', 'late', 2, 'view', now(), true)"
        )
        fast = asyncio.create_task(store(db, behavior("fast")))
        await asyncio.sleep(0.3)
        await checkpoint_without_waiting(db)
        assert not fast.done()
    await fast
    log = await load_log(db, "u", "k")
    assert log is not None
    assert [(row.seq, row.behavior_id) for row in log.rows][-2:] == [(2, "late"), (3, "fast")]


async def checkpoint_without_waiting(db: Database) -> None:
    log = await load_log(db, "u", "k")
    assert log is not None
    assert log.last_seq == 1
    try:
        async with asyncio.timeout(0.2):
            await save_checkpoint(db, "u", log.last_seq, "k", b"one")
    except TimeoutError:
        pass


async def test_checkpoints_and_tails_add_up_while_behaviours_arrive(db: Database) -> None:
    """Readers fold (here: collect names) and save while writers append: nothing is lost, nothing counted twice."""
    names = [f"{writer}-{number}" for writer in range(6) for number in range(40)]

    async def write(writer: int) -> None:
        for number in range(40):
            await store(db, behavior(f"{writer}-{number}"))

    async def read() -> list[str]:
        log = await load_log(db, "u", "k")
        if log is None:
            return []
        told = (log.state or b"").decode().split() + [row.behavior_id for row in log.rows]
        assert len(told) == len(set(told)) == log.last_seq
        await save_checkpoint(db, "u", log.last_seq, "k", " ".join(told).encode())
        return told

    async def keep_reading() -> None:
        while len(await read()) < len(names):
            pass

    async with asyncio.timeout(60):
        await asyncio.gather(*(write(writer) for writer in range(6)), keep_reading(), keep_reading())
    assert sorted(await read()) == sorted(names)


async def test_a_log_until_a_moment_knows_only_what_had_occurred(db: Database) -> None:
    later = Behavior("u", "later", "view", AT + timedelta(days=1), item_id="i")
    await store(db, behavior("a"), later, behavior("b"))
    await checkpoint(db)
    log = await load_log_until(db, "u", AT)
    assert log is not None
    assert [row.behavior_id for row in log.rows] == ["a", "b"]
    assert (log.state, log.checkpoint_seq) == (None, 0)
    before = await load_log_until(db, "u", AT - timedelta(seconds=1))
    assert before is not None
    assert (before.rows, before.last_seq) == ([], 0)


async def test_a_vector_that_comes_later_is_a_new_version_and_drops_the_checkpoint(db: Database) -> None:
    await store(db, behavior("a", text="pizza"), behavior("b", text=""), behavior("c"), behavior("a", "v", text="cola"))
    await checkpoint(db)
    waiting = await texts_to_embed(db, "minilm", 10)
    assert sorted(waiting) == [("u", "a", 1, "pizza"), ("v", "a", 1, "cola")]
    await save_text_embeddings(db, "minilm", [("u", "a", VECTOR)])
    log = await load_log(db, "u", "k")
    assert log is not None
    assert (log.last_seq, log.checkpoint_seq, log.rows[0].embedding) == (4, 0, VECTOR)
    assert [user_id for user_id, *_ in await texts_to_embed(db, "minilm", 10)] == ["v"]
    assert len(await texts_to_embed(db, "another encoder", 10)) == 2


async def test_a_state_folded_before_a_vector_came_is_not_kept(db: Database) -> None:
    await store(db, behavior("a", text="pizza"))
    log = await load_log(db, "u", "k")
    assert log is not None
    await save_text_embeddings(db, "minilm", [("u", "a", VECTOR)])
    await save_checkpoint(db, "u", log.last_seq, "k", b"without the vector")
    after = await load_log(db, "u", "k")
    assert after is not None
    assert after.state is None


async def test_training_reads_unflagged_behaviours_with_items_and_consent_by_time(db: Database) -> None:
    early = Behavior("v", "e", "like", AT - timedelta(days=1), item_id='i,"x"', value=2.5)
    await store(db, behavior("a"), early, behavior("b", flag="burst"), Behavior("u", "t", "search", AT, text="x"))
    await store(db, behavior("c", "without consent"))
    await patch_user(db, "without consent", {}, consent=False)
    text = b"".join([chunk async for chunk in copy_log(db)]).decode()
    assert text == 'v,"i,""x""",like,1767139200.000000,2.5\nu,i,view,1767225600.000000,\n'
    assert await count_behaviors(db) == 5


async def test_attributes_are_replaced_merged_and_a_new_version_only_when_they_changed(db: Database) -> None:
    await store(db, behavior("a"))
    put = await put_user(db, "secret", "u", {"city": "Ulm", "age": 30})
    assert (put.last_seq, put.attributes) == (2, {"city": "Ulm", "age": 30})
    assert (await put_user(db, "secret", "u", {"age": 30, "city": "Ulm"})).last_seq == 2
    patched = await patch_user(db, "u", {"age": None, "club": True})
    assert patched is not None
    assert (patched.last_seq, patched.attributes) == (3, {"city": "Ulm", "club": True})
    off = await patch_user(db, "u", {}, consent=False)
    assert off is not None
    assert not off.consent
    assert await get_user(db, "u") == off
    assert await patch_user(db, "nobody", {}) is None
    assert await get_user(db, "nobody") is None


async def test_users_are_listed_by_id_page_by_page(db: Database) -> None:
    for number in (3, 1, 2):
        await put_user(db, "secret", f"u{number}", {})
    assert [user.user_id for user in await list_users(db, None, 2)] == ["u1", "u2"]
    assert [user.user_id for user in await list_users(db, "u2", 2)] == ["u3"]
