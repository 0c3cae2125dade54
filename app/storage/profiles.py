"""What a profile is folded from, in one round trip: the user, edits, the latest checkpoint and the log behind it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from app.domain.edit import Edit
from app.storage.behaviors import TEXT
from app.storage.edits import AS_JSON, edits_in
from app.storage.engine import Connection, Database, Row
from app.storage.seals import seal_of
from app.storage.users import ATTRIBUTES
from app.storage.vault import Seal, SealedUser, Vault

STATE = "checkpoints.state"


class StoredRow(NamedTuple):
    """One behaviour of a log. `at` is in seconds since 1970; `embedding` the raw float16 vector of `text`."""

    seq: int
    behavior_id: str
    type: str
    at: float
    item_id: str | None
    text: str | None
    value: float | None
    flag: str | None
    embedding: bytes | None


@dataclass(slots=True)
class StoredLog:
    """`rows`, by seq, hold every behaviour behind `checkpoint_seq` (0 and no `state` without a usable checkpoint).

    `last_seq` is the last place handed out: the version of the profile. Not every place holds a behaviour. `edits` by
    seq; those that were withdrawn come only with a log as it was.
    """

    user_id: str
    last_seq: int
    consent: bool
    attributes: dict[str, Any]
    updated_at: datetime
    checkpoint_seq: int
    state: bytes | None
    rows: list[StoredRow]
    edits: tuple[Edit, ...] = ()


# The user comes as a first row with its columns under the names of a behaviour's, marked by a seq below zero: one
# statement means one snapshot, and a join would repeat the state (some 10 kB) with every row.
_HEAD = """
SELECT -1 - last_seq, attributes::text, consent::text, extract(epoch FROM updated_at)::float8, user_id, edits,
    checkpoint_seq::float8, concat_ws(' ', sealed_key, sealed_id), state
FROM head
UNION ALL
SELECT b.seq, b.behavior_id, b.type, extract(epoch FROM b.occurred_at)::float8, b.item_id, b.text, b.value, b.flag,
    b.embedding
FROM behaviors b WHERE b.user_id = (SELECT user_id FROM head)
"""
# Of an id that was merged, the user whose it is now; nobody while they are being erased.
_WHO = "(SELECT coalesce(merged_into, user_id) FROM users WHERE user_id = %(user_id)s) AND u.erase_job IS NULL"
_SINCE_CHECKPOINT = f"""
WITH head AS MATERIALIZED (
    SELECT u.*, {AS_JSON.format("e.user_id = u.user_id AND e.reverted_seq IS NULL")} AS edits,
        coalesce(c.seq, 0) AS checkpoint_seq, c.state
    FROM users u LEFT JOIN checkpoints c ON c.user_id = u.user_id AND c.fold_key = %(fold_key)s
    WHERE u.user_id = {_WHO}
) {_HEAD} AND b.seq > (SELECT checkpoint_seq FROM head)
"""
_UNTIL = f"""
WITH head AS MATERIALIZED (
    SELECT u.*, {AS_JSON.format("e.user_id = u.user_id AND e.created_at <= %(until)s")} AS edits,
        0 AS checkpoint_seq, NULL::bytea AS state
    FROM users u WHERE u.user_id = {_WHO}
) {_HEAD} AND b.occurred_at <= %(until)s
"""
# The user's row is locked so that a version which came meanwhile (a behaviour, the vector of a text) is not missed.
_SAVE = """
INSERT INTO checkpoints AS c (user_id, seq, fold_key, state)
SELECT user_id, %(seq)s, %(fold_key)s, %(state)s FROM users
WHERE user_id = %(user_id)s AND last_seq = %(seq)s FOR SHARE
ON CONFLICT (user_id) DO UPDATE SET seq = excluded.seq, fold_key = excluded.fold_key, state = excluded.state
WHERE c.fold_key <> excluded.fold_key OR c.seq < excluded.seq
"""


async def load_log(db: Database, user_id: str, fold_key: str) -> StoredLog | None:
    """The rows behind the user's checkpoint, or all of them when it was folded by other rules.

    `user_id` may be an id that was merged: the log is that of the user whose it is now, and says so.
    """
    return await _load(db, _SINCE_CHECKPOINT, user_id, {"fold_key": fold_key})


async def load_log_until(db: Database, user_id: str, until: datetime) -> StoredLog | None:
    """What had occurred and been edited by then, without a checkpoint; `last_seq` is the last place among it."""
    log = await _load(db, _UNTIL, user_id, {"until": until})
    if log is not None:
        withdrawn = [one.reverted_seq or 0 for one in log.edits if one.reverted_at and one.reverted_at <= until]
        seqs = [*(row.seq for row in log.rows[-1:]), *(one.seq for one in log.edits), *withdrawn]
        log.last_seq = max(seqs, default=0)
    return log


async def save_checkpoint(db: Database, user_id: str, seq: int, fold_key: str, state: bytes) -> None:
    """Keeps a state that holds the whole log as it was at version `seq` (`StoredLog.last_seq`).

    Passed over when the user has another version by now: the next reader will try again.
    """
    vault = await db.vault()
    name = vault.name(user_id)

    async def work(connection: Connection) -> None:
        seal = await seal_of(connection, vault, name)
        if seal is not None:
            kept = {"user_id": name, "seq": seq, "fold_key": fold_key, "state": seal.whole(STATE, state)}
            await connection.execute(_SAVE, kept, binary=True)

    await db.tried(work)


async def _load(db: Database, query: str, user_id: str, arguments: dict[str, object]) -> StoredLog | None:
    vault = await db.vault()
    arguments = {"user_id": vault.name(user_id)} | arguments

    async def work(connection: Connection) -> list[Row]:
        cursor = await connection.execute(query, arguments, binary=True)
        return await cursor.fetchall()

    found = await db.tried(work)
    found.sort(key=_seq)
    return _log(vault, found[0], found[1:]) if found else None


def _log(vault: Vault, head: Row, rows: list[Row]) -> StoredLog:
    seq, attributes, consent, updated_at, name, edits, checkpoint_seq, keys, state = head
    sealed = SealedUser(*keys.split(" ")) if keys else SealedUser(None, None)
    seal = vault.seal(name, sealed.sealed_key)
    return StoredLog(
        user_id=vault.user_id(name, sealed),
        last_seq=-1 - seq,
        consent=consent == "true",
        attributes=seal.read_tree(ATTRIBUTES, json.loads(attributes)),
        updated_at=datetime.fromtimestamp(updated_at, UTC),
        checkpoint_seq=int(checkpoint_seq),
        state=seal.read_whole(STATE, state),
        rows=[stored_row(seal, row) for row in rows],
        edits=edits_in(seal, edits),
    )


def stored_row(seal: Seal, row: Sequence[Any]) -> StoredRow:
    """Of columns in the order of `StoredRow`."""
    stored = StoredRow._make(row)
    if seal.sealer is None or not stored.text:
        return stored
    return stored._replace(text=seal.read(TEXT, stored.text))


def _seq(row: Row) -> int:
    seq: int = row[0]
    return seq
