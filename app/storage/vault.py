"""How users are stored: above this package they have the ids and the words they came with, below it neither.

Where the database is encrypted, `Vault.name` gives the id that the tables know (a keyed hash), and the user's `Seal`
what stands for words and attributes (AES-256-GCM with a key of the user's own, that lies wrapped in their row).
Where it is not, both give back what they get.

A database is encrypted from its first user on or not at all: the row of `vault` says which, and a trigger on `users`
holds it. `Database` opens the vault before anything else, so that with a wrong key nothing is read or written.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from app.domain.errors import Locked
from app.privacy.encryption import KEY_BYTES, NONCE_BYTES, MasterKeys, Sealer, derived, locked
from app.privacy.pseudonyms import stored_id

# Keys, and ids, of users that one process keeps unwrapped, about 1 kB each.
MOST_KEYS = 20_000
_LOOKUP = b"vault.lookup"
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode


class SealedUser(NamedTuple):
    """The columns of `users` that hold the user's key and their id, sealed; NULL where nothing is encrypted."""

    sealed_key: str | None
    sealed_id: str | None


@dataclass(frozen=True, slots=True)
class Seal:
    """Of one user (their stored id). Without a sealer everything stays as it is.

    What is empty stays so: indexes tell by it what waits for the encoder.
    """

    name: str
    sealer: Sealer | None = None

    def words(self, column: str, plain: str | None) -> str | None:
        return self.tree(column, plain)  # type: ignore[no-any-return]

    def read(self, column: str, stored: str | None) -> str | None:
        return self.read_tree(column, stored) if stored else stored

    def whole(self, column: str, plain: bytes) -> bytes:
        if self.sealer is None:
            return plain
        return self.sealer.seal(plain, self._about(column), os.urandom(NONCE_BYTES))

    def read_whole(self, column: str, stored: bytes | None) -> bytes | None:
        if self.sealer is None or stored is None:
            return stored
        return self.sealer.open(stored, self._about(column))

    def tree(self, column: str, plain: Any) -> Any:
        """JSON, which becomes a string where it is sealed."""
        if self.sealer is None or not plain:
            return plain
        return _text(self.whole(column, _encode(plain)))

    def read_tree(self, column: str, stored: Any) -> Any:
        if self.sealer is None or not isinstance(stored, str):
            return stored
        return _decode(self.read_whole(column, _bytes(stored)) or b"null")

    def _about(self, column: str) -> bytes:
        return f"{self.name}\0{column}".encode()


class Vault:
    """One process's keys to one database; without master keys it is a database in plain text."""

    def __init__(self, master: MasterKeys | None = None, lookup: bytes = b"") -> None:
        self._master = master
        self._name_key = derived(lookup, "names") if master else b""
        self._own = Sealer(derived(lookup, "words without a user")) if master else None
        self._name = lru_cache(MOST_KEYS)(self._hashed)
        self._seal = lru_cache(MOST_KEYS)(self._unwrapped)
        self._user_id = lru_cache(MOST_KEYS)(self._read_id)

    def forget(self) -> int:
        """Drops what this process keeps of users; how many names, keys and ids that were."""
        kept = (self._name, self._seal, self._user_id)
        n = sum(one.cache_info().currsize for one in kept)
        for one in kept:
            one.cache_clear()
        return n

    @property
    def seals(self) -> bool:
        return self._master is not None

    def name(self, user_id: str) -> str:
        """The id as it is stored."""
        return self._name(user_id) if self._master else user_id

    def _hashed(self, user_id: str) -> str:
        return stored_id(self._name_key, user_id)

    def begin(self, name: str, user_id: str) -> SealedUser:
        """A fresh key for somebody who begins, and their id sealed with it."""
        if self._master is None:
            return SealedUser(None, None)
        key = os.urandom(KEY_BYTES)
        wrapped = self._master.wrap(key, _key_of(name), os.urandom(NONCE_BYTES))
        return SealedUser(_text(wrapped), Seal(name, Sealer(key)).words("users.user_id", user_id))

    def seal(self, name: str, sealed_key: str | None) -> Seal:
        """Of a user, with the key in their row. Raises Locked where there is none, or no master key for it."""
        return Seal(name) if self._master is None and sealed_key is None else self._seal(name, sealed_key)

    def user_id(self, name: str, sealed: SealedUser) -> str:
        """The id they came with."""
        return self._user_id(name, *sealed) if self._master or sealed.sealed_key else name

    def _read_id(self, name: str, sealed_key: str | None, sealed_id: str | None) -> str:
        found = self.seal(name, sealed_key).read("users.user_id", sealed_id)
        if not found:
            raise locked()
        return found

    def own(self, about: str) -> Seal:
        """Of what belongs to nobody who has a row: keyed by the database's own secret."""
        return Seal(about, self._own)

    def _unwrapped(self, name: str, sealed_key: str | None) -> Seal:
        if self._master is None or sealed_key is None:
            raise locked()
        return Seal(name, Sealer(self._master.unwrap(_bytes(sealed_key), _key_of(name))))


def fresh_lookup(master: MasterKeys) -> str:
    """The random secret that pseudonyms are made with, wrapped: another master key changes no pseudonym."""
    return wrapped_lookup(master, os.urandom(KEY_BYTES))


def wrapped_lookup(master: MasterKeys, lookup: bytes) -> str:
    return _text(master.wrap(lookup, _LOOKUP, os.urandom(NONCE_BYTES)))


def open_vault(master: MasterKeys, wrapped: str) -> Vault:
    """Raises Locked with another master key."""
    return Vault(master, lookup_of(master, wrapped))


def lookup_of(master: MasterKeys, wrapped: str) -> bytes:
    return master.unwrap(_bytes(wrapped), _LOOKUP)


def rewrapped(master: MasterKeys, name: str, sealed_key: str) -> str | None:
    """A user's key wrapped with the newest master key; None where it is so already."""
    wrapped, about = _bytes(sealed_key), _key_of(name)
    if master.is_newest(wrapped):
        return None
    return _text(master.wrap(master.unwrap(wrapped, about), about, os.urandom(NONCE_BYTES)))


def _key_of(name: str) -> bytes:
    return f"{name}\0users.sealed_key".encode()


def _text(sealed: bytes) -> str:
    return base64.b64encode(sealed).decode()


def _bytes(stored: str) -> bytes:
    try:
        return base64.b64decode(stored, validate=True)
    except ValueError:
        raise locked() from None


def plain_refusal() -> Locked:
    return Locked(
        "A master key is set, and the database holds users in plain text.",
        "Run `portrait encrypt` while the service is stopped, or unset PORTRAIT_MASTER_KEY.",
    )


def no_key_refusal() -> Locked:
    return Locked(
        "The database is encrypted, and no master key is set.",
        "Set PORTRAIT_MASTER_KEY to the key it was begun with; without it nothing of its users can be read.",
    )
