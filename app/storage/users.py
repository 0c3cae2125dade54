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
from app.storage.vault import Seal, SealedUser, Vault

_COLUMNS = (
    users.c.user_id,
    users.c.attributes,
    users.c.consent,
    users.c.last_seq,
    users.c.created_at,
    users.c.updated_at,
    users.c.sealed_key,
    users.c.sealed_id,
)
ATTRIBUTES = "users.attributes"
# No alias of somebody else, and not about to be erased.
_HERE = (users.c.merged_into.is_(None), users.c.erase_job.is_(None))


async def put_user(db: Database, secret: str, user_id: str, attributes: Mapping[str, Any]) -> User:
    """Adds the user, or replaces the attributes; log and consent stay. Raises Conflict `user_erased`."""
    vault = await db.vault()
    async with db.core() as connection:
        user = await _begun(connection, vault, secret, user_id)
        return await _change(connection, vault, user, dict(attributes), user.consent)


async def put_consent(db: Database, secret: str, user_id: str, consent: bool) -> User:
    """Adds the user where there is none: one may refuse before doing anything. Raises Conflict `user_erased`."""
    vault = await db.vault()
    async with db.core() as connection:
        user = await _begun(connection, vault, secret, user_id)
        return await _change(connection, vault, user, user.attributes, consent)


async def patch_user(
    db: Database, user_id: str, attributes: Mapping[str, Any], consent: bool | None = None
) -> User | None:
    """Merges into the attributes, None removes one; the user as they are then, None where there is none."""
    vault = await db.vault()
    async with db.core() as connection:
        user = await _locked(connection, vault, vault.name(user_id))
        if user is None:
            return None
        merged = {name: value for name, value in (user.attributes | dict(attributes)).items() if value is not None}
        return await _change(connection, vault, user, merged, user.consent if consent is None else consent)


async def get_user(db: Database, user_id: str) -> User | None:
    vault = await db.vault()
    async with db.core() as connection:
        row = (await connection.execute(_of(await _whose(connection, vault.name(user_id))))).one_or_none()
        return _user(vault, row) if row is not None else None


async def other_ids(db: Database, user_id: str) -> list[tuple[str, datetime]]:
    """(id, when it was merged into this user), the first first."""
    vault = await db.vault()
    columns = (users.c.user_id, users.c.merged_at, users.c.sealed_key, users.c.sealed_id)
    statement = select(*columns).where(users.c.merged_into == vault.name(user_id)).order_by(users.c.merged_at)
    async with db.core() as connection:
        return [
            (vault.user_id(name, SealedUser(*sealed)), merged_at)
            for name, merged_at, *sealed in await connection.execute(statement)
        ]


async def list_users(db: Database, after: str | None, limit: int) -> list[User]:
    """By id, or where the database is encrypted by its keyed hash, behind `after`."""
    vault = await db.vault()
    behind = users.c.user_id > (vault.name(after) if after else "")
    return await _some(db, vault, select(*_COLUMNS).where(behind, *_HERE).order_by(users.c.user_id).limit(limit))


async def list_users_beginning(db: Database, start: str, limit: int) -> list[User]:
    """Those whose id begins with `start`, by id; of an encrypted database only who has this very id."""
    vault = await db.vault()
    begins = users.c.user_id.startswith(start, autoescape=True)
    fits = users.c.user_id == vault.name(start) if vault.seals else begins
    return await _some(db, vault, select(*_COLUMNS).where(fits, *_HERE).order_by(users.c.user_id).limit(limit))


async def _some(db: Database, vault: Vault, statement: Select[Any]) -> list[User]:
    async with db.core() as connection:
        return [_user(vault, row) for row in await connection.execute(statement)]


async def count_users(db: Database) -> int:
    """Exact up to a hundred thousand, Postgres' own estimate beyond."""
    exact = select(func.count()).select_from(users).where(*_HERE).scalar_subquery()
    estimate = sql_text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'users'::regclass")
    async with db.core() as connection:
        about = int((await connection.execute(estimate)).scalar_one())
        return about if about > 100_000 else int((await connection.execute(select(exact))).scalar_one())


async def _begun(connection: AsyncConnection, vault: Vault, secret: str, user_id: str) -> User:
    """The user, locked; begun where there was none, behind the versions of one who was erased under this id."""
    name = vault.name(user_id)
    fresh = {"user_id": name, "attributes": {}} | vault.begin(name, user_id)._asdict()
    added = insert(users).values(fresh).on_conflict_do_nothing()
    if (await connection.execute(added)).rowcount:
        past = select(erasures.c.last_seq, erasures.c.erased_at).where(
            erasures.c.pseudonym == pseudonym(secret, user_id)
        )
        if again := (await connection.execute(past)).one_or_none():
            await connection.execute(update(users).where(users.c.user_id == name).values(again._mapping))
    user = await _locked(connection, vault, name)
    if user is None:
        raise being_erased()
    return user


async def _locked(connection: AsyncConnection, vault: Vault, name: str) -> User | None:
    """An id that is merged just now leads on to the user whose it has become."""
    while True:
        whose = await _whose(connection, name)
        found = (await connection.execute(_of(whose).with_for_update())).one_or_none()
        if found is not None or whose == await _whose(connection, name):
            return _user(vault, found) if found is not None else None


async def _whose(connection: AsyncConnection, name: str) -> str:
    statement = select(users.c.merged_into).where(users.c.user_id == name)
    return (await connection.execute(statement)).scalar_one_or_none() or name


def _of(name: str) -> Select[Any]:
    """A row that has become an alias, or is being erased, is nobody's."""
    return select(*_COLUMNS).where(users.c.user_id == name, users.c.merged_into.is_(None), users.c.erase_job.is_(None))


async def _change(
    connection: AsyncConnection, vault: Vault, user: User, attributes: dict[str, Any], consent: bool
) -> User:
    if (user.attributes, user.consent) == (attributes, consent):
        return user
    name = vault.name(user.user_id)
    seal = await _seal(connection, vault, name)
    statement = (
        update(users)
        .where(users.c.user_id == name)
        .values(
            attributes=seal.tree(ATTRIBUTES, attributes),
            consent=consent,
            last_seq=users.c.last_seq + 1,
            updated_at=func.now(),
        )
        .returning(*_COLUMNS)
    )
    return _user(vault, (await connection.execute(statement)).one())


async def _seal(connection: AsyncConnection, vault: Vault, name: str) -> Seal:
    """Of a user whose row is locked."""
    if not vault.seals:
        return Seal(name)
    found = await connection.execute(select(users.c.sealed_key).where(users.c.user_id == name))
    return vault.seal(name, found.scalar_one())


def being_erased() -> Conflict:
    return Conflict("This user is being erased.", "Try again when the job that erases has ended.", code="user_erased")


def _user(vault: Vault, row: Any) -> User:
    name, attributes, *rest, sealed_key, sealed_id = row
    attributes = vault.seal(name, sealed_key).read_tree(ATTRIBUTES, attributes)
    return User(vault.user_id(name, SealedUser(sealed_key, sealed_id)), attributes, *rest)
