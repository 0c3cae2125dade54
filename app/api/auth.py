"""Who may come in: bearers of a key, or everybody where no key is set (then on the loopback only).

A browser that has shown a key to the console comes with a session in a cookie instead.
"""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from app.domain.errors import AccessDenied
from app.services.keys import SESSION_COOKIE, Keys

# What tells nothing about anybody: health for the load balancer, documentation, explanations of errors, and the form
# that asks for a key.
_OPEN = ("/health/", "/docs", "/redoc", "/openapi.json", "/errors", "/console/key", "/console/leave", "/console/static")
_SAFE = frozenset({"GET", "HEAD"})
_HINT = "Send `Authorization: Bearer <key>` or `X-API-Key: <key>`."


class Door:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def refusal(self, scope: Scope) -> AccessDenied | None:
        """Why the request may not pass, None when it may."""
        if not self._keys.required or _is_open(scope["path"]):
            return None
        sent = _sent_key(scope)
        if sent is not None:
            return None if self._keys.holds(sent) else AccessDenied("The API key is not valid here.", _HINT)
        return None if self._has_session(scope) else AccessDenied("The request carries no API key.", _HINT)

    def _has_session(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        token = cookie_parser(headers.get("cookie", "")).get(SESSION_COOKIE, "")
        return self._keys.is_session(token, time.time()) and (scope["method"] in _SAFE or _from_here(headers))


def _from_here(headers: Headers) -> bool:
    """Whether a page of this very service sent it. Cookies are sent along by other ports and subdomains too, whatever
    `SameSite` says; no page can forge these two headers.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(headers.get("origin", "")).netloc == headers.get("host", "-")


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
