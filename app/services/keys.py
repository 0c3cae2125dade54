"""The keys in force in this process, and the sessions of browsers in which one of them was shown."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable, Iterator
from hashlib import sha256

from app.domain.access import ADMIN, Key
from app.domain.errors import AccessDenied, Unavailable
from app.storage.engine import Database
from app.storage.keys import load_digests, touch_keys

PREFIX = "pk"
SESSION_COOKIE = "portrait_session"
SESSION_S = 12 * 3600

_HINT = "Send `Authorization: Bearer <key>` or `X-API-Key: <key>`."
_HOUR_S = 3600


class Keys:
    """Those of the settings, and those of the database as last seen. Moments are in seconds since 1970.

    Only the SHA-256 of each secret is kept, and compared in constant time. `closed` needs a key of everybody even
    before there is one. Before the first `step` it is not known whether the database has keys: nobody comes in who has
    none of the settings.
    """

    def __init__(self, fixed: Iterable[str] = (), closed: bool = False) -> None:
        self._fixed = [
            (Key(f"settings-{number}", "PORTRAIT_API_KEYS", (ADMIN,)), sha256(key.encode()).digest())
            for number, key in enumerate(fixed, 1)
        ]
        self._closed = closed
        self._stored: dict[str, tuple[Key, bytes]] | None = None
        self._used: set[str] = set()
        self._lock = asyncio.Lock()

    async def step(self, db: Database) -> None:
        """Reads the keys anew. Raises Unavailable while the database is away: those last seen go on."""
        async with self._lock:  # an older answer must not come after a newer one
            used, self._used = self._used, set()
            if used:
                await touch_keys(db, used)
            self._stored = {key.key_id: (key, digest) for key, digest in await load_digests(db)}

    @property
    def required(self) -> bool:
        """Whether anybody needs one. Once there was a key it stays so, also when the last one is revoked."""
        return bool(self._closed or self._fixed or self._stored is None or self._stored)

    def missing(self) -> AccessDenied | Unavailable:
        """What to say to a request without a key."""
        if self._stored is None and not self._fixed and not self._closed:
            return _not_read()
        return AccessDenied("The request carries no API key.", _HINT)

    def find(self, sent: bytes, now: float) -> Key:
        """The key. Raises AccessDenied, and Unavailable before the keys of the database are known."""
        if found := self._in_settings(sent):
            return found[0]
        if self._stored is None:
            raise _not_read()
        key, _ = self._in_database(sent) or (None, b"")
        if key is None:
            raise AccessDenied("The API key is not valid here.", _HINT)
        _refuse_ended(key, now)
        if key.last_used_at is None or key.last_used_at.timestamp() // _HOUR_S < now // _HOUR_S:
            self._used.add(key.key_id)
        return key

    def open_session(self, sent: bytes, now: float) -> str | None:
        """What a browser may show instead of the key until `SESSION_S` after `now`.

        None for a key that may not do everything, as the console can. It is signed with the key it stands for: it tells
        nothing about it, is good in every process that has the key, and ends with it.
        """
        try:
            if ADMIN not in self.find(sent, now).scopes:
                return None
        except AccessDenied:
            return None
        _, digest = self._in_settings(sent) or self._in_database(sent) or (None, b"")
        until = int(now) + SESSION_S
        return f"{until}.{_signature(digest, until).hex()}"

    def key_of_session(self, token: str, now: float) -> Key | None:
        until, _, signature = token.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 20 and now < int(until) <= now + SESSION_S):
            return None
        try:
            sent = bytes.fromhex(signature)
        except ValueError:
            return None
        return next((key for key, digest in self._admins(now) if _equal(sent, _signature(digest, int(until)))), None)

    def _in_settings(self, sent: bytes) -> tuple[Key, bytes] | None:
        digest, found = sha256(sent).digest(), None
        for one in self._fixed:  # all of them, so that the time does not tell which
            found = one if _equal(digest, one[1]) else found
        return found

    def _in_database(self, sent: bytes) -> tuple[Key, bytes] | None:
        prefix, _, rest = sent.partition(b"_")
        key_id, _, secret = rest.partition(b"_")
        found = (self._stored or {}).get(key_id.decode("latin-1"))
        is_right = found is not None and _equal(sha256(secret).digest(), found[1]) and prefix == PREFIX.encode()
        return found if is_right else None

    def _admins(self, now: float) -> Iterator[tuple[Key, bytes]]:
        yield from self._fixed
        for key, digest in (self._stored or {}).values():
            if ADMIN in key.scopes and not _ended(key, now):
                yield key, digest


def _refuse_ended(key: Key, now: float) -> None:
    if ended := _ended(key, now):
        raise AccessDenied(f"The API key {ended}.", "Ask for a new one.")


def _ended(key: Key, now: float) -> str | None:
    if key.revoked_at:
        return "was revoked"
    return "has expired" if key.expires_at and key.expires_at.timestamp() <= now else None


def _not_read() -> Unavailable:
    return Unavailable("The API keys have not been read yet.", "Try again in a moment.")


def _signature(digest: bytes, until: int) -> bytes:
    return hmac.digest(digest, f"a session of the console until {until}".encode(), "sha256")


def _equal(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)
