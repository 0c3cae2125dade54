"""Who may come in: bearers of a key or a token, or everybody where none is set (then on the loopback only).

A browser that has shown a key to the console comes with a session in a cookie instead.
"""

from __future__ import annotations

import time
from typing import Protocol
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from app.api.scopes import KEY
from app.domain.access import ADMIN, EVERYBODY, Key
from app.domain.errors import PortraitError, ScopeMissing
from app.services.keys import SESSION_COOKIE, Keys

# What tells nothing about anybody: health for the load balancer, documentation, explanations of errors, and the form
# that asks for a key.
_OPEN = ("/health/", "/docs", "/redoc", "/openapi.json", "/errors", "/console/key", "/console/leave", "/console/static")
_SAFE = frozenset({"GET", "HEAD"})


class Tokens(Protocol):
    """`app.services.tokens`, whose packages are an extra."""

    async def key_of(self, token: bytes) -> Key: ...


class Door:
    def __init__(self, keys: Keys, tokens: Tokens | None = None) -> None:
        self._keys = keys
        self._tokens = tokens

    async def refusal(self, scope: Scope) -> PortraitError | None:
        """Why the request may not pass, None when it may; then it carries its key from here on."""
        try:
            if not is_open(scope["path"]):
                scope[KEY] = await self._key_of(scope)
        except PortraitError as refused:
            return refused
        return None

    async def _key_of(self, scope: Scope) -> Key:
        if not self._keys.required:
            return EVERYBODY
        key = await self._shown(scope)
        if key is None:
            raise self._keys.missing()
        if is_page(scope["path"]) and ADMIN not in key.scopes:
            raise ScopeMissing("The console needs a key for everything.", "Use a key with the scope `admin`.")
        return key

    async def _shown(self, scope: Scope) -> Key | None:
        sent = _sent_key(scope)
        if sent is None:
            return self._of_session(scope)
        if self._tokens is not None and _looks_like_token(sent):
            return await self._tokens.key_of(sent)
        return self._keys.find(sent, time.time())

    def _of_session(self, scope: Scope) -> Key | None:
        headers = Headers(scope=scope)
        token = cookie_parser(headers.get("cookie", "")).get(SESSION_COOKIE, "")
        return (
            self._keys.key_of_session(token, time.time()) if scope["method"] in _SAFE or _from_here(headers) else None
        )


def _from_here(headers: Headers) -> bool:
    """Whether a page of this very service sent it. Cookies are sent along by other ports and subdomains too, whatever
    `SameSite` says; no page can forge these two headers.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(headers.get("origin", "")).netloc == headers.get("host", "-")


def is_page(path: str) -> bool:
    """Whether it belongs to the console."""
    return f"{path}/".startswith("/console/")


def is_open(path: str) -> bool:
    return any(path == root.rstrip("/") or path.startswith(root.rstrip("/") + "/") for root in _OPEN)


def _looks_like_token(sent: bytes) -> bool:
    """A signed JWT in compact form: three parts, the first of which begins an object in base64."""
    return sent.startswith(b"eyJ") and sent.count(b".") == 2


def _sent_key(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            key: bytes = value.strip()
            return key
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            bearer: bytes = value[7:].strip()
            return bearer
    return None
