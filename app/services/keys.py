"""The keys in force, and the sessions of browsers in which one of them was shown."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import sha256

SESSION_COOKIE = "portrait_session"
SESSION_S = 12 * 3600


class Keys:
    """Only the SHA-256 of each key is kept, and compared in constant time."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [sha256(key.encode()).digest() for key in keys]

    @property
    def required(self) -> bool:
        """Whether anybody needs one."""
        return bool(self._digests)

    def holds(self, sent: bytes) -> bool:
        digest = sha256(sent).digest()
        return _any_equal(digest, self._digests)

    def open_session(self, sent: bytes, now: float) -> str | None:
        """What a browser may show instead of the key until `SESSION_S` after `now` (seconds since 1970).

        None for a wrong key. It is signed with the key it stands for: it tells nothing about it, is good in every
        process that has the key, and ends with it.
        """
        if not self.holds(sent):
            return None
        until = int(now) + SESSION_S
        return f"{until}.{_signature(sha256(sent).digest(), until).hex()}"

    def is_session(self, token: str, now: float) -> bool:
        until, _, signature = token.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 20 and now < int(until) <= now + SESSION_S):
            return False
        try:
            sent = bytes.fromhex(signature)
        except ValueError:
            return False
        return _any_equal(sent, [_signature(digest, int(until)) for digest in self._digests])


def _signature(digest: bytes, until: int) -> bytes:
    return hmac.digest(digest, f"a session of the console until {until}".encode(), "sha256")


def _any_equal(sent: bytes, known: Iterable[bytes]) -> bool:
    found = 0
    for one in known:  # all of them, so that the time does not tell which
        found |= hmac.compare_digest(sent, one)
    return bool(found)
