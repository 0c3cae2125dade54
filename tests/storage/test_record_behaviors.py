"""What a batch of behaviours leaves behind: exactly once, in order, whatever happens at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.encoders.text_encoder import TextEncoder
from app.index.faiss_space import FaissSpace
from app.ingest.rules import IngestRules
from app.registry.store import Store
from app.retrieval.base import World
from app.services.context import Context
from app.services.record_behaviors import Receipt, record_behaviors
from app.storage.behaviors import list_behaviors
from app.storage.engine import Database
from app.storage.items import put_items
from app.storage.profiles import load_log
from app.storage.users import get_user

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AT = "2026-11-24T11:00:00Z"


@pytest.fixture
def ctx(db: Database, encoder: TextEncoder, tmp_path: Any) -> Context:
    """Ingest needs no world but the catalogue's ids."""
    world = World(Catalogue([Item(f"i{number}") for number in range(50)]), FaissSpace(), (), "none")
    return Context(db, encoder, Store(tmp_path), world, now=lambda: NOW)


def view(user: str, item: str = "i1", **fields: Any) -> dict[str, Any]:
    return {"user_id": user, "item_id": item, "type": "view", "occurred_at": AT, **fields}


async def stored(ctx: Context, user_id: str) -> list[tuple[int, str]]:
    return [(seq, behavior.behavior_id) for seq, behavior in await list_behaviors(ctx.db, user_id, None, 10_000)][::-1]


async def test_a_batch_is_stored_in_its_order_and_what_is_bad_is_told(ctx: Context) -> None:
    batch: list[object] = [
        view("u", behavior_id="a"),
        view("u", behavior_id="b", value=float("nan")),
        view("u", behavior_id="c"),
        view("u", behavior_id="d", occurred_at="9999-12-31T23:59:59-14:00"),
        view("u\x00", behavior_id="e"),
        view("u", text="\ud800", behavior_id="f"),
        17,
        view("v", behavior_id="a"),
    ]
    receipt = await record_behaviors(ctx, batch)
    assert (receipt.accepted, receipt.duplicates) == (3, 0)
    assert [(one.index, one.fault.code, one.fault.pointer) for one in receipt.rejected] == [
        (1, "invalid_value", "/1/value"),
        (3, "invalid_time", "/3/occurred_at"),
        (4, "invalid_id", "/4/user_id"),
        (5, "invalid_text", "/5/text"),
        (6, "invalid_type", "/6"),
    ]
    assert await stored(ctx, "u") == [(1, "a"), (2, "c")]
    assert await stored(ctx, "v") == [(1, "a")]


async def test_an_empty_batch_is_nothing(ctx: Context) -> None:
    assert await record_behaviors(ctx, []) == Receipt(0, 0, (), ())


async def test_a_repeat_is_a_duplicate_and_no_new_version(ctx: Context) -> None:
    sent = view("u", behavior_id="a", text="ähm\n 'quoted' \\ \u2028", context={"n": 1e300, "s": "\t"}, session_id="s")
    assert (await record_behaviors(ctx, [sent])).accepted == 1
    again = await record_behaviors(ctx, [sent, sent])
    assert (again.accepted, again.duplicates, again.rejected) == (0, 2, ())
    user = await get_user(ctx.db, "u")
    assert user is not None
    assert user.last_seq == 1


async def test_a_repeat_with_another_payload_is_a_conflict_and_the_first_stands(ctx: Context) -> None:
    await record_behaviors(ctx, [view("u", behavior_id="a", value=1)])
    receipt = await record_behaviors(
        ctx,
        [
            view("u", behavior_id="a", value=2),
            view("u", behavior_id="new", value=1),
            view("u", behavior_id="new", value=2),
        ],
    )
    assert receipt.accepted == 1
    assert [(one.index, one.fault.code) for one in receipt.rejected] == [
        (0, "behavior_conflict"),
        (2, "behavior_conflict"),
    ]
    behaviors = [behavior for _, behavior in await list_behaviors(ctx.db, "u", None, 10)]
    assert [(one.behavior_id, one.value) for one in behaviors] == [("new", 1.0), ("a", 1.0)]


async def test_without_an_id_a_timed_repeat_is_a_duplicate_and_an_untimed_one_is_new(ctx: Context) -> None:
    untimed = {"user_id": "u", "item_id": "i1", "type": "view"}
    first = await record_behaviors(ctx, [view("u"), view("u"), untimed, untimed])
    assert (first.accepted, first.duplicates) == (3, 1)
    again = await record_behaviors(ctx, [view("u"), untimed])
    assert (again.accepted, again.duplicates) == (1, 1)


async def test_an_untimed_repeat_with_an_id_is_a_duplicate_later_on(ctx: Context) -> None:
    untimed = {"user_id": "u", "item_id": "i1", "type": "view", "behavior_id": "b"}
    await record_behaviors(ctx, [untimed])
    later = replace(ctx, now=lambda: datetime(2026, 11, 24, 13, 0, tzinfo=UTC))
    assert (await record_behaviors(later, [untimed])).duplicates == 1


async def test_fifty_posts_of_one_behaviour_at_once_have_one_effect(ctx: Context) -> None:
    receipts = await asyncio.gather(*(record_behaviors(ctx, [view("u", behavior_id="a")]) for _ in range(50)))
    assert sum(receipt.accepted for receipt in receipts) == 1
    assert sum(receipt.duplicates for receipt in receipts) == 49
    assert len(await stored(ctx, "u")) == 1


