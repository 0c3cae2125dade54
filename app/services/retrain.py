"""The generators learn from the whole log, and every worker takes up what they learned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from app.ingest.weigh import Weights
from app.services.context import Context
from app.storage.behaviors import copy_log, count_behaviors
from app.storage.models import promote
from app.training.dataset import read_log
from app.training.generators import fit_generators

KIND = "generators"
KEPT = 3
KEPT = 3


async def retrain(ctx: Context) -> int | None:
    """The version that now serves; None when the log holds nothing that speaks for an item."""
    n_log = await count_behaviors(ctx.db)
    csv = b"".join([chunk async for chunk in copy_log(ctx.db)])
    fitted = await asyncio.to_thread(_fit, csv, ctx.ingest.weights)
    if fitted is None:
        return None
    write, about = fitted
    manifest = await asyncio.to_thread(ctx.store.publish, KIND, write, about | {"n_log": n_log})
    version = await promote(ctx.db, KIND, manifest)
    await asyncio.to_thread(ctx.store.prune, KIND, KEPT)
    return version


def _fit(csv: bytes, weights: Weights) -> tuple[Callable[[Path], None], dict[str, int]] | None:
    log = read_log(csv, weights)
    if not len(log.at):
        return None
    return fit_generators(log), {"n_behaviors": len(log.at), "n_users": log.n_users, "n_items": len(log.item_ids)}
