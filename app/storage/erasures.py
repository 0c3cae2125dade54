"""A user leaves: hidden when it is asked for, deleted by a job, remembered by a keyed hash so that nothing brings them
back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from app.domain.errors import NotFound
from app.domain.job import ERASE, Job
from app.privacy.pseudonyms import mark_of, pseudonym, signed
from app.storage.engine import Connection, Database
from app.storage.jobs import NAMES, new_job_id
from app.storage.tables import metadata
from app.storage.vault import SealedUser, Vault

# Whatever belongs to a user, children first: a new table with this column is erased too.
OWNED = [table.name for table in reversed(metadata.sorted_tables) if "user_id" in table.c]
# Recorded without a look at the user: held still while they are deleted, and whoever waits sees the erasure afterwards.
_UNHELD = "LOCK TABLE recommendations IN SHARE ROW EXCLUSIVE MODE"
# Behaviours whose repeat cannot be told by its time. More of them than this is no person's, and ids made here never
# come again.
MOST_MARKS = 10_000
_MARKED = """
SELECT behavior_id FROM behaviors
WHERE user_id = ANY(%s) AND (occurred_at > %s OR NOT timed AND behavior_id !~ '^n-[0-9a-f]{32}$')
ORDER BY received_at DESC LIMIT %s
"""
_ALL_IDS = """
SELECT user_id, last_seq, sealed_key, sealed_id FROM users WHERE %s IN (user_id, merged_into)
ORDER BY user_id FOR UPDATE
"""
_REMEMBER = """
INSERT INTO erasures AS e (pseudonym, erased_at, deleted_at, last_seq, behaviors, job_id)
VALUES (%s, %s, clock_timestamp(), %s, %s, %s)
ON CONFLICT (pseudonym) DO UPDATE SET
    erased_at = excluded.erased_at, deleted_at = excluded.deleted_at, last_seq = excluded.last_seq,
    behaviors = e.behaviors || excluded.behaviors, job_id = excluded.job_id, receipt = NULL
RETURNING deleted_at
"""


async def ask_erasure(db: Database, user_id: str) -> Job:
    """The job that will erase the user, whom nobody sees from now on; the one that waits already when asked again.

    Raises NotFound `user_unknown`.
    """
    vault = await db.vault()

    async def work(connection: Connection) -> Job:
        found = await _held(connection, vault.name(user_id))
        if found is None:
            raise NotFound("No user has this id.", "There is nothing to erase.", code="user_unknown")
        whose, job_id = found
        if job_id and not (job := await _job(connection, job_id)).ended:
            return job
        await connection.execute("INSERT INTO jobs (job_id, kind) VALUES (%s, %s)", [job_id := new_job_id(), ERASE])
        await connection.execute("UPDATE users SET erase_job = %s WHERE user_id = %s", [job_id, whose])
        return await _job(connection, job_id)

    return await db.retried(work)


async def erase(db: Database, secret: str, job_id: str) -> dict[str, Any] | None:
    """Deletes the user of this job; the signed receipt, also when that was done before. None where nobody waits for it.

    All in one transaction: whenever it breaks off, the user is whole and hidden, or gone. Their key leaves the memory
    of this process at once, that of others when their `Forgetter` looks.
    """
    vault = await db.vault()

    async def work(connection: Connection) -> dict[str, Any] | None:
        await connection.execute("SET LOCAL statement_timeout = 0")
        cursor = await connection.execute("SELECT user_id FROM users WHERE erase_job = %s FOR UPDATE", [job_id])
        row = await cursor.fetchone()
        return await _erased(connection, vault, secret, job_id, row[0]) if row else await _receipt(connection, job_id)

    receipt = await db.retried(work)
    vault.forget()
    return receipt


async def last_erasure(db: Database) -> datetime | None:
    """When somebody was deleted last."""

    async def work(connection: Connection) -> datetime | None:
        cursor = await connection.execute("SELECT max(deleted_at) FROM erasures")
        moment: datetime | None
        ((moment,),) = await cursor.fetchall()
        return moment

    return await db.tried(work)


async def between_erasures(db: Database) -> datetime:
    """A moment: who was deleted before it is not seen by what is read from now on, and no erasure is under way."""

    async def work(connection: Connection) -> datetime:
        await connection.execute("LOCK TABLE erasures IN SHARE MODE")
        cursor = await connection.execute("SELECT clock_timestamp()")
        moment: datetime
        ((moment,),) = await cursor.fetchall()
        return moment

    return await db.retried(work)


async def _held(connection: Connection, name: str) -> tuple[str, str | None] | None:
    """(whose id it is, as stored, the job that erases them), locked."""
    while True:
        cursor = await connection.execute(
            "SELECT user_id, erase_job, merged_into FROM users WHERE user_id = %s FOR UPDATE", [name]
        )
        row = await cursor.fetchone()
        if row is None or row[2] is None:
            return row[:2] if row else None
        name = row[2]


async def _job(connection: Connection, job_id: str) -> Job:
    async with connection.cursor(row_factory=class_row(Job)) as cursor:
        await cursor.execute(f"SELECT {', '.join(NAMES)} FROM jobs WHERE job_id = %s", [job_id])
        job = await cursor.fetchone()
    if job is None:
        raise LookupError("the job of an erasure is gone")
    return job


async def _erased(connection: Connection, vault: Vault, secret: str, job_id: str, whose: str) -> dict[str, Any]:
    cursor = await connection.execute(_ALL_IDS, [whose])
    rows = await cursor.fetchall()
    versions: dict[str, int] = {name: last_seq for name, last_seq, *_ in rows}
    user_ids = {name: vault.user_id(name, SealedUser(*sealed)) for name, _, *sealed in rows}
    asked_at = (await _job(connection, job_id)).created_at
    cursor = await connection.execute(_MARKED, [list(versions), asked_at, MOST_MARKS])
    marks = [mark_of(secret, behavior_id) for (behavior_id,) in await cursor.fetchall()]
    await connection.execute(_UNHELD)
    deleted = {table: await _deleted(connection, table, list(versions)) for table in OWNED}
    for one, last_seq in versions.items():
        name = pseudonym(secret, user_ids[one])
        await connection.execute(_REMEMBER, [name, asked_at, last_seq + 1, marks, job_id])
    name = pseudonym(secret, user_ids[whose])
    receipt = signed(secret, {"user": name.hex(), "erased_at": asked_at.isoformat(), "deleted": deleted})
    await connection.execute("UPDATE erasures SET receipt = %s WHERE pseudonym = %s", [Jsonb(receipt), name])
    return receipt


async def _deleted(connection: Connection, table: str, user_ids: list[str]) -> int:
    return (await connection.execute(f"DELETE FROM {table} WHERE user_id = ANY(%s)", [user_ids])).rowcount


async def _receipt(connection: Connection, job_id: str) -> dict[str, Any] | None:
    cursor = await connection.execute(
        "SELECT receipt FROM erasures WHERE job_id = %s AND receipt IS NOT NULL", [job_id]
    )
    row = await cursor.fetchone()
    return row[0] if row else None
