"""Scenarios as they were put."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.storage.engine import Connection, Database
from app.storage.tables import scenarios

Put = tuple[str, dict[str, Any], datetime]


async def load_scenarios(db: Database) -> list[Put]:
    """(name, settings, when), by name; every worker asks for them every second."""

    async def work(connection: Connection) -> list[Put]:
        cursor = await connection.execute("SELECT name, settings, updated_at FROM scenarios ORDER BY name")
        return [(name, settings, updated_at) for name, settings, updated_at in await cursor.fetchall()]

    return await db.tried(work)


async def count_others(db: Database, name: str) -> int:
    async with db.core() as connection:
        statement = select(func.count()).select_from(scenarios).where(scenarios.c.name != name)
        return int((await connection.execute(statement)).scalar_one())


async def put_scenario(db: Database, name: str, settings: Mapping[str, Any]) -> None:
    """Adds it or replaces it whole."""
    put = insert(scenarios).values(name=name, settings=dict(settings))
    put = put.on_conflict_do_update(
        index_elements=[scenarios.c.name], set_={"settings": put.excluded.settings, "updated_at": func.now()}
    )
    async with db.core() as connection:
        await connection.execute(put)


async def delete_scenario(db: Database, name: str) -> bool:
    """True if there was one."""
    async with db.core() as connection:
        done = await connection.execute(scenarios.delete().where(scenarios.c.name == name).returning(scenarios.c.name))
        return done.first() is not None
