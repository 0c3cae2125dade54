"""Two ids of one person become one user: the log of the one moves behind that of the other, once.

Rows of `users` are locked first, in sorted order as ingest does. The row of the id that is merged stays as an alias, so
that whoever appends to it at the same time finds it locked, waits, and then learns whose it has become.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import errors
from psycopg.types.json import Jsonb

from app.domain.behavior import Behavior
from app.domain.errors import Conflict
from app.ingest.dedupe import same_payload
from app.storage.begin import begin
from app.storage.behaviors import FACT, behavior_of
from app.storage.engine import Connection, Database, Row
from app.storage.reseal import reseal
from app.storage.users import ATTRIBUTES, being_erased
from app.storage.vault import Seal, SealedUser, Vault

# What becomes of each table with a user in it; a test asks whenever there is a new one.
MOVED = ("behaviors", "edits", "recommendations", "quarantine")
STAYING = ("users", "unlearned")
DROPPED = ("checkpoints", "narrations", "narrations_wanted", "learned")
_LOCK = """
SELECT user_id, merged_into, consent, erase_job IS NOT NULL, attributes, sealed_key, sealed_id
FROM users WHERE user_id = ANY(%s) ORDER BY user_id FOR UPDATE
"""
_TWINS = f"""
SELECT {FACT} FROM behaviors JOIN users USING (user_id)
WHERE user_id = %s AND behavior_id IN (SELECT behavior_id FROM behaviors WHERE user_id = %s)
"""
# What was learned of the id is taken back by the next step of `learn_online`: the rows are new to whoever has them now.
_UNLEARN = """
WITH gone AS (DELETE FROM learned WHERE user_id = %s RETURNING *)
INSERT INTO unlearned (user_id, behavior_id, seq, item_id, type, occurred_at, value)
SELECT user_id, behavior_id, behaviors.seq, item_id, type, occurred_at, value FROM behaviors JOIN gone USING (user_id)
WHERE behaviors.seq <= gone.seq AND item_id IS NOT NULL AND flag IS NULL
"""
# All places move on together, so that the order stays; where nothing is moved, places stay empty.
# `received_at` is when a row entered this log: who has news for learning is told by it.
_MOVE = """
INSERT INTO behaviors (user_id, behavior_id, seq, type, occurred_at, timed, item_id, text, value, extra, flag,
    embedding, embedded_by)
SELECT %(into)s, behavior_id, u.last_seq + a.seq, type, occurred_at, timed, item_id, text,
    value, extra, flag, embedding, embedded_by
FROM behaviors a, users u WHERE a.user_id = %(gone)s AND u.user_id = %(into)s AND NOT EXISTS
    (SELECT FROM behaviors b WHERE b.user_id = %(into)s AND b.behavior_id = a.behavior_id)
"""
_MOVE_EDITS = """
UPDATE edits e SET user_id = %(into)s, seq = u.last_seq + e.seq, reverted_seq = u.last_seq + e.reverted_seq
FROM users u WHERE e.user_id = %(gone)s AND u.user_id = %(into)s AND NOT EXISTS
    (SELECT FROM edits o WHERE o.user_id = %(into)s AND o.edit_id = e.edit_id)
"""
_MOVE_DECISIONS = """
UPDATE recommendations r SET user_id = %(into)s, profile_version = u.last_seq + r.profile_version
FROM users u WHERE r.user_id = %(gone)s AND u.user_id = %(into)s
"""
_MOVE_QUARANTINE = """
UPDATE quarantine q SET user_id = %(into)s WHERE q.user_id = %(gone)s AND NOT EXISTS
    (SELECT FROM behaviors b WHERE b.user_id = %(into)s AND b.behavior_id = q.behavior_id)
"""
_JOIN = """
UPDATE users u SET
    last_seq = u.last_seq + greatest(g.last_seq, 1), attributes = %(attributes)s, updated_at = now(),
    n_minute = CASE WHEN g.minute_no >= u.minute_no THEN g.n_minute ELSE 0 END
             + CASE WHEN g.minute_no <= u.minute_no THEN u.n_minute ELSE 0 END,
    minute_no = greatest(u.minute_no, g.minute_no),
    n_day = CASE WHEN g.day_no >= u.day_no THEN g.n_day ELSE 0 END
          + CASE WHEN g.day_no <= u.day_no THEN u.n_day ELSE 0 END,
    day_no = greatest(u.day_no, g.day_no)
FROM users g WHERE u.user_id = %(into)s AND g.user_id = %(gone)s
"""
_LEAVE = """
UPDATE users SET merged_into = %(into)s, merged_at = CASE WHEN user_id = %(gone)s THEN now() ELSE merged_at END,
    attributes = '{}', last_seq = last_seq + 1, n_behaviors = 0, updated_at = now()
WHERE user_id = %(gone)s OR merged_into = %(gone)s
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """`user_id` is whose both ids are now. `duplicates` behaviours were stored under both ids, the same.

    `conflicts` are ids of behaviours that were stored under both with other contents: the known user's stands.
    """

    user_id: str
    moved: int = 0
    duplicates: int = 0
    conflicts: tuple[str, ...] = ()


