"""A new item space for all workers: half-whitened, clustered, indexed, on disk, live."""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from app.domain.item import Item
from app.domain.progress import Progress, unwatched
from app.index import snapshot
from app.services.context import Context
from app.storage.changes import changed_items, latest_change
from app.storage.items import items_to_embed, stream_items
from app.storage.models import LiveModel, kept_names, live_model, promote

KIND = "space"
# Share of the items that are new or changed when the space is made anew ...
STALE = 0.1
# ... and while more items wait for their vectors, as in an import: then it would be made again and again.
STALE_WHILE_WAITING = 1.0


async def publish_space(ctx: Context) -> int | None:
    """Its version; None when the live one is fresh enough or no item has a vector yet.

    A live one that is damaged on disk or was made by another encoder is not fresh.
    """
    live = await live_model(ctx.db, KIND)
    if live and await _is_fresh(ctx, live):
        return None
    return await renew_space(ctx)


async def renew_space(ctx: Context, progress: Progress = unwatched) -> int | None:
    """The version of a space that is made anew; None when no item has a vector yet."""
    progress(0.0, "read the items")
    encoder, change_no = ctx.encoder.name, await latest_change(ctx.db)
    items, raw = await _embedded(ctx, encoder)
    if not items:
        return None
    progress(0.2, "whiten, cluster and index")
    made = await asyncio.to_thread(snapshot.build, encoder, items, raw)
    progress(0.9, "publish")
    about = {"encoder": encoder, "n_items": len(items), "change_no": change_no}
    manifest = await asyncio.to_thread(ctx.store.publish, KIND, made.write, about)
    version = await promote(ctx.db, KIND, manifest)
    await asyncio.to_thread(ctx.store.prune, KIND, await kept_names(ctx.db, KIND))
    return version


async def _is_fresh(ctx: Context, live: LiveModel) -> bool:
    about = live.manifest["about"]
    if about["encoder"] != ctx.encoder.name or not await asyncio.to_thread(ctx.store.intact, live.manifest):
        return False
    _, changed = await changed_items(ctx.db, about["change_no"])
    waiting = await items_to_embed(ctx.db, ctx.encoder.name, 1)
    return len(changed) < (STALE_WHILE_WAITING if waiting else STALE) * about["n_items"] or not changed


async def _embedded(ctx: Context, encoder: str) -> tuple[list[Item], NDArray[np.float16]]:
    items: list[Item] = []
    vectors: list[bytes] = []
    async for stored in stream_items(ctx.db):
        if stored.embedding and stored.embedded_by == encoder:
            items.append(stored.item)
            vectors.append(stored.embedding)
    raw = np.frombuffer(b"".join(vectors), dtype=np.float16).reshape(len(items), -1) if items else np.empty((0, 0))
    return items, raw.astype(np.float16, copy=False)
