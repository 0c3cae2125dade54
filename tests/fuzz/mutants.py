"""A seed and a number make a request: a valid one of some call, mutated up to three times, as bytes."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.fuzz.description import JSON, Operation, operations_of
from tests.fuzz.message import Header, Message, quoted
from tests.fuzz.mutate_body import BODY
from tests.fuzz.mutate_head import ADDRESS, HEAD
from tests.fuzz.mutate_tree import TREE, Mutation
from tests.fuzz.samples import GONE, Samples

N_LANES = 8
# How many mutants of a hundred are left as they are: they show that the rest begins as something valid.
_UNTOUCHED = 0.06
_PIPELINED = 0.03
_TAKE_AWAY = ("/merge", "/consent")
_TORN = 0.03


@dataclass(frozen=True, slots=True)
class Mutant:
    """`pieces` are sent one after the other. `operation` is what it was made of."""

    number: int
    operation: str
    pieces: tuple[bytes, ...]

    @property
    def raw(self) -> bytes:
        return b"".join(self.pieces)


class Mutants:
    """Numbers -> mutants; the same for the same document, seed and headers, in any order.

    Those that change items are the numbers 0 modulo N_LANES, those that change users or scenarios 1: each lane is one
    connection, so what it has put nobody changes before it is read back.
    """

    def __init__(self, document: dict[str, Any], seed: int, headers: Sequence[Header] = ()) -> None:
        self._document = document
        self._seed = seed
        self._headers = list(headers)
        self.operations = operations_of(document)
        self._of_lane = [[one for one in self.operations if _lane(one) in {lane, None}] for lane in range(N_LANES)]

    def __call__(self, number: int) -> Mutant:
        rng = random.Random(f"{self._seed}/{number}")
        operations = self._of_lane[number % N_LANES]
        message = self._mutated(rng, operations)
        raw = message.raw()
        if rng.random() < _PIPELINED:
            raw += b"".join(self._mutated(rng, operations).raw() for _ in range(rng.randint(1, 3)))
        if rng.random() < _TORN:
            raw = _torn(rng, raw)
        return Mutant(number, message.operation, _split(rng, raw))

    def _mutated(self, rng: random.Random, operations: Sequence[Operation]) -> Message:
        # Those with a body have more places where something can go wrong.
        (operation,) = rng.choices(operations, [3 if operation.body else 1 for operation in operations])
        message = self._valid(rng, operation)
        if rng.random() >= _UNTOUCHED:
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                rng.choice(_mutations(rng, message))(rng, message)
        return message

    def _valid(self, rng: random.Random, operation: Operation) -> Message:
        samples = Samples(self._document, rng)
        names = {one.name: samples.value(one.schema, one.name) for one in operation.in_path}
        if operation.method == "DELETE" or operation.path.endswith(_TAKE_AWAY):
            names["user_id"] = rng.choice(GONE)
        path = re.sub(r"\{(\w+)\}", lambda place: quoted(str(names.get(place[1], "x"))).decode(), operation.path)
        message = Message(operation.name, operation.method.encode(), path.encode(), _query(rng, samples, operation))
        message.headers = [(b"Host", b"fuzz"), *self._headers]
        if operation.body is not None:
            message.headers.append((b"Content-Type", JSON.encode()))
            message.tree = samples.value(operation.body)
        return message


def _lane(operation: Operation) -> int | None:
    if operation.method == "GET":
        return None
    if operation.path.startswith("/items"):
        return 0
    return 1 if operation.path.startswith(("/users/{user_id}", "/scenarios")) else None


def _mutations(rng: random.Random, message: Message) -> Sequence[Mutation]:
    if message.tree is None and message.body is None:
        return ADDRESS if rng.random() < 0.75 else HEAD
    if message.tree is not None and message.body is None and rng.random() < 0.6:
        return TREE
    return rng.choices((BODY, ADDRESS, HEAD), (5, 2, 2))[0]


def _query(rng: random.Random, samples: Samples, operation: Operation) -> bytes:
    pairs = []
    for one in operation.in_query:
        if one.required or rng.random() < 0.4:
            value = samples.value(one.schema, one.name)
            for told in value if isinstance(value, list) else [value]:
                written = str(told).lower() if isinstance(told, bool) else str(told)
                pairs.append(one.name.encode() + b"=" + quoted(written))
    return b"&".join(pairs)


def _torn(rng: random.Random, raw: bytes) -> bytes:
    """Cut off somewhere, or with a few bytes that are wrong."""
    if rng.random() < 0.5:
        return raw[: rng.randrange(1, len(raw) + 1)]
    torn = bytearray(raw)
    for _ in range(rng.randint(1, 3)):
        torn[rng.randrange(len(torn))] = rng.randrange(256)
    return bytes(torn)


def _split(rng: random.Random, raw: bytes) -> tuple[bytes, ...]:
    if rng.random() > 0.05:
        return (raw,)
    places = sorted(rng.randrange(1, len(raw) + 1) for _ in range(rng.randint(1, 3)))
    return tuple(raw[start:end] for start, end in zip([0, *places], [*places, len(raw)], strict=True) if start < end)
