"""Can this process answer, and how well: one line a part, a reason for each that is not well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from app.domain.errors import PortraitError
from app.services.context import NOT_LOADED, Context
from app.storage import migrate
from app.storage.durability import unsafe_settings
from app.storage.models import live_model
from app.storage.quarantine import count_quarantined

PartState = Literal["ok", "degraded", "failed"]
_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class Part:
    """`degraded`: answers are possible, but less good. `failed`: they are not."""

    state: PartState
    reason: str | None = None


OK = Part("ok")


@dataclass(frozen=True, slots=True)
class Health:
    ready: bool
    parts: dict[str, Part]


async def check_health(ctx: Context, refused: Mapping[str, str]) -> Health:
    """`refused` tells by kind of artifact why the live one does not serve (`Follower.problems`).

    Never raises and never takes longer than about 3 s.
    """
    database, migrations, durability, model, quarantine = await asyncio.gather(
        _guarded(_database(ctx)),
        _guarded(_migrations(ctx)),
        _guarded(_durability(ctx)),
        _guarded(_model(ctx, refused.get("generators"))),
        _guarded(_quarantine(ctx)),
    )
    parts = {
        "database": database,
        "migrations": migrations,
        "durability": durability,
        "index": _index(ctx, refused.get("space")),
        "model": Part("degraded", model.reason) if model.state == "failed" else model,
        "encoder": _encoder(ctx),
        "quarantine": Part("degraded", quarantine.reason) if quarantine.state == "failed" else quarantine,
    }
    return Health(all(part.state != "failed" for part in parts.values()), parts)


async def _guarded(part: Awaitable[Part]) -> Part:
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await part
    except PortraitError as error:
        return Part("failed", error.detail)
    except TimeoutError:
        return Part("failed", f"No answer within {_WITHIN_S:g} s.")


async def _database(ctx: Context) -> Part:
    await ctx.db.tried(lambda connection: connection.execute("SELECT 1"))
    return OK


async def _migrations(ctx: Context) -> Part:
    found, needed = await migrate.revision(ctx.db), _needed_revision()
    if found == needed:
        return OK
    return Part("failed", f"The database is at revision {found}, this release needs {needed}: `portrait db upgrade`.")


@cache
def _needed_revision() -> str:
    return migrate.head()


async def _durability(ctx: Context) -> Part:
    unsafe = await unsafe_settings(ctx.db)
    if not unsafe:
        return OK
    return Part("failed", f"Postgres may lose what it has confirmed: {', '.join(unsafe)} off. Switch it on.")


async def _model(ctx: Context, refused: str | None) -> Part:
    if refused:
        return Part("degraded", refused)
    if await live_model(ctx.db, "generators") is None:
        return Part("degraded", "Nothing has been learned from behaviours yet; text, habits and novelty serve.")
    return OK


async def _quarantine(ctx: Context) -> Part:
    n = await count_quarantined(ctx.db)
    if not n:
        return OK
    said = "1 behaviour cannot be folded and is" if n == 1 else f"{n} behaviours cannot be folded and are"
    return Part("degraded", f"{said} set apart: `portrait verify` counts them, `portrait redrive` tries them again.")


def _index(ctx: Context, refused: str | None) -> Part:
    if ctx.world.model_version == NOT_LOADED:
        return Part("failed", "The catalogue is still being loaded.")
    if refused:
        return Part("degraded", refused)
    return OK if ctx.world.catalogue.n_rows else Part("degraded", "The catalogue is empty.")


def _encoder(ctx: Context) -> Part:
    return OK if ctx.encoder.ready else Part("degraded", ctx.encoder.problem or "The text encoder is still loading.")
