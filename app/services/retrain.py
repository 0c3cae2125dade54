"""A new model from the whole log: judged, published, and taken up by every worker."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from app.domain.progress import Progress, unwatched
from app.retrieval.base import World
from app.services.context import Context
from app.services.follow import GENERATORS, Follower
from app.storage.behaviors import copy_log, count_behaviors
from app.storage.erasures import between_erasures
from app.storage.items import read_share
from app.storage.models import kept_names, register
from app.training.dataset import read_log
from app.training.pipeline import FORMAT, Learned, learn


async def retrain(ctx: Context, report: Progress = unwatched) -> int | None:
    """The new version; None when the log holds nothing that speaks for an item.

    It serves from now on, unless somebody was erased since the log was read: then the next one will. Sources are always
    those of the whole log; who orders what they find is what is judged. `report` is called from another thread too, and
    ends it all by raising.
    """
    report(0.0, "reading the log")
    log_read_at = (await between_erasures(ctx.db)).isoformat()
    made_of = {"n_log": await count_behaviors(ctx.db), "read_share": await read_share(ctx.db, ctx.encoder.name)}
    world = await _world(ctx)
    csv = b"".join([chunk async for chunk in copy_log(ctx.db)])
    fitted = await asyncio.to_thread(_learn, ctx, world, csv, report)
    if fitted is None:
        return None
    learned, about = fitted
    about |= made_of | {"log_read_at": log_read_at}
    manifest = await asyncio.to_thread(ctx.store.publish, GENERATORS, learned.write, about)
    version = await register(ctx.db, GENERATORS, manifest, learned.verdict, promoted=True)
    await asyncio.to_thread(ctx.store.prune, GENERATORS, await kept_names(ctx.db, GENERATORS))
    return version


async def _world(ctx: Context) -> World:
    """Catalogue, space and champion as they are at this moment, for this learning alone."""
    own = replace(ctx)
    await Follower(own).start()
    return own.world


def _learn(ctx: Context, world: World, csv: bytes, report: Progress) -> tuple[Learned, dict[str, Any]] | None:
    log = read_log(csv, ctx.ingest.weights)
    if not (log.weights > 0).any():
        return None
    learned = learn(log, world.catalogue, world.space, ctx.plan, world.policies, report)
    about = {"format": FORMAT, "n_behaviors": len(log.at), "n_users": log.n_users, "n_items": len(log.item_ids)}
    return learned, about | learned.about
