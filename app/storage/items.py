"""The catalogue. Every change leaves a row in `item_changes`, which each worker follows.

Writers of items wait for each other, so that the numbers of changes are committed in their order: who read all changes
up to n never misses one that comes later with a smaller number.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from app.domain.item import Item
from app.storage.engine import Connection, Database, Row

_STREAM_ROWS = 2_000
_WRITERS_LOCK = 7_067_102  # any number of our own
_FIELDS = "item_id, title, description, categories, attributes::text, domain, available, published_at"
_encode = msgspec.json.Encoder().encode

_PUT = """
WITH put AS (
    INSERT INTO items AS i (item_id, title, description, categories, attributes, domain, available, published_at)
    SELECT item_id, title, description, categories, attributes, domain, available, published_at
    FROM json_to_recordset(%s::json) AS sent(item_id text, title text, description text, categories text[],
        attributes jsonb, domain text, available bool, published_at timestamptz)
    ORDER BY item_id
    ON CONFLICT (item_id) DO UPDATE SET
        title = excluded.title, description = excluded.description, categories = excluded.categories,
        attributes = excluded.attributes, domain = excluded.domain, available = excluded.available,
        published_at = excluded.published_at, updated_at = now(),
        embedding = CASE WHEN (i.title, i.description, i.categories)
            = (excluded.title, excluded.description, excluded.categories) THEN i.embedding END,
        embedded_by = CASE WHEN (i.title, i.description, i.categories)
            = (excluded.title, excluded.description, excluded.categories) THEN i.embedded_by END
    WHERE (i.title, i.description, i.categories, i.attributes, i.domain, i.available, i.published_at)
        IS DISTINCT FROM (excluded.title, excluded.description, excluded.categories, excluded.attributes,
            excluded.domain, excluded.available, excluded.published_at)
    RETURNING item_id
)
INSERT INTO item_changes (item_id) SELECT item_id FROM put
"""
# Three index ranges rather than one `<>`, which no index can serve.
_WAITING = " UNION ALL ".join(
    f"(SELECT {_FIELDS} FROM items WHERE embedded_by {other} LIMIT %(limit)s)"
    for other in ("IS NULL", "< %(encoder)s", "> %(encoder)s")
)
# Words as websearch reads them, the last one also as a beginning; a title says more than a description.
_SEARCH = """
WITH asked AS (SELECT websearch_to_tsquery('simple', %(query)s)::text AS words),
query AS (SELECT (CASE WHEN words LIKE '%%''' THEN words || ':*' ELSE words END)::tsquery AS words FROM asked)
SELECT item_id FROM items, query
WHERE to_tsvector('simple', title || ' ' || description) @@ query.words
ORDER BY ts_rank(
    setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', description), 'D'), query.words
) DESC, item_id
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class StoredItem:
    """`embedding` is the raw float16 vector of the item's text by the encoder `embedded_by`; None while waiting."""

    item: Item
    embedding: bytes | None
    embedded_by: str | None


async def put_items(db: Database, items: Sequence[Item]) -> int:
    """Adds or replaces; the last one of an id stands. Returns how many are new or changed."""
    rows = [_sent(item) for item in {item.item_id: item for item in items}.values()]
    body = _encode(rows).decode()

    async def work(connection: Connection) -> int:
        await _wait_for_writers(connection)
        return (await connection.execute(_PUT, [body])).rowcount

    return await db.retried(work)


async def patch_item(db: Database, item_id: str, changes: Mapping[str, Any]) -> Item | None:
    """Replaces the named fields of an item; the item as it is then, None where there is none."""

    async def work(connection: Connection) -> Item | None:
        await _wait_for_writers(connection)
        found = await _load(connection, [item_id])
        if not found:
            return None
        changed = replace(found[0].item, **changes)
        await connection.execute(_PUT, [_encode([_sent(changed)]).decode()])
        return changed

    return await db.retried(work)


async def get_item(db: Database, item_id: str) -> Item | None:
    found = await load_items(db, [item_id])
    return found[0].item if found else None


async def delete_item(db: Database, item_id: str) -> bool:
    """True if there was one. Behaviours that name it stay."""

    async def work(connection: Connection) -> bool:
        await _wait_for_writers(connection)
        deleted = await connection.execute(
            "WITH gone AS (DELETE FROM items WHERE item_id = %s RETURNING item_id)"
            " INSERT INTO item_changes (item_id) SELECT item_id FROM gone",
            [item_id],
        )
        return deleted.rowcount > 0

    return await db.retried(work)


