"""The largest bodies that are read, in every shape that costs a reader most: none keeps anybody waiting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.limits import MAX_BEHAVIORS, MAX_BODY_BYTES, MAX_OBJECT_BYTES, MAX_VALUES
from tests.fuzz.campaign import replay
from tests.fuzz.description import JSON, operations_of, resolved
from tests.fuzz.message import Message
from tests.fuzz.service import HEADERS, Server

# One for each way in which a body is read: entries, an object, an object with entries.
CALLS = {
    "POST /behaviors": MAX_BODY_BYTES,
    "PUT /users/heavy": MAX_OBJECT_BYTES,
    "POST /recommendations": MAX_BODY_BYTES,
}
_ROOM = 1_000  # for what stands around the heavy part
_UNKNOWN = "{" + ",".join(f'"{letter}":0' for letter in "abcdefghijklmnopqrstuvwxyz") + "}"


def _many(one: str, most: int = MAX_VALUES // 2 - 100) -> Callable[[int], str]:
    return lambda size: "[" + ",".join([one] * min(size // (len(one) + 1), most)) + "]"


def _keys(size: int) -> str:
    return "{" + ",".join(f'"k{number}":0' for number in range(min(size // 12, MAX_VALUES - 100))) + "}"


def _text(piece: str) -> Callable[[int], str]:
    return lambda size: '"' + piece * (size // len(piece.encode()) - 1) + '"'


SHAPES: dict[str, Callable[[int], str]] = {
    "numbers": _many("0", MAX_VALUES - 100),
    "objects": _many("{}"),
    "a NaN at the end": lambda size: _many("0", MAX_VALUES - 100)(size - 10)[:-1] + ",NaN]",
    "keys": _keys,
    "one key": lambda size: "{" + ",".join(['"a":0'] * min(size // 6, MAX_VALUES - 100)) + "}",
    "depth": lambda size: "[" * min(size, MAX_VALUES - 100),
    "exclamation marks": _text("!"),
    "escapes": _text("\\u0041"),
    "surrogate pairs": _text("\\ud83d\\ude00"),
    "quotes": _text('\\"'),
    "a text without an end": lambda size: _text('\\"')(size)[:-1],
    "blanks": lambda size: " " * (size - 1) + "0",
    "unknown fields": _many(_UNKNOWN, MAX_BEHAVIORS),
    "unknown fields and NaN": _many(_UNKNOWN.replace("0", "NaN", 1), MAX_BEHAVIORS),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_of_a_body_keeps_others_waiting(server: Server, call: str, shape: str) -> None:
    method, path = call.encode().split()
    _send(server, Message(f"{call}, {shape}", method, path, body=SHAPES[shape](CALLS[call] - _ROOM).encode()))


def test_no_field_takes_more_than_it_needs(server: Server, document: dict[str, Any]) -> None:
    """Every field of every body, as a long list, an object of many keys and a long text."""
    for operation in operations_of(document):
        for name in resolved(document, operation.body or {}).get("properties", {}):
            for told in (_many('"/"')(MAX_OBJECT_BYTES - _ROOM), _keys(12_000), _text("!")(MAX_OBJECT_BYTES - _ROOM)):
                around = {"user_id": "heavy", "item_id": "heavy", "type": "view", "kind": "train"} | {name: 0}
                body = json.dumps(around).replace(f'"{name}": 0', f'"{name}": {told}').encode()
                path = operation.path.replace("{", "").replace("}", "").encode()
                _send(server, Message(f"{operation.name}, {name}", operation.method.encode(), path, body=body))


def _send(server: Server, message: Message) -> None:
    message.headers = [(b"Host", b"heavy"), (b"Content-Type", JSON.encode()), *HEADERS]
    outcome = asyncio.run(replay(server.where, message.operation, message.raw(), HEADERS))
    assert not outcome.findings, f"{message.operation}: {outcome.findings[0].complaint}"
