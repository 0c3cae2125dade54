"""The public keys that tokens are signed with, as their issuer publishes them (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import asyncio
import json
from math import inf
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx2
import structlog
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from app.domain.errors import Misconfigured, Unavailable

log = structlog.get_logger()

ALGORITHMS = ("RS256", "ES256")  # public keys only: with HS256 whoever reads the public key could sign
KEEP_S = 600.0  # a key that the issuer has withdrawn is good no longer than this
RETRY_S = 5.0
AGAIN_S = 60.0  # anybody can name a key that does not exist, so that is a reason to ask only so often
WITHIN_S = 5.0
MOST_BYTES = 1 << 20

_LOCAL = {"localhost", "127.0.0.1", "::1"}

Keys = dict[str | None, PyJWK]


class Issuer:
    """`address` is the issuer exactly as tokens name it. While it is away, the keys last read go on."""

    def __init__(self, address: str) -> None:
        if not _is_private(address):
            raise Misconfigured(
                "The issuer of tokens would be asked for its keys over a wire that others can change.",
                "Set PORTRAIT_OIDC_ISSUER to its https address; http is for localhost only.",
            )
        self.address = address
        self._keys: Keys = {}
        self._asked_again_at = -inf
        self._lock = asyncio.Lock()

    async def follow(self) -> None:
        """For as long as the process runs; after the first `read`."""
        while True:
            await asyncio.sleep(KEEP_S if self._keys else RETRY_S)
            await self.read()

    async def read(self) -> None:
        """In a thread, within `WITHIN_S`. Those last read go on when it fails."""
        try:
            async with asyncio.timeout(WITHIN_S):
                self._keys = await asyncio.to_thread(_read_keys, self.address)
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, PyJWTError, ValueError, RecursionError) as error:
            log.warning("issuer_not_read", error=type(error).__name__)

    async def key(self, key_id: str | None) -> PyJWK | None:
        """None where the issuer has no such key. Raises Unavailable while none of its keys is known."""
        if self._keys and key_id not in self._keys:
            await self._look_again(key_id)
        if not self._keys:
            raise Unavailable("The issuer of tokens has not told its keys yet.", "Try again; API keys work meanwhile.")
        return self._keys.get(key_id)

    async def _look_again(self, key_id: str | None) -> None:
        async with self._lock:  # one asks for all who wait
            if key_id not in self._keys and monotonic() - self._asked_again_at >= AGAIN_S:
                self._asked_again_at = monotonic()
                await self.read()


def _read_keys(address: str) -> Keys:
    until = monotonic() + WITHIN_S
    # A proxy of the environment does not lead to this machine.
    with httpx2.Client(timeout=WITHIN_S, follow_redirects=False, trust_env=address.startswith("https:")) as client:
        described = _get(client, f"{address.rstrip('/')}/.well-known/openid-configuration", until)
        if described.get("issuer") != address:
            raise ValueError("another issuer")
        published = _get(client, str(described.get("jwks_uri")), until)
    keys = [key for key in PyJWKSet.from_dict(published) if key.public_key_use in {None, "sig"}]
    usable: Keys = {key.key_id: key for key in keys if key.algorithm_name in ALGORITHMS}
    if not usable:
        raise ValueError("no usable key")
    return usable


def _get(client: httpx2.Client, url: str, until: float) -> dict[str, Any]:
    if not _is_private(url):
        raise ValueError("not https")
    read = b""
    with client.stream("GET", url) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            read += chunk
            if len(read) > MOST_BYTES or monotonic() > until:
                raise ValueError("too much, or too slow")
    told = json.loads(read)
    if not isinstance(told, dict):
        raise ValueError("not an object")
    return told


def _is_private(url: str) -> bool:
    """Whether nobody on the way can change what comes back."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL))
