"""The people. A change of attributes or consent is a new version of the profile, so it takes a place in the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.user import User
from app.storage.engine import Database
from app.storage.tables import users

_COLUMNS = (
    users.c.user_id,
    users.c.attributes,
    users.c.consent,
    users.c.last_seq,
    users.c.created_at,
    users.c.updated_at,
)


async def put_user(db: Database, user_id: str, attributes: Mapping[str, Any]) -> User:
    """Adds the user, or replaces the attributes; log and consent stay."""
    async with db.core() as connection:
        added = insert(users).values(user_id=user_id, attributes={}).on_conflict_do_nothing()
        await connection.execute(added)
        user = await _locked(connection, user_id)
        if user is None:
            raise LookupError("the user vanished between two statements of one transaction")
        return await _change(connection, user, dict(attributes), user.consent)


async def patch_user(
    db: Database, user_id: str, attributes: Mapping[str, Any], consent: bool | None = None
) -> User | None:
    """Merges into the attributes, None removes one; the user as they are then, None where there is none."""
    async with db.core() as connection:
        user = await _locked(connection, user_id)
        if user is None:
            return None
        merged = {name: value for name, value in (user.attributes | dict(attributes)).items() if value is not None}
        return await _change(connection, user, merged, user.consent if consent is None else consent)


async def get_user(db: Database, user_id: str) -> User | None:
    async with db.core() as connection:
        return _user((await connection.execute(select(*_COLUMNS).where(users.c.user_id == user_id))).one_or_none())


async def list_users(db: Database, after: str | None, limit: int) -> list[User]:
    """By id, behind `after`."""
    statement = select(*_COLUMNS).where(users.c.user_id > (after or "")).order_by(users.c.user_id).limit(limit)
    async with db.core() as connection:
        return [User(*row) for row in await connection.execute(statement)]


async def list_users_beginning(db: Database, start: str, limit: int) -> list[User]:
    """Those whose id begins with `start`, by id."""
    begins = users.c.user_id.startswith(start, autoescape=True)
    statement = select(*_COLUMNS).where(begins).order_by(users.c.user_id).limit(limit)
    async with db.core() as connection:
        return [User(*row) for row in await connection.execute(statement)]


async def count_users(db: Database) -> int:
    """Exact up to a hundred thousand, Postgres' own estimate beyond."""
    exact = select(func.count()).select_from(users).scalar_subquery()
    estimate = sql_text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'users'::regclass")
    async with db.core() as connection:
        about = int((await connection.execute(estimate)).scalar_one())
        return about if about > 100_000 else int((await connection.execute(select(exact))).scalar_one())


async def _locked(connection: AsyncConnection, user_id: str) -> User | None:
    statement = select(*_COLUMNS).where(users.c.user_id == user_id).with_for_update()
    return _user((await connection.execute(statement)).one_or_none())


async def _change(connection: AsyncConnection, user: User, attributes: dict[str, Any], consent: bool) -> User:
    if (user.attributes, user.consent) == (attributes, consent):
        return user
    statement = (
        update(users)
        .where(users.c.user_id == user.user_id)
        .values(attributes=attributes, consent=consent, last_seq=users.c.last_seq + 1, updated_at=func.now())
        .returning(*_COLUMNS)
    )
    return User(*(await connection.execute(statement)).one())


def _user(row: Any) -> User | None:
    return User(*row) if row is not None else None
