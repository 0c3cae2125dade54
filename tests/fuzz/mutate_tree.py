"""Mutations of what a body says: one place in the tree becomes something that nobody meant."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.fuzz.hostile import IDS, NUMBERS, RAW, TEXTS, TIMES
from tests.fuzz.message import Message, Pairs, Raw

Place = tuple[Any, Any]  # the container, and the key or index in it
Mutation = Callable[[random.Random, Message], None]


def hostile_value(rng: random.Random) -> Any:
    return rng.choice(
        (
            lambda: rng.choice(TEXTS),
            lambda: rng.choice(IDS),
            lambda: Raw(rng.choice(NUMBERS)),
            lambda: rng.choice(TIMES),
            lambda: Raw(rng.choice(RAW)),
            lambda: rng.choice([None, True, False, [], {}, [None], {"": ""}, [[]], "2026-01-05T08:00:00Z"]),
        )
    )()


def change_value(rng: random.Random, message: Message) -> None:
    container, key = _place(rng, message)
    container[key] = hostile_value(rng)


def fit_value(rng: random.Random, message: Message) -> None:
    """A hostile one of the right kind: it gets further."""
    container, key = _place(rng, message)
    container[key] = _alike(rng, str(key), container[key])


def drop_value(rng: random.Random, message: Message) -> None:
    container, key = _place(rng, message)
    del container[key]


def wrap_value(rng: random.Random, message: Message) -> None:
    container, key = _place(rng, message)
    for _ in range(rng.choice((1, 2, 15, 16, 17, 40))):
        container[key] = [container[key]] if rng.random() < 0.5 else {"a": container[key]}


def repeat_key(rng: random.Random, message: Message) -> None:
    container, key = _place(rng, message, dict)
    told = container[key]
    if isinstance(told, dict) and told:
        name = rng.choice(list(told))
        container[key] = Pairs([*told.items(), (name, told[name] if rng.random() < 0.5 else hostile_value(rng))])


def add_key(rng: random.Random, message: Message) -> None:
    container, key = _place(rng, message, dict)
    told = container[key]
    if isinstance(told, dict):
        name = rng.choice((*TEXTS, *IDS, "user_id", "at", "limti", "__class__"))
        told[name] = hostile_value(rng)


def many_keys(rng: random.Random, message: Message) -> None:
    container, key = _place(rng, message, dict)
    told = container[key]
    if isinstance(told, dict):
        told |= {f"k{number}": rng.choice((1, "a", None)) for number in range(rng.choice((65, 101, 1_000)))}


def grow_list(rng: random.Random, message: Message) -> None:
    container, key = _place(rng, message, list)
    told = container[key]
    if isinstance(told, list):
        told.extend((told or ["food-1"]) * rng.choice((2, 33, 101, 300)))


def split_lines(rng: random.Random, message: Message) -> None:
    """The same entries as NDJSON."""
    if isinstance(message.tree, list):
        message.lines = True
        kind = rng.choice((b"application/x-ndjson", b"application/jsonl", b"application/json"))
        message.headers = [one for one in message.headers if one[0].lower() != b"content-type"]
        message.headers.append((b"Content-Type", kind))


def _alike(rng: random.Random, name: str, value: Any) -> Any:
    if name.endswith("_id") or name in {"exclude", "candidates"}:
        return rng.choice(IDS)
    if name.endswith(("_at", "since", "until")) or name == "at":
        return rng.choice(TIMES)
    if isinstance(value, bool):
        return rng.choice((0, 1, "true", None, Raw("1.0")))
    if isinstance(value, int | float):
        return Raw(rng.choice(NUMBERS))
    return rng.choice(TEXTS) if isinstance(value, str) else hostile_value(rng)


def _place(rng: random.Random, message: Message, kind: type | tuple[type, ...] = object) -> Place:
    """Somewhere in the tree; the message itself holds its root."""
    places = list(_places(_Root(message), 0))
    fitting = [one for one in places if isinstance(one[0][one[1]], kind)]
    return rng.choice(fitting or places)


class _Root:
    """Makes the root of the tree a place like any other."""

    def __init__(self, message: Message) -> None:
        self._message = message

    def __getitem__(self, _key: Any) -> Any:
        return self._message.tree

    def __setitem__(self, _key: Any, value: Any) -> None:
        self._message.tree = value

    def __delitem__(self, _key: Any) -> None:
        self._message.tree = Raw("")


def _places(container: Any, key: Any) -> list[Place]:
    found: list[Place] = [(container, key)]
    told = container[key]
    if isinstance(told, dict):
        for name in list(told):
            found += _places(told, name)
    elif isinstance(told, list) and not isinstance(told, Pairs):
        for place in range(min(len(told), 20)):
            found += _places(told, place)
    return found


TREE: tuple[Mutation, ...] = (
    change_value,
    fit_value,
    fit_value,
    drop_value,
    wrap_value,
    repeat_key,
    add_key,
    many_keys,
    grow_list,
    split_lines,
)
