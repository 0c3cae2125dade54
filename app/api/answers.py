"""What leaves: a noun becomes bytes once, without a detour through validation.

The shapes are declared in `schemas` for OpenAPI; a test holds every answer against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

JSON = "application/json"
_encode = msgspec.json.Encoder().encode


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_encode(body), status, headers, JSON)


def tagged(request: Request, body: Any) -> Response:
    """With a strong ETag, the hash of the bytes; 304 when the caller holds the same. Nothing on the way keeps it."""
    encoded = _encode(body)
    headers = tag_headers(encoded)
    if is_held(headers["ETag"], request.headers.get("if-none-match")):
        return Response(status_code=304, headers=headers)
    return Response(encoded, headers=headers, media_type=JSON)


def tag_headers(body: Any) -> dict[str, str]:
    """Those of a body that is answered again under this tag for as long as it does not change."""
    encoded = body if isinstance(body, bytes) else _encode(body)
    return {"ETag": f'"{blake2b(encoded, digest_size=12).hexdigest()}"', "Cache-Control": "no-store"}


def is_held(tag: str, held: str | None) -> bool:
    """Whether the caller names this tag, or any; a tag that a proxy has made weak on the way is still the same."""
    names = [one.strip().removeprefix("W/") for one in (held or "").split(",")]
    return tag in names or names == ["*"]


def timed(body: Any, timings_ms: Mapping[str, float]) -> Response:
    """With `Server-Timing`, so that a browser's network panel shows the stages."""
    stages = ", ".join(f"{stage};dur={took_ms:.2f}" for stage, took_ms in timings_ms.items())
    return answer(body, headers={"Server-Timing": stages} if stages else None)