async def test_batches_of_the_same_users_in_opposite_order_all_arrive(ctx: Context) -> None:
    users = [f"u{number}" for number in range(40)]

    async def post(number: int) -> Receipt:
        order = users if number % 2 else users[::-1]
        return await record_behaviors(ctx, [view(user, behavior_id=f"b{number}") for user in order])

    receipts = await asyncio.gather(*(post(number) for number in range(24)))
    assert [receipt.accepted for receipt in receipts] == [40] * 24
    for user in users:
        seqs = [seq for seq, _ in await stored(ctx, user)]
        assert seqs == list(range(1, 25))


async def test_what_was_sent_reads_back(ctx: Context) -> None:
    sent = view(
        "Ü ser",
        behavior_id="b",
        text=' as\tsent \n\\ {"x"} \U0001f600\x01',
        value=0.1 + 0.2,
        occurred_at="2026-11-24T10:59:59.123456+05:30",
        recommendation_id="r",
        session_id="s",
        scenario="home",
        context={"deep": [{"x": None, "y": [1, 2.5, "ä"]}]},
    )
    assert (await record_behaviors(ctx, [sent])).accepted == 1
    ((_, behavior),) = await list_behaviors(ctx.db, "Ü ser", None, 10)
    assert behavior.text == sent["text"]
    assert behavior.value == sent["value"]
    assert behavior.occurred_at == datetime.fromisoformat(sent["occurred_at"])
    assert behavior.context == sent["context"]
    assert (behavior.recommendation_id, behavior.session_id, behavior.scenario) == ("r", "s", "home")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(min_size=1, max_size=50),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    context=st.none() | st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers() | st.booleans()),
)
async def test_whatever_is_accepted_reads_back_and_repeats_as_a_duplicate(
    ctx: Context, text: str, value: float | None, context: dict[str, Any] | None
) -> None:
    without_encoder = replace(ctx, encoder=TextEncoder())
    sent = view("u", text=text, value=value, context=context)
    receipt = await record_behaviors(without_encoder, [sent])
    if receipt.accepted:
        ((_, behavior),) = await list_behaviors(ctx.db, "u", None, 1)
        assert (behavior.text, behavior.value) == (text, value)
        assert behavior.context == context
    if not receipt.rejected:
        assert (await record_behaviors(without_encoder, [sent])).duplicates == 1


async def test_a_deep_context_is_stored_or_refused(ctx: Context) -> None:
    for depth in (2, 10, 100, 900, 1500):
        context: dict[str, Any] = {}
        for _ in range(depth):
            context = {"": [context]} if depth < 1000 else {"": context}
        receipt = await record_behaviors(ctx, [view("u", behavior_id=str(depth), context=context)])
        assert receipt.accepted == (0 if receipt.rejected else 1)


async def test_bursts_and_robots_are_kept_and_flagged_across_batches(ctx: Context) -> None:
    strict = replace(ctx, ingest=IngestRules(burst_per_minute=3, robot_per_day=6))
    minute = [view("u", behavior_id=f"a{number}") for number in range(5)]
    later = [view("u", behavior_id=f"b{number}", occurred_at="2026-11-24T11:01:00Z") for number in range(2)]
    for batch in (minute[:2], minute[2:], minute, later):
        await record_behaviors(strict, batch)
    flags = [behavior.flag for _, behavior in await list_behaviors(ctx.db, "u", None, 10)][::-1]
    assert flags == [None, None, None, "burst", "burst", None, "robot"]


async def test_a_text_gets_its_vector_before_the_answer(ctx: Context) -> None:
    await record_behaviors(ctx, [{"user_id": "u", "type": "search", "text": "frozen pizza", "occurred_at": AT}])
    log = await load_log(ctx.db, "u", "key")
    assert log is not None
    assert log.rows[0].embedding is not None
    vector = np.frombuffer(log.rows[0].embedding, dtype=np.float16).astype(np.float32)
    expected = (await ctx.encoder.encode(["frozen pizza"]))[0]
    assert float(vector @ expected) > 0.99


async def test_without_the_encoder_the_behaviour_counts_and_waits(ctx: Context) -> None:
    away = replace(ctx, encoder=TextEncoder())
    receipt = await record_behaviors(away, [{"user_id": "u", "type": "search", "text": "pizza", "occurred_at": AT}])
    assert receipt.accepted == 1
    log = await load_log(ctx.db, "u", "key")
    assert log is not None
    assert log.rows[0].embedding is None


async def test_unmapped_types_and_unknown_items_are_warned_of_once(ctx: Context) -> None:
    batch = [view("u", "nowhere", type="veiw", behavior_id=str(number)) for number in range(3)]
    receipt = await record_behaviors(ctx, batch)
    assert receipt.accepted == 3
    assert [(warning.code, warning.pointer) for warning in receipt.warnings] == [
        ("type_unmapped", "/0/type"),
        ("item_unknown", ""),
    ]
    assert "`view`" in receipt.warnings[0].hint


async def test_unknown_items_are_refused_when_the_rules_say_so(ctx: Context) -> None:
    strict = replace(ctx, ingest=IngestRules(unknown_items="refuse"))
    await put_items(ctx.db, [Item("put-a-moment-ago")])
    receipt = await record_behaviors(strict, [view("u"), view("u", "put-a-moment-ago"), view("u", "nowhere")])
    assert receipt.accepted == 2
    assert [(one.index, one.fault.code) for one in receipt.rejected] == [(2, "item_unknown")]


async def test_a_large_batch_of_few_users_is_exact(ctx: Context) -> None:
    batch = [view(f"u{number % 7}", f"i{number % 50}", behavior_id=str(number)) for number in range(10_000)]
    assert (await record_behaviors(ctx, batch)).accepted == 10_000
    assert (await record_behaviors(ctx, batch[::-1])).duplicates == 10_000
    for user in range(7):
        of_user = [str(number) for number in range(user, 10_000, 7)]
        assert await stored(ctx, f"u{user}") == list(enumerate(of_user, start=1))
