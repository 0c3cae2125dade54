"""An export holds everything, and gives the same profile in an empty database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.errors import InvalidInput, NotFound
from app.domain.item import Item
from app.ingest.rules import IngestRules
from app.services.context import Context
from app.services.embed_texts import embed_texts
from app.services.export_user import PAGE, export_user
from app.services.manage_users import list_behaviors, put_consent, put_user
from app.services.merge_users import merge_users
from app.services.plan_edits import Change
from app.services.read_profile import read_profile
from app.services.record_behaviors import record_behaviors
from app.services.restore_user import restore_users
from app.storage.edits import load_edits
from app.storage.engine import Database
from app.storage.users import other_ids
from tests.people import edit, erase, known, post, view


@pytest.fixture
async def elsewhere(context: Context, server_url: str) -> AsyncIterator[Context]:
    """The same service on an empty database."""
    async with context.db.connection() as connection:
        await connection.execute("CREATE DATABASE elsewhere TEMPLATE portrait_template")
        db = await Database.open(server_url.replace("/portrait?", "/elsewhere?"))
        yield replace(context, db=db)
        await db.close()
        await connection.execute("DROP DATABASE elsewhere WITH (FORCE)")


async def exported(ctx: Context, user_id: str) -> list[dict[str, Any]]:
    text = b"".join([chunk async for chunk in await export_user(ctx, user_id)])
    return [json.loads(line) for line in text.splitlines()]


async def fill(ctx: Context) -> None:
    """All that a behaviour may carry, flags, times that were filled in, other ids, more than a page."""
    for n in range(20):
        ctx.world.catalogue.put(Item(f"i{n}", f"Thing {n}", categories=(f"Things > {n % 4}",)))
    await put_user(ctx, "ann", {"city": "Köln", "age": 40})
    whole = {"value": 2.5, "session_id": "s", "scenario": "home", "recommendation_id": "r", "context": {"a": [1, None]}}
    await post(ctx, view("ann", "whole", text="a red kite\n", **whole))
    await record_behaviors(ctx, [{"user_id": "ann", "item_id": "i7", "type": "view"}])
    strict = replace(ctx, ingest=IngestRules(burst_per_minute=3))
    await post(strict, *(view("ann", f"burst-{n}", f"i{n}", type="purchase") for n in range(6)))
    await post(ctx, *(view("session:s", f"many-{n}", f"i{n % 20}", type="click") for n in range(PAGE + 5)))
    await merge_users(ctx, "ann", "session:s")
    for change in (Change("more", item_id="i3"), Change("never", item_id="i4"), Change("statement", text="red kites")):
        await edit(ctx, "ann", change)
    await edit(ctx, "ann", Change("never", item_id="i5"))
    last = (await load_edits(ctx.db, "ann"))[-1]
    await edit(ctx, "ann", Change("revert", edit_id=last.edit_id))


async def test_an_export_gives_the_same_profile_in_an_empty_database(context: Context, elsewhere: Context) -> None:
    await fill(context)
    told = await restore_users(elsewhere, await exported(context, "ann"))
    assert (told.users, told.known, told.refused, told.complete) == (1, 0, {}, True)
    assert told.edits == 4
    while await embed_texts(elsewhere):
        pass
    before, after = await read_profile(context, "ann"), await read_profile(elsewhere, "ann")
    assert replace(after, version=before.version, updated_at=before.updated_at) == before
    assert before.interests
    assert len(before.edits) == 3
    logs = [[one for _, one in await list_behaviors(ctx, "ann", None, 10_000)] for ctx in (context, elsewhere)]
    assert logs[0] == logs[1]
    assert {"burst", None} == {one.flag for one in logs[0]}
    assert [other for other, _ in await other_ids(elsewhere.db, "ann")] == ["session:s"]
    again = await restore_users(elsewhere, await exported(context, "ann"))
    assert (again.added, again.known, again.edits) == (0, len(logs[0]), 0)


async def test_a_refusal_of_consent_is_restored(context: Context, elsewhere: Context) -> None:
    await post(context, view("ann", "a1"))
    await put_consent(context, "ann", False)
    told = await restore_users(elsewhere, await exported(context, "ann"))
    assert told.added == 1
    assert not (await known(elsewhere, "ann")).consent
    assert (await read_profile(elsewhere, "ann")).counts == {}


async def test_several_exports_may_follow_each_other(context: Context, elsewhere: Context) -> None:
    for user in ("ann", "ben"):
        await post(context, view(user, "b1"))
    told = await restore_users(elsewhere, [*await exported(context, "ann"), *await exported(context, "ben")])
    assert (told.users, told.added, told.complete) == (2, 2, True)


async def test_half_an_export_is_told(context: Context, elsewhere: Context) -> None:
    await post(context, view("ann", "a1"), view("ann", "a2"))
    told = await restore_users(elsewhere, (await exported(context, "ann"))[:2])
    assert (told.added, told.complete) == (1, False)


@pytest.mark.parametrize(
    "lines",
    [
        [{"kind": "behavior"}],
        [{"kind": "user", "format": 2, "user_id": "ann", "attributes": {}}],
        [{"kind": "user", "format": 1, "user_id": "a/b", "attributes": {}}],
        [{"kind": "user", "format": 1, "user_id": "ann", "attributes": 7}],
        [{"kind": "user", "format": 1, "user_id": "ann", "attributes": {}}, {"kind": "merge", "from": None}],
        [{"kind": "user", "format": 1, "user_id": "ann", "attributes": {}}, {"kind": "something"}],
        [{"kind": "user", "format": 1, "user_id": "ann", "attributes": {}}, {"kind": "edit", "edit_id": 7}],
        [{}],
    ],
)
async def test_what_is_no_export_is_refused(context: Context, lines: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidInput):
        await restore_users(context, lines)


async def test_a_behaviour_that_is_not_acceptable_is_counted(context: Context) -> None:
    await post(context, view("ann", "a1"))
    first, behavior, end = await exported(context, "ann")
    told = await restore_users(context, [first, behavior | {"value": "much"}, behavior | {"behavior_id": "a2"}, end])
    assert (told.added, dict(told.refused)) == (1, {"invalid_type": 1})


async def test_an_erased_user_does_not_come_back_by_an_export(context: Context) -> None:
    await post(context, view("ann", "a1"))
    lines = await exported(context, "ann")
    await erase(context, "ann")
    with pytest.raises(NotFound):
        await exported(context, "ann")
    told = await restore_users(context, lines)
    assert (told.added, dict(told.refused)) == (0, {"user_erased": 1})


async def test_edits_of_before_an_erasure_do_not_come_back(context: Context) -> None:
    await edit(context, "ann", Change("statement", text="red kites"))
    lines = await exported(context, "ann")
    await erase(context, "ann")
    assert (await restore_users(context, lines)).edits == 0
    assert (await read_profile(context, "ann")).edits == ()


async def test_an_export_names_every_field_of_a_behaviour(context: Context) -> None:
    await fill(context)
    lines = await exported(context, "ann")
    assert [line["kind"] for line in (lines[0], lines[1], lines[-1])] == ["user", "merge", "end"]
    assert lines[0]["attributes"] == {"city": "Köln", "age": 40}
    assert lines[-1]["behaviors"] == len(lines) - 7 == PAGE + 13
    whole = next(line for line in lines if line.get("behavior_id") == "whole")
    assert whole["context"] == {"a": [1, None]}
    assert datetime.fromisoformat(whole["occurred_at"]) < datetime.now(UTC)
