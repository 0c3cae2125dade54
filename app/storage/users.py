"""The people. A change of attributes or consent is a new version of the profile, so it takes a place in the log.

An id that was merged stands for the user whose it is now. Whoever is being erased is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.errors import Conflict
from app.domain.user import User
from app.privacy.pseudonyms import pseudonym
from app.storage.engine import Database
from app.storage.tables import erasures, users

_COLUMNS = (
    users.c.user_id,
    users.c.attributes,
    users.c.consent,
    users.c.last_seq,
    users.c.created_at,
    users.c.updated_at,
)
# No alias of somebody else, and not about to be erased.
_HERE = (users.c.merged_into.is_(None), users.c.erase_job.is_(None))


async def put_user(db: Database, secret: str, user_id: str, attributes: Mapping[str, Any]) -> User:
    """Adds the user, or replaces the attributes; log and consent stay. Raises Conflict `user_erased`."""
    async with db.core() as connection:
        user = await _begun(connection, secret, user_id)
        return await _change(connection, user, dict(attributes), user.consent)


async def put_consent(db: Database, secret: str, user_id: str, consent: bool) -> User:
    """Adds the user where there is none: one may refuse before doing anything. Raises Conflict `user_erased`."""
    async with db.core() as connection:
        user = await _begun(connection, secret, user_id)
        return await _change(connection, user, user.attributes, consent)


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
        return _user((await connection.execute(_of(await whose_id(connection, user_id)))).one_or_none())


async def other_ids(db: Database, user_id: str) -> list[tuple[str, datetime]]:
    """(id, when it was merged into this user), the first first."""
    statement = select(users.c.user_id, users.c.merged_at).where(users.c.merged_into == user_id)
    async with db.core() as connection:
        return [(row[0], row[1]) for row in await connection.execute(statement.order_by(users.c.merged_at))]


async def list_users(db: Database, after: str | None, limit: int) -> list[User]:
    """By id, behind `after`."""
    statement = select(*_COLUMNS).where(users.c.user_id > (after or ""), *_HERE).order_by(users.c.user_id).limit(limit)
    async with db.core() as connection:
        return [User(*row) for row in await connection.execute(statement)]


async def list_users_beginning(db: Database, start: str, limit: int) -> list[User]:
    """Those whose id begins with `start`, by id."""
    begins = users.c.user_id.startswith(start, autoescape=True)
    statement = select(*_COLUMNS).where(begins, *_HERE).order_by(users.c.user_id).limit(limit)
    async with db.core() as connection:
        return [User(*row) for row in await connection.execute(statement)]


async def count_users(db: Database) -> int:
    """Exact up to a hundred thousand, Postgres' own estimate beyond."""
    exact = select(func.count()).select_from(users).where(*_HERE).scalar_subquery()
    estimate = sql_text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'users'::regclass")
    async with db.core() as connection:
        about = int((await connection.execute(estimate)).scalar_one())
        return about if about > 100_000 else int((await connection.execute(select(exact))).scalar_one())


async def _begun(connection: AsyncConnection, secret: str, user_id: str) -> User:
    """The user, locked; begun where there was none, behind the versions of one who was erased under this id."""
    added = insert(users).values(user_id=user_id, attributes={}).on_conflict_do_nothing()
    if (await connection.execute(added)).rowcount:
        past = select(erasures.c.last_seq, erasures.c.erased_at).where(
            erasures.c.pseudonym == pseudonym(secret, user_id)
        )
        if again := (await connection.execute(past)).one_or_none():
            await connection.execute(update(users).where(users.c.user_id == user_id).values(again._mapping))
    user = await _locked(connection, user_id)
    if user is None:
        raise being_erased()
    return user


async def _locked(connection: AsyncConnection, user_id: str) -> User | None:
    """An id that is merged just now leads on to the user whose it has become."""
    while True:
        whose = await whose_id(connection, user_id)
        found = (await connection.execute(_of(whose).with_for_update())).one_or_none()
        if found is not None or whose == await whose_id(connection, user_id):
            return _user(found)


async def whose_id(connection: AsyncConnection, user_id: str) -> str:
    statement = select(users.c.merged_into).where(users.c.user_id == user_id)
    return (await connection.execute(statement)).scalar_one_or_none() or user_id


def _of(user_id: str) -> Select[Any]:
    """A row that has become an alias, or is being erased, is nobody's."""
    return select(*_COLUMNS).where(
        users.c.user_id == user_id, users.c.merged_into.is_(None), users.c.erase_job.is_(None)
    )


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


def being_erased() -> Conflict:
    return Conflict("This user is being erased.", "Try again when the job that erases has ended.", code="user_erased")


def _user(row: Any) -> User | None:
    return User(*row) if row is not None else None
