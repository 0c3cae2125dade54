"""Who may come in: bearers of a key, or everybody where no key is set (then on the loopback only)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import sha256

from starlette.types import Scope

from app.domain.errors import AccessDenied

# What tells nothing about anybody: health for the load balancer, documentation, explanations of errors.
_OPEN = ("/health/", "/docs", "/redoc", "/openapi.json", "/errors")
_HINT = "Send `Authorization: Bearer <key>` or `X-API-Key: <key>`."


class Keys:
    """The keys in force. Only their SHA-256 is kept, and compared in constant time."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [sha256(key.encode()).digest() for key in keys]

    def refusal(self, scope: Scope) -> AccessDenied | None:
        """Why the request may not pass, None when it may."""
        if not self._digests or _is_open(scope["path"]):
            return None
        sent = _sent_key(scope)
        if sent is None:
            return AccessDenied("The request carries no API key.", _HINT)
        return None if self._holds(sent) else AccessDenied("The API key is not valid here.", _HINT)

    def _holds(self, sent: bytes) -> bool:
        digest = sha256(sent).digest()
        found = 0
        for known in self._digests:  # all of them, so that the time does not tell which
            found |= hmac.compare_digest(digest, known)
        return bool(found)


def _is_open(path: str) -> bool:
    return any(path == root.rstrip("/") or path.startswith(root.rstrip("/") + "/") for root in _OPEN)


def _sent_key(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            key: bytes = value.strip()
            return key
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            bearer: bytes = value[7:].strip()
            return bearer
    return None
