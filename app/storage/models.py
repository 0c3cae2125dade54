"""Which version of each kind of trained artifact is live. The row is written last, after the files are safe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select

from app.storage.engine import Database
from app.storage.tables import models


@dataclass(frozen=True, slots=True)
class LiveModel:
    version: int
    manifest: dict[str, Any]


async def promote(db: Database, kind: str, manifest: dict[str, Any]) -> int:
    """Makes an artifact the live one of its kind; returns its version."""
    statement = insert(models).values(kind=kind, manifest=manifest, promoted_at=func.now()).returning(models.c.version)
    async with db.core() as connection:
        return int((await connection.execute(statement)).scalar_one())


async def live_model(db: Database, kind: str) -> LiveModel | None:
    """The one promoted last; None before the first."""
    statement = (
        select(models.c.version, models.c.manifest)
        .where(models.c.kind == kind, models.c.promoted_at.is_not(None))
        .order_by(models.c.promoted_at.desc(), models.c.version.desc())
        .limit(1)
    )
    async with db.core() as connection:
        found = (await connection.execute(statement)).one_or_none()
    return LiveModel(found.version, found.manifest) if found else None
