"""How much there is."""

from __future__ import annotations

from dataclasses import dataclass

from app.services.context import Context
from app.storage.behaviors import count_behaviors
from app.storage.users import count_users


@dataclass(frozen=True, slots=True)
class Counts:
    """`users` and `behaviors` are exact up to a hundred thousand, Postgres' own estimates beyond."""

    users: int
    items: int
    available: int
    behaviors: int


async def count_all(ctx: Context) -> Counts:
    """Raises Unavailable while the database is away."""
    catalogue = ctx.world.catalogue
    return Counts(
        users=await count_users(ctx.db),
        items=len(catalogue.row_of),
        available=int(catalogue.available.sum()),
        behaviors=await count_behaviors(ctx.db),
    )
