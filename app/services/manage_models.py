"""The versions of what was learned: which there are, and which of them serves."""

from __future__ import annotations

import asyncio

from app.domain.errors import ArtifactRefused, Conflict
from app.registry.store import Store
from app.storage import models
from app.storage.engine import Database
from app.storage.models import StoredModel


async def list_models(db: Database, kind: str | None, before: int | None, limit: int) -> list[StoredModel]:
    """Up to `limit` versions below `before`, the newest first."""
    return await models.list_models(db, kind, before, limit)


async def promote_model(db: Database, store: Store, version: int) -> StoredModel:
    """Every worker takes the version up within seconds.

    Raises NotFound `model_unknown`, and Conflict: `model_gone` when its files are no longer there as they were,
    `model_knows_erased` when it was learned from somebody who was erased since.
    """
    model = await models.get_model(db, version)
    try:
        await asyncio.to_thread(store.open, model.manifest)
    except ArtifactRefused as error:
        raise Conflict(
            f"The files of version {version} are gone or damaged; only the last {models.ROLLED_BACK_TO} that served "
            "are kept.",
            "Train again, or choose another version.",
            code="model_gone",
        ) from error
    await models.promote_version(db, version)
    return await models.get_model(db, version)


async def roll_back(db: Database, store: Store, kind: str) -> StoredModel:
    """The version that served before the live one serves again. Raises Conflict `no_earlier_model`."""
    previous = await models.previous_model(db, kind)
    if previous is None:
        raise Conflict(
            f"No earlier version of {kind} has served.", "`portrait models list` shows all.", code="no_earlier_model"
        )
    return await promote_model(db, store, previous.version)
