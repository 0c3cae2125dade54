"""Keyed hashes (HMAC-SHA-256): the same for the same id, and nobody without the secret can tell the id or try ids."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

STORED = "p-"


def stored_id(key: bytes, user_id: str) -> str:
    """The id under which everything of a user is stored where the database is encrypted: 45 characters of base64url."""
    return STORED + base64.urlsafe_b64encode(hmac.digest(key, user_id.encode(), "sha256"))[:43].decode()


def pseudonym(secret: str, user_id: str) -> bytes:
    """Stands for a user who is no longer here, 32 bytes."""
    return _keyed(secret, "user", user_id)


def mark_of(secret: str, behavior_id: str) -> int:
    """Stands for a behaviour in the list of one erased user: 64 bits, signed, are plenty for that."""
    return int.from_bytes(_keyed(secret, "behavior", behavior_id)[:8], "big", signed=True)


def signed(secret: str, receipt: dict[str, Any]) -> dict[str, Any]:
    """The receipt with its `signature`."""
    return receipt | {"signature": _signature(secret, receipt)}


def is_genuine(secret: str, receipt: dict[str, Any]) -> bool:
    """Whether it was signed with this secret and is as it was then."""
    told = {name: value for name, value in receipt.items() if name != "signature"}
    return hmac.compare_digest(str(receipt.get("signature", "")).encode(), _signature(secret, told).encode())


def _signature(secret: str, receipt: dict[str, Any]) -> str:
    return _keyed(secret, "receipt", json.dumps(receipt, sort_keys=True, separators=(",", ":"))).hex()


def _keyed(secret: str, purpose: str, text: str) -> bytes:
    """`purpose` keeps apart what the one secret is used for."""
    return hmac.digest(secret.encode(), f"{purpose}\0{text}".encode(), "sha256")
