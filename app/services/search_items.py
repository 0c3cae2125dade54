"""Items by words and by meaning: a text search of Postgres and a search in the item space, fused by their ranks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.domain.catalogue import Vectors
from app.domain.errors import NotFound, Unavailable
from app.domain.item import Item
from app.domain.recommendation import Wish
from app.retrieval.base import World
from app.services.context import Context
from app.services.recommend import recommend
from app.storage import items as store

# Cormack, Clarke and Büttcher (2009), "Reciprocal Rank Fusion"; their k, which is not sensitive.
_K = 60
_DEPTH = 200  # of each list that is fused
_PERSONAL = 0.5  # a taste breaks ties of the query, it does not overrule it


@dataclass(frozen=True, slots=True)
class Found:
    """`degraded` says that meaning could not be compared, only words (or the other way round)."""

    degraded: bool
    items: tuple[tuple[Item, float], ...]


async def search_items(ctx: Context, query: str, limit: int, user_id: str | None = None) -> Found:
    """The best `limit` available items for a query; a user's own recommendations among the hits come forward."""
    world = ctx.world
    by_words, by_meaning = await asyncio.gather(_by_words(ctx, query), _by_meaning(ctx, world, query))
    known = [ranks for ranks in (by_words, by_meaning) if ranks is not None]
    if not known:
        raise Unavailable("Neither words nor meaning can be searched just now.", "Try again in a few seconds.")
    scores = fuse([(ranks, 1.0) for ranks in known])
    if user_id is not None and scores:
        wish = Wish(limit=_DEPTH, candidates=tuple(scores), seen="include", diversity=0.0, explain="none")
        taste = [one.item_id for one in (await recommend(ctx, user_id, wish)).items]
        scores = fuse([*((ranks, 1.0) for ranks in known), (taste, _PERSONAL)])
    return Found(len(known) < 2, _best(world, scores, limit))


async def similar_items(ctx: Context, item_id: str, limit: int) -> Found:
    """The items closest in meaning, nearest first, without the item itself. NotFound `item_unknown`."""
    world = ctx.world
    row = world.catalogue.row_of.get(item_id)
    if row is None:
        raise NotFound("No item has this id.", "Check the id, or put the item first.", code="item_unknown")
    vector = world.space.vectors(np.array([row], dtype=np.int32))
    if not np.isfinite(vector).all():
        return Found(True, ())  # put a moment ago: its text is not encoded yet
    found = await asyncio.to_thread(_nearest, world, vector, limit + 1)
    items = world.catalogue.items
    return Found(False, tuple((items[near], score) for near, score in found if near != row)[:limit])


def has_vector(ctx: Context, item_id: str) -> bool:
    """Whether the text of an item is encoded, so that it can be found by its meaning."""
    row = ctx.world.catalogue.row_of.get(item_id)
    return row is not None and bool(np.isfinite(ctx.world.space.vectors(np.array([row], dtype=np.int32))).all())


def fuse(lists: Iterable[tuple[Sequence[str], float]]) -> dict[str, float]:
    """Sum over lists of weight / (k + rank), rank from 1."""
    scores: dict[str, float] = {}
    for ids, weight in lists:
        for rank, item_id in enumerate(ids, start=1):
            scores[item_id] = scores.get(item_id, 0.0) + weight / (_K + rank)
    return scores


async def _by_words(ctx: Context, query: str) -> list[str] | None:
    try:
        return await store.search_words(ctx.db, query, _DEPTH)
    except Unavailable:
        return None


async def _by_meaning(ctx: Context, world: World, query: str) -> list[str] | None:
    try:
        raw = await ctx.encoder.encode([query])
    except Unavailable:
        return None
    found = await asyncio.to_thread(_nearest, world, world.space.project(raw), _DEPTH)
    return [world.catalogue.items[row].item_id for row, _ in found]


def _nearest(world: World, vector: Vectors, n: int) -> list[tuple[int, float]]:
    """(1, D) -> rows and cosines of available items."""
    rows, cosines = world.space.search(vector, n, world.catalogue.available)
    pairs = zip(rows[0].tolist(), cosines[0].tolist(), strict=True)
    return [(row, cosine) for row, cosine in pairs if row >= 0]


def _best(world: World, scores: dict[str, float], limit: int) -> tuple[tuple[Item, float], ...]:
    ranked = sorted(scores.items(), key=lambda scored: -scored[1])
    rows = ((world.catalogue.row_of.get(item_id), score) for item_id, score in ranked)
    shown = [(world.catalogue.items[row], score) for row, score in rows if row is not None]
    return tuple((item, score) for item, score in shown if item.available)[:limit]
