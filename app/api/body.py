"""The body of a request: so many bytes, in so much time, of such a type, through the one strict reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from app.api.errors import invalid
from app.api.json_reader import Entries, read_entries, read_json, read_lines
from app.domain.errors import InvalidInput, TooLarge, UnsupportedBody
from app.domain.limits import DRAINED_BYTES, MAX_BODY_BYTES, MAX_OBJECT_BYTES
from app.ingest.faults import faults_of

BODY_WITHIN_S = 15
# Up to here reading takes under 2 ms; a larger body is read beside the event loop.
INLINE_BYTES = 65_536
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
LINES = frozenset({"application/x-ndjson", "application/jsonl", "application/ndjson"})

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


async def entries_of(request: Request) -> Entries:
    """A bulk body: one object, an array, or NDJSON."""
    kind = _content_type(request)
    if kind not in LINES and kind != JSON:
        raise _unsupported("Send `Content-Type: application/json` or `application/x-ndjson` (curl -d does neither).")
    return await _read_by(read_lines if kind in LINES else read_entries, await _bytes_of(request, MAX_BODY_BYTES))


async def json_of(request: Request) -> Any:
    """A body of one JSON value."""
    return await _read_by(read_json, await _json_bytes_of(request, MAX_OBJECT_BYTES))


async def model_of(
    request: Request, model: type[M], inner: Collection[str] = (), most_bytes: int = MAX_OBJECT_BYTES
) -> M:
    """A body as `model` describes it. Raises `InvalidInput` with a fault for each field that is wrong.

    `inner` are the names of fields further down, for the hints.
    """

    def read(body: bytes) -> M:
        try:
            return model.model_validate(read_json(body))
        except ValidationError as error:
            raise invalid(faults_of(error, [*model.model_fields, *inner])) from None

    return await _read_by(read, await _json_bytes_of(request, most_bytes))


async def _json_bytes_of(request: Request, most: int) -> bytes:
    if _content_type(request) not in {JSON, MERGE_PATCH}:
        raise _unsupported("Send `Content-Type: application/json` (curl -d does not by itself).")
    return await _bytes_of(request, most)


async def _read_by(reader: Callable[[bytes], T], body: bytes) -> T:
    return reader(body) if len(body) <= INLINE_BYTES else await run_in_threadpool(reader, body)


def _content_type(request: Request) -> str:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _unsupported("Send the body without `Content-Encoding`.")
    # Clients that send no type mean JSON here: nothing else is read.
    return request.headers.get("content-type", JSON).partition(";")[0].strip().lower()


def _unsupported(hint: str) -> UnsupportedBody:
    return UnsupportedBody("The content type of the body is not read here.", hint)


async def _bytes_of(request: Request, most: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > DRAINED_BYTES:
        raise _too_large(most)
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await _collected(request, most)
    except TimeoutError:
        raise InvalidInput(
            f"The body did not arrive within {BODY_WITHIN_S} seconds.", "Send smaller batches.", code="request_timeout"
        ) from None
    except ClientDisconnect:
        raise InvalidInput("The sender hung up.", "Send the whole body.", code="request_timeout") from None


async def _collected(request: Request, most: int) -> bytes:
    """What is too large is read to its end all the same: who is still sending hears no answer."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= most:
            parts.append(part)
        elif size > DRAINED_BYTES:
            break
    if size > most:
        raise _too_large(most)
    return b"".join(parts)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is larger than {most // 2**20} MiB.", "Send less at a time.")
