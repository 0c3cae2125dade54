"""Authenticated encryption (AES-256-GCM): what was sealed with one key opens with that key alone, or not at all.

`about` (whose it is, and which column) is bound to what is sealed: moved elsewhere it does not open. Nonces are random
and come in as arguments; 96 bits of them are safe for 2^32 texts of one key (NIST SP 800-38D), and each user has a key.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.domain.errors import Locked

KEY_BYTES = 32
NONCE_BYTES = 12
MARK_BYTES = 4


class Sealer:
    """Seals and opens with one key of 32 bytes."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, about: bytes, nonce: bytes) -> bytes:
        """The nonce, what is sealed, and 16 bytes that tell whether it was changed."""
        return nonce + self._cipher.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Raises Locked where it was sealed with another key, for another place, or was changed."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            raise locked() from None


class MasterKeys:
    """Wraps data keys with the first of some master keys, and unwraps what any of them has wrapped."""

    def __init__(self, *keys: bytes) -> None:
        self._sealers = {_mark(key): Sealer(key) for key in keys}
        self._mark = _mark(keys[0])

    def wrap(self, key: bytes, about: bytes, nonce: bytes) -> bytes:
        return self._mark + self._sealers[self._mark].seal(key, about, nonce)

    def unwrap(self, wrapped: bytes, about: bytes) -> bytes:
        """Raises Locked without the master key it was wrapped with."""
        sealer = self._sealers.get(wrapped[:MARK_BYTES])
        if sealer is None:
            raise locked()
        return sealer.open(wrapped[MARK_BYTES:], about)

    def is_newest(self, wrapped: bytes) -> bool:
        """Whether it was wrapped with the first key."""
        return wrapped[:MARK_BYTES] == self._mark


def derived(secret: bytes, purpose: str) -> bytes:
    """A key of its own for each purpose of a random secret, 32 bytes (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(secret)


def _mark(key: bytes) -> bytes:
    """Tells master keys apart, and nothing about them."""
    return hmac.digest(key, b"portrait master key", hashlib.sha256)[:MARK_BYTES]


def locked() -> Locked:
    return Locked(
        "What is stored of users was sealed with another master key.",
        "Set PORTRAIT_MASTER_KEY to the key the database was begun with; after a change of keys not yet ended, "
        "PORTRAIT_MASTER_KEY_OLD to the one before.",
    )
