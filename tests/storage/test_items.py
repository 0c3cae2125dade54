"""The catalogue, its changes and its vectors."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import numpy as np

from app.domain.item import Item
from app.storage.changes import changed_items, latest_change
from app.storage.engine import Database
from app.storage.items import (
    delete_item,
    get_item,
    items_to_embed,
    list_items,
    load_items,
    patch_item,
    put_items,
    save_item_embeddings,
    search_words,
    stream_items,
)

VECTOR = np.ones(4, dtype=np.float16).tobytes()
PIZZA = Item(
    "pizza",
    "Frozen pizza",
    "With 'four' \\ cheeses\n\u2028 ü",
    ("Grocery > Frozen", 'Ünicode, "quoted" {braces}'),
    {"brand": "Roma", "grams": 400, "price": 2.99, "vegetarian": True},
    "shop",
    True,
    datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
)


async def test_an_item_reads_back_as_it_was_put(db: Database) -> None:
    assert await put_items(db, [PIZZA, Item("bare")]) == 2
    assert await get_item(db, "pizza") == PIZZA
    assert await get_item(db, "bare") == Item("bare")
    assert await get_item(db, "nothing") is None


async def test_only_what_changed_is_a_change(db: Database) -> None:
    await put_items(db, [PIZZA, Item("cola", "Cola")])
    before = await latest_change(db)
    assert await put_items(db, [PIZZA, Item("cola", "Cola zero"), Item("cola", "Cola light")]) == 1
    assert await changed_items(db, before) == (before + 1, ["cola"])
    assert await changed_items(db, before + 1) == (before + 1, [])


async def test_a_patch_changes_the_named_fields_only(db: Database) -> None:
    await put_items(db, [PIZZA])
    patched = await patch_item(db, "pizza", {"available": False, "attributes": {}})
    assert patched is not None
    assert (patched.available, patched.attributes, patched.title) == (False, {}, PIZZA.title)
    assert await get_item(db, "pizza") == patched
    assert await patch_item(db, "nothing", {}) is None


async def test_a_deleted_item_is_gone_and_a_change(db: Database) -> None:
    await put_items(db, [PIZZA])
    before = await latest_change(db)
    assert await delete_item(db, "pizza")
    assert not await delete_item(db, "pizza")
    assert (await changed_items(db, before))[1] == ["pizza"]


async def test_items_are_listed_by_id_and_category(db: Database) -> None:
    await put_items(db, [Item("c"), Item("a", categories=("x",)), Item("b", categories=("x", "y"))])
    assert [item.item_id for item in await list_items(db, None, 2, None)] == ["a", "b"]
    assert [item.item_id for item in await list_items(db, "b", 2, None)] == ["c"]
    assert [item.item_id for item in await list_items(db, None, 9, "x")] == ["a", "b"]


async def test_a_vector_lives_as_long_as_the_text_it_was_made_of(db: Database) -> None:
    await put_items(db, [PIZZA])
    assert await items_to_embed(db, "minilm", 9) == [("pizza", PIZZA.text)]
    await save_item_embeddings(db, "minilm", [("pizza", PIZZA.text, VECTOR)])
    assert await items_to_embed(db, "minilm", 9) == []
    assert await items_to_embed(db, "another", 9) == [("pizza", PIZZA.text)]
    await patch_item(db, "pizza", {"available": False})
    (stored,) = await load_items(db, ["pizza", "nothing"])
    assert (stored.embedding, stored.embedded_by) == (VECTOR, "minilm")
    await patch_item(db, "pizza", {"title": "Fresh pizza"})
    (stored,) = await load_items(db, ["pizza"])
    assert (stored.embedding, stored.embedded_by) == (None, None)


async def test_a_vector_of_a_text_that_changed_meanwhile_is_passed_over(db: Database) -> None:
    await put_items(db, [PIZZA, Item("cola", "Cola")])
    before = await latest_change(db)
    await patch_item(db, "pizza", {"title": "Fresh pizza"})
    await save_item_embeddings(db, "m", [("pizza", PIZZA.text, VECTOR), ("cola", "Cola", VECTOR), ("x", "", VECTOR)])
    assert [item_id for item_id, _ in await items_to_embed(db, "m", 9)] == ["pizza"]
    assert sorted((await changed_items(db, before + 1))[1]) == ["cola"]


async def test_all_items_stream_by(db: Database) -> None:
    await put_items(db, [Item(f"i{number:05}", f"Title {number}") for number in range(5_000)])
    found = [stored.item.item_id async for stored in stream_items(db)]
    assert sorted(found) == [f"i{number:05}" for number in range(5_000)]


async def test_words_are_found_in_titles_first_and_by_their_beginning(db: Database) -> None:
    await put_items(
        db,
        [
            Item("cheese", "Cheese", "good on a pizza"),
            Item("pizza", "Pizza", "Italian"),
            Item("cola", "Cola", "drink"),
        ],
    )
    assert await search_words(db, "pizza", 9) == ["pizza", "cheese"]
    assert await search_words(db, "PIZ", 9) == ["pizza", "cheese"]
    assert await search_words(db, "good piz", 9) == ["cheese"]
    assert await search_words(db, "pizza", 1) == ["pizza"]


async def test_words_of_any_script_are_found_whatever_their_case(db: Database) -> None:
    await put_items(db, [Item("a", "Jalapeño-Käse ÜBERBACKEN"), Item("b", "Сыр твёрдый")])
    assert await search_words(db, "käse überbacken", 9) == ["a"]
    assert await search_words(db, "СЫР", 9) == ["b"]


async def test_no_query_breaks_the_search(db: Database) -> None:
    await put_items(db, [PIZZA])
    for query in (
        "",
        " ",
        "'",
        "''",
        "\\",
        '"',
        '"a b',
        "a & | !",
        "-",
        "-pizza",
        "- (a",
        "a:*",
        "%s %",
        "pizza or",
        "❄",
    ):
        await search_words(db, query, 5)


async def test_the_numbers_of_changes_are_committed_in_their_order(db: Database) -> None:
    """A follower that polls while writers race sees every change."""
    seen: set[str] = set()
    n_items = 120

    async def follow() -> None:
        newest = 0
        while len(seen) < n_items:
            newest, item_ids = await changed_items(db, newest)
            seen.update(item_ids)

    async with asyncio.timeout(30):
        await asyncio.gather(follow(), *(put_items(db, [Item(f"i{number}")]) for number in range(n_items)))
    assert len(seen) == n_items
