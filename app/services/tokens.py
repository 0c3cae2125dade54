"""Bearer tokens of an OpenID Connect issuer, beside API keys: signed JWTs that name Portrait's own scopes."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import jwt

from app.domain.access import SCOPES, Key
from app.domain.errors import AccessDenied, PortraitError
from app.services.issuer import ALGORITHMS, Issuer

LEEWAY_S = 30  # how far the clocks of issuer and service may be apart
_OPTIONS: dict[str, Any] = {"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True}
_HINT = "Get a new token from your issuer, for the audience of this service."
_TOLD: dict[type[Exception], str] = {
    jwt.ExpiredSignatureError: "The token has expired.",
    jwt.ImmatureSignatureError: "The token is not valid yet.",
    jwt.InvalidAudienceError: "The token is for another audience.",
    jwt.InvalidIssuerError: "The token is of another issuer.",
}


class Tokens:
    """Works without the database. `audience` must be among those that a token is for."""

    def __init__(self, issuer: Issuer, audience: str) -> None:
        self.issuer = issuer
        self._audience = audience

    async def key_of(self, token: bytes) -> Key:
        """What a key with these scopes may do; `key_id` is a hash of issuer and subject.

        Raises AccessDenied, and Unavailable while the keys of the issuer are not known.
        """
        try:
            claims = await self._claims(token)
            return Key(_hashed(claims["iss"], claims["sub"]), "a token", _scopes(claims))
        except PortraitError:
            raise
        except Exception as error:  # anybody makes tokens: whatever a library says of one, it does not open
            raise AccessDenied(_TOLD.get(type(error), "The token is not valid here."), _HINT) from None

    async def _claims(self, token: bytes) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        key = await self.issuer.key(header.get("kid"))
        if key is None:
            raise AccessDenied("The token is signed with a key that its issuer does not publish.", _HINT)
        return jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=self._audience,
            issuer=self.issuer.address,
            leeway=LEEWAY_S,
            options=_OPTIONS,  # type: ignore[arg-type]  # a TypedDict that is not exported
        )


def _scopes(claims: dict[str, Any]) -> tuple[str, ...]:
    """Those of ours in `scope` (RFC 8693), or in `scp` where there is none; all others mean nothing here."""
    told = claims.get("scope", claims.get("scp", ""))
    words = told.split(" ") if isinstance(told, str) else told if isinstance(told, list) else []
    return tuple(scope for scope in SCOPES if scope in words)


def _hashed(issuer: str, subject: str) -> str:
    return "token-" + sha256(f"{issuer}\n{subject}".encode()).hexdigest()
