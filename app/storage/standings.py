"""What must be known of users before something of theirs is stored: one look at rows that are read anyway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import errors

from app.domain.standing import Erased, Standing
from app.ingest.screen import Pace
from app.privacy.pseudonyms import pseudonym
from app.storage.engine import Connection, Database
from app.storage.vault import SealedUser, Vault

_LOOK = """
SELECT user_id, minute_no, n_minute, day_no, n_day, merged_into, consent, erase_job IS NOT NULL, erased_at, sealed_key,
    sealed_id
FROM users WHERE user_id = ANY(%s)
"""
_ERASED = "SELECT pseudonym, erased_at, last_seq, behaviors FROM erasures WHERE pseudonym = ANY(%s)"


class Beginning(NamedTuple):
    """A user who may begin with the next behaviour, as `append` asks for; also one who has begun anew."""

    user_id: str
    pseudonym: str
    erased_at: datetime | None
    last_seq: int


@dataclass(slots=True)
class Standings:
    """`paces` are what screening remembers, nothing for those who are new; `special` are the ids to look at twice.

    `sealed` are the keys of the users; of those who are new, the ones to begin with.
    """

    paces: dict[str, Pace] = field(default_factory=dict)
    special: dict[str, Standing] = field(default_factory=dict)
    beginnings: list[Beginning] = field(default_factory=list)
    sealed: dict[str, SealedUser] = field(default_factory=dict)


class _Seen(NamedTuple):
    pace: Pace
    merged_into: str | None
    consent: bool
    erasing: bool
    erased_at: datetime | None
    sealed: SealedUser


async def load_standings(db: Database, secret: str, user_ids: Sequence[str]) -> Standings:
    """Of ids as they are sent: `special` names whose they are, all the rest is under that id."""
    vault = await db.vault()
    sent = {vault.name(user_id): user_id for user_id in user_ids}

    async def work(connection: Connection) -> Standings:
        seen = await _look(connection, list(sent))
        others = {one.merged_into for one in seen.values() if one.merged_into} - seen.keys()
        if others:
            seen |= await _look(connection, list(others))
        if others - seen.keys():
            raise errors.SerializationFailure("erased between two statements")  # `tried` tries it anew
        known = sent | {name: vault.user_id(name, seen[name].sealed) for name in others}
        whose = {sent[name]: seen[name].merged_into or name if name in seen else name for name in sent}
        of_whom = {alias: known[name] for alias, name in whose.items()}
        told = {user_id: seen[name] for name, user_id in known.items() if name in seen}
        return await _gathered(connection, secret, of_whom, told, vault)

    return await db.tried(work)


async def _gathered(
    connection: Connection, secret: str, of_whom: Mapping[str, str], seen: Mapping[str, _Seen], vault: Vault
) -> Standings:
    found = Standings()
    gone = [one for one in set(of_whom.values()) if one not in seen or seen[one].erased_at]
    names = {pseudonym(secret, user_id): user_id for user_id in gone}
    erased = await _erased(connection, names) if names else {}
    for sent, user_id in of_whom.items():
        one = seen.get(user_id)
        if one is not None:
            found.paces[user_id] = one.pace
        if user_id not in found.sealed:
            found.sealed[user_id] = one.sealed if one else vault.begin(vault.name(user_id), user_id)
        past = erased.get(user_id)
        if sent != user_id or past or (one and (one.erasing or not one.consent)):
            standing = Standing(user_id, erased=past)
            found.special[sent] = replace(standing, consent=one.consent, erasing=one.erasing) if one else standing
    found.beginnings = [_beginning(name, user_id, erased.get(user_id)) for name, user_id in names.items()]
    return found


async def _erased(connection: Connection, names: Mapping[bytes, str]) -> dict[str, Erased]:
    """`names` are ids by their pseudonyms; those that stood for somebody who was erased."""
    cursor = await connection.execute(_ERASED, [list(names)])
    return {
        names[bytes(name)]: Erased(erased_at, last_seq, frozenset(marks))
        for name, erased_at, last_seq, marks in await cursor.fetchall()
    }


def _beginning(name: bytes, user_id: str, erased: Erased | None) -> Beginning:
    past = (erased.at, erased.last_seq) if erased else (None, 0)
    return Beginning(user_id, name.hex(), *past)


async def _look(connection: Connection, user_ids: Sequence[str]) -> dict[str, _Seen]:
    cursor = await connection.execute(_LOOK, [list(user_ids)])
    return {user_id: _seen(row) for user_id, *row in await cursor.fetchall()}


def _seen(row: list[Any]) -> _Seen:
    merged_into, consent, erasing, erased_at, *sealed = row[4:]
    return _Seen(Pace(*row[:4]), merged_into, consent, erasing, erased_at, SealedUser(*sealed))