async def merge_users(db: Database, secret: str, user_id: str, gone_id: str) -> Merged:
    """`gone_id` becomes another id of the user. Users who are not there begin. A second time nothing is left to move.

    Raises Conflict: `merge_circle`, `merged_elsewhere`, `consent_off`, `user_erased`.
    """
    vault = await db.vault()

    async def work(connection: Connection) -> Merged:
        await begin(connection, vault, secret, [user_id, gone_id])
        mine, theirs = await _locked(connection, vault, vault.name(user_id), vault.name(gone_id))
        if theirs is None:
            return Merged(mine.user_id)
        into, gone = mine.seal.name, theirs.seal.name
        names = {"into": into, "gone": gone, "attributes": Jsonb(_joined(mine, theirs))}
        n_duplicates, conflicts = await _twins(connection, vault, into, gone)
        await reseal(connection, theirs.seal, mine.seal)
        await connection.execute(_UNLEARN, [gone])
        await connection.execute(_MOVE_QUARANTINE, names)
        moved = (await connection.execute(_MOVE, names)).rowcount
        await connection.execute(_MOVE_EDITS, names)
        await connection.execute(_MOVE_DECISIONS, names)
        await connection.execute(_JOIN, names)
        for table in (*DROPPED, "behaviors", "edits", "quarantine"):
            await connection.execute(f"DELETE FROM {table} WHERE user_id = %s", [gone])
        await connection.execute(_LEAVE, names)
        return Merged(mine.user_id, moved, n_duplicates, conflicts)

    return await db.retried(work)


@dataclass(frozen=True, slots=True)
class _Half:
    """One of the two, their row locked."""

    user_id: str
    merged_into: str | None
    consent: bool
    erasing: bool
    attributes: dict[str, Any]
    seal: Seal


def _half(vault: Vault, row: Row) -> _Half:
    name, merged_into, consent, erasing, attributes, *sealed = row
    seal = vault.seal(name, sealed[0])
    user_id = vault.user_id(name, SealedUser(*sealed))
    return _Half(user_id, merged_into, consent, erasing, seal.read_tree(ATTRIBUTES, attributes), seal)


def _joined(mine: _Half, theirs: _Half) -> Any:
    return mine.seal.tree(ATTRIBUTES, theirs.attributes | mine.attributes)


async def _locked(connection: Connection, vault: Vault, name: str, gone: str) -> tuple[_Half, _Half | None]:
    """(whose both will be, the id that is to be merged or None where it was)."""
    into = await _whose(connection, name)
    rows = await (await connection.execute(_LOCK, [[into, gone]])).fetchall()
    seen = {row[0]: _half(vault, row) for row in rows}
    if into not in seen or gone not in seen or seen[into].merged_into is not None:
        raise errors.SerializationFailure("merged or erased between two statements")  # `retried` tries it anew
    if into == gone:
        raise _circle()
    mine, theirs = seen[into], seen[gone]
    if theirs.merged_into is not None and theirs.merged_into != into:
        raise _elsewhere()
    if theirs.erasing or mine.erasing:
        raise being_erased()
    if not theirs.consent or not mine.consent:
        raise _no_consent()
    return mine, None if theirs.merged_into else theirs


async def _whose(connection: Connection, name: str) -> str:
    cursor = await connection.execute("SELECT coalesce(merged_into, user_id) FROM users WHERE user_id = %s", [name])
    (whose,) = await cursor.fetchone() or (name,)
    return str(whose)


async def _twins(connection: Connection, vault: Vault, into: str, gone: str) -> tuple[int, tuple[str, ...]]:
    """(how many say the same, ids of those that do not) of the behaviours that both have by their ids."""
    mine, theirs = [await _by_id(connection, vault, [one, other]) for one, other in ((into, gone), (gone, into))]
    conflicts = sorted(key for key, one in mine.items() if not same_payload(one, theirs[key]))
    return len(mine) - len(conflicts), tuple(conflicts)


async def _by_id(connection: Connection, vault: Vault, users: list[str]) -> dict[str, Behavior]:
    found = [behavior_of(vault, users[0], row) for row in await (await connection.execute(_TWINS, users)).fetchall()]
    return {one.behavior_id: one for one in found}


def _circle() -> Conflict:
    return Conflict(
        "The first user was merged into the second one before.",
        "Both ids stand for the same user already; nothing is left to do.",
        code="merge_circle",
    )


def _elsewhere() -> Conflict:
    return Conflict(
        "The id in `from` was merged into another user before.",
        "If all of them are one person, merge the user whose it is now: GET /users/{from} names them.",
        code="merged_elsewhere",
    )


def _no_consent() -> Conflict:
    return Conflict(
        "One of the two users does not consent to being profiled.",
        "Send PUT /users/{user_id}/consent first when they have agreed, or leave the two apart.",
        code="consent_off",
    )
