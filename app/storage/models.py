"""Versions of each kind of trained artifact, and which is live. A row is written last, after the files are safe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Select, case, cast, exists, func, insert, or_, select, update

from app.domain.errors import Conflict, NotFound
from app.storage.engine import Database
from app.storage.learned import KIND as ONLINE
from app.storage.tables import erasures, models

ENCODER = "encoder"  # the one kind that serves by a setting, not by its promotion
LEARNED = ("generators", ENCODER)  # the kinds that are learned from people
_MOMENT = DateTime(timezone=True)
ROLLED_BACK_TO = 3  # how many of the versions promoted last keep their files


@dataclass(frozen=True, slots=True)
class LiveModel:
    version: int
    manifest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredModel:
    """`promoted_at` is None for a challenger that lost; `live` is the one of its kind that was promoted last."""

    version: int
    kind: str
    manifest: dict[str, Any]
    verdict: dict[str, Any] | None
    created_at: datetime
    promoted_at: datetime | None
    live: bool


async def register(
    db: Database, kind: str, manifest: dict[str, Any], verdict: dict[str, Any] | None, promoted: bool
) -> int:
    """Keeps a new version and what was judged of it, and makes it live when `promoted`; returns the version.

    One that knows somebody who was erased meanwhile does not become live.
    """
    row = {"kind": kind, "manifest": manifest, "verdict": verdict}
    read_at = manifest.get("about", {}).get("log_read_at")
    promoted_at = func.now() if read_at is None else case((_is_forgetful(read_at), func.now()))
    statement = insert(models).values(row | ({"promoted_at": promoted_at} if promoted else {}))
    async with db.core() as connection:
        return int((await connection.execute(statement.returning(models.c.version))).scalar_one())


async def promote(db: Database, kind: str, manifest: dict[str, Any]) -> int:
    """Makes an artifact that nobody judges the live one of its kind; returns its version."""
    return await register(db, kind, manifest, None, promoted=True)


async def promote_version(db: Database, version: int) -> None:
    """Makes a version live, again or for the first time.

    Raises NotFound `model_unknown`, and Conflict `model_knows_erased` where it was learned from somebody who was erased
    since.
    """
    await get_model(db, version)
    read_at = func.coalesce(models.c.manifest["about"]["log_read_at"].astext.cast(_MOMENT), models.c.created_at)
    allowed = or_(models.c.kind.not_in(LEARNED), _is_forgetful(read_at))
    statement = update(models).where(models.c.version == version, allowed).values(promoted_at=func.now())
    async with db.core() as connection:
        if not (await connection.execute(statement)).rowcount:
            raise Conflict(
                f"Version {version} was learned from somebody who was erased since.",
                "Train again: POST /jobs or `portrait train`.",
                code="model_knows_erased",
            )


async def live_model(db: Database, kind: str) -> LiveModel | None:
    """The one promoted last; None before the first."""
    statement = _by_promotion(select(models.c.version, models.c.manifest), kind).limit(1)
    async with db.core() as connection:
        found = (await connection.execute(statement)).one_or_none()
    return LiveModel(found.version, found.manifest) if found else None


async def previous_model(db: Database, kind: str) -> StoredModel | None:
    """The newest version before the live one that was live itself; None where there is none."""
    live = await live_model(db, kind)
    if live is None:
        return None
    found = await _found(db, models.c.kind == kind, models.c.promoted_at.is_not(None), models.c.version < live.version)
    return found[0] if found else None


async def get_model(db: Database, version: int) -> StoredModel:
    """Raises NotFound `model_unknown`."""
    found = await _found(db, models.c.version == version)
    if not found:
        raise _unknown()
    return found[0]


async def list_models(
    db: Database, kind: str | None = None, before: int | None = None, limit: int = 50
) -> list[StoredModel]:
    """Newest version first, those below the version `before`."""
    wanted = [models.c.kind == kind] if kind else []
    return await _found(db, *wanted, *([models.c.version < before] if before is not None else []), limit=limit)


async def kept_names(db: Database, kind: str) -> set[str]:
    """Names of the artifacts one may go back to."""
    statement = _by_promotion(select(models.c.manifest["name"].astext), kind).limit(ROLLED_BACK_TO)
    async with db.core() as connection:
        return set((await connection.execute(statement)).scalars())


def _is_forgetful(read_at: Any) -> ColumnElement[bool]:
    """Whether nobody was erased since the moment that the log was read at."""
    return ~exists().where(erasures.c.deleted_at > cast(read_at, _MOMENT))


def _by_promotion(statement: Select[Any], kind: str) -> Select[Any]:
    return statement.where(models.c.kind == kind, models.c.promoted_at.is_not(None)).order_by(
        models.c.promoted_at.desc(), models.c.version.desc()
    )


async def _found(db: Database, *wanted: ColumnElement[bool], limit: int = 1) -> list[StoredModel]:
    other = models.alias()
    live = (
        select(other.c.version)
        .where(other.c.kind == models.c.kind, other.c.promoted_at.is_not(None))
        .order_by(other.c.promoted_at.desc(), other.c.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    names = ("version", "kind", "manifest", "verdict", "created_at", "promoted_at")
    is_live = func.coalesce(models.c.version == live, False)
    statement: Select[Any] = select(*(models.c[name] for name in names), is_live)
    # What learns online continues another model: nobody looks it up or goes back to it.
    statement = statement.where(models.c.kind != ONLINE, *wanted).order_by(models.c.version.desc()).limit(limit)
    async with db.core() as connection:
        return [StoredModel(*row) for row in await connection.execute(statement)]


def _unknown() -> NotFound:
    return NotFound("No model has this version.", "GET /models lists all of them.", code="model_unknown")
