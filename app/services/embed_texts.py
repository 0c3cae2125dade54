"""Items and words that wait for the encoder get their vectors."""

from __future__ import annotations

from collections import Counter

from app.services.context import Context
from app.storage.behaviors import save_text_embeddings, texts_to_embed
from app.storage.edits import save_wish_embeddings, wishes_to_embed
from app.storage.items import items_to_embed, save_item_embeddings

# A few seconds of short texts: what is lost when the process dies, and how far progress goes at a time.
BATCH = 1_000
LOOKED_AT = 10_000


async def embed_texts(ctx: Context) -> int:
    """One batch of items, of behaviours and of wishes; returns how many got a vector, 0 when nothing waits.

    Nothing happens while the encoder is loading. Raises Unavailable when it or the database fails.
    """
    if not ctx.encoder.ready:
        return 0
    return await _embed_items(ctx) + await _embed_behaviors(ctx) + await _embed_wishes(ctx)


async def _embed_items(ctx: Context) -> int:
    """What most items say comes first: 1,000 of the 15,000 texts of 68,509 groceries are those of half of them."""
    waiting = await items_to_embed(ctx.db, ctx.encoder.name, LOOKED_AT)
    texts = [text for text, _ in Counter(text for _, text in waiting).most_common(BATCH)]
    vectors = dict(zip(texts, await ctx.encoder.encode_raw(texts), strict=True))
    found = [(item_id, text, vectors[text]) for item_id, text in waiting if text in vectors]
    if found:
        await save_item_embeddings(ctx.db, ctx.encoder.name, found)
    return len(found)


async def _embed_behaviors(ctx: Context) -> int:
    waiting = await texts_to_embed(ctx.db, ctx.encoder.name, BATCH)
    vectors = await ctx.encoder.encode_raw([text for *_, text in waiting])
    if waiting:
        found = [(user, behavior, vector) for (user, behavior, *_), vector in zip(waiting, vectors, strict=True)]
        await save_text_embeddings(ctx.db, ctx.encoder.name, found)
    return len(waiting)


async def _embed_wishes(ctx: Context) -> int:
    waiting = await wishes_to_embed(ctx.db, ctx.encoder.name, BATCH)
    vectors = await ctx.encoder.encode_raw([wish for *_, wish in waiting])
    if waiting:
        found = [(user, edit, vector) for (user, edit, _), vector in zip(waiting, vectors, strict=True)]
        await save_wish_embeddings(ctx.db, ctx.encoder.name, found)
    return len(waiting)