async def list_items(db: Database, after: str | None, limit: int, category: str | None) -> list[Item]:
    """By id, behind `after`; `category` as it was sent."""

    async def work(connection: Connection) -> list[Item]:
        cursor = await connection.execute(
            f"SELECT {_FIELDS} FROM items WHERE item_id > %(after)s"
            " AND (%(category)s::text IS NULL OR %(category)s = ANY(categories)) ORDER BY item_id LIMIT %(limit)s",
            {"after": after or "", "category": category, "limit": limit},
        )
        return [_item(row) for row in await cursor.fetchall()]

    return await db.tried(work)


async def load_items(db: Database, item_ids: Sequence[str]) -> list[StoredItem]:
    """In no particular order, unknown ids left out."""
    return await db.tried(lambda connection: _load(connection, item_ids))


async def known_items(db: Database, item_ids: Sequence[str]) -> set[str]:
    """Those of the ids that are in the catalogue."""

    async def work(connection: Connection) -> set[str]:
        cursor = await connection.execute("SELECT item_id FROM items WHERE item_id = ANY(%s)", [list(item_ids)])
        return {item_id for (item_id,) in await cursor.fetchall()}

    return await db.tried(work)


async def stream_items(db: Database) -> AsyncIterator[StoredItem]:
    """All of them, as of one moment, without holding them all in memory."""
    async with db.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        async with connection.cursor("all_items", binary=True) as cursor:
            cursor.itersize = _STREAM_ROWS
            await cursor.execute(f"SELECT {_FIELDS}, embedding, embedded_by FROM items")
            async for row in cursor:
                yield _stored(row)


async def items_to_embed(db: Database, encoder: str, limit: int) -> list[tuple[str, str]]:
    """(item_id, text) of items without a vector, or with one of another encoder."""

    async def work(connection: Connection) -> list[tuple[str, str]]:
        cursor = await connection.execute(f"{_WAITING} LIMIT %(limit)s", {"encoder": encoder, "limit": limit})
        return [(item.item_id, item.text) for item in map(_item, await cursor.fetchall())]

    return await db.tried(work)


async def read_share(db: Database, encoder: str) -> float:
    """The share of the items that have a vector of this encoder; 0 without any item."""

    async def work(connection: Connection) -> float:
        cursor = await connection.execute(
            "SELECT (SELECT count(*) FROM items WHERE embedded_by = %s)::float8 / greatest(count(*), 1) FROM items",
            [encoder],
        )
        (share,) = await cursor.fetchone() or (0.0,)
        return float(share)

    return await db.tried(work)


async def save_item_embeddings(db: Database, encoder: str, pairs: Sequence[tuple[str, str, bytes]]) -> None:
    """(item_id, the text it was made of, raw float16 vector); passed over where the text has changed since."""

    async def work(connection: Connection) -> None:
        await _wait_for_writers(connection)
        now = {stored.item.item_id: stored.item.text for stored in await _load(connection, [pair[0] for pair in pairs])}
        fitting = [(item_id, vector) for item_id, text, vector in pairs if now.get(item_id) == text]
        await connection.execute(
            "WITH saved AS (UPDATE items i SET embedding = v.embedding, embedded_by = %s"
            " FROM unnest(%s::text[], %s::bytea[]) AS v(item_id, embedding) WHERE i.item_id = v.item_id"
            " RETURNING i.item_id) INSERT INTO item_changes (item_id) SELECT item_id FROM saved",
            [encoder, [item_id for item_id, _ in fitting], [vector for _, vector in fitting]],
        )

    await db.retried(work)


async def search_words(db: Database, query: str, limit: int) -> list[str]:
    """Ids of the items with these words, best first; the last word may be the beginning of one."""

    async def work(connection: Connection) -> list[str]:
        cursor = await connection.execute(_SEARCH, {"query": query, "limit": limit})
        return [item_id for (item_id,) in await cursor.fetchall()]

    return await db.tried(work)


async def _wait_for_writers(connection: Connection) -> None:
    await connection.execute("SET LOCAL lock_timeout = '10s'")  # the writer before may put 10,000 items
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITERS_LOCK])


async def _load(connection: Connection, item_ids: Sequence[str]) -> list[StoredItem]:
    cursor = await connection.execute(
        f"SELECT {_FIELDS}, embedding, embedded_by FROM items WHERE item_id = ANY(%s)", [list(item_ids)], binary=True
    )
    return [_stored(row) for row in await cursor.fetchall()]


def _stored(row: Row) -> StoredItem:
    *fields, embedding, embedded_by = row
    return StoredItem(_item(fields), embedding, embedded_by)


def _item(row: Iterable[Any]) -> Item:
    item_id, title, description, categories, attributes, *rest = row
    return Item(item_id, title, description, tuple(categories), json.loads(attributes), *rest)


def _sent(item: Item) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "title": item.title,
        "description": item.description,
        "categories": item.categories,
        "attributes": item.attributes,
        "domain": item.domain,
        "available": item.available,
        "published_at": item.published_at,
    }
