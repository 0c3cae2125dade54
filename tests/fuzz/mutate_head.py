"""Mutations of what stands before a body: the address, the headers."""

from __future__ import annotations

import random

from tests.fuzz.hostile import IDS, NUMBERS, TEXTS, TIMES
from tests.fuzz.hostile_wire import HEADERS, METHODS, STEPS, VERSIONS
from tests.fuzz.message import Message, quoted
from tests.fuzz.mutate_tree import Mutation
from tests.fuzz.samples import PASSING


def add_header(rng: random.Random, message: Message) -> None:
    for _ in range(rng.choice((1, 1, 2, 3))):
        message.headers.insert(rng.randrange(len(message.headers) + 1), rng.choice(HEADERS))


def many_headers(rng: random.Random, message: Message) -> None:
    message.headers += [(b"X-%d" % number, b"a") for number in range(rng.choice((50, 101, 2_000)))]


def repeat_header(rng: random.Random, message: Message) -> None:
    if message.headers:
        message.headers.append(rng.choice(message.headers))


def drop_header(rng: random.Random, message: Message) -> None:
    if message.headers:
        message.headers.pop(rng.randrange(len(message.headers)))


def change_method(rng: random.Random, message: Message) -> None:
    message.method = rng.choice(METHODS)


def change_version(rng: random.Random, message: Message) -> None:
    message.version = rng.choice(VERSIONS)


def change_newline(rng: random.Random, message: Message) -> None:
    message.newline = rng.choice((b"\n", b"\r", b"\r\r\n", b"\n\r"))


def change_step(rng: random.Random, message: Message) -> None:
    """One step of the path, by preference the id."""
    steps = message.path.split(b"/")
    at = rng.choice((*range(1, len(steps)), *range(2, len(steps)), len(steps) - 1))
    kept = PASSING.encode() if steps[at].startswith(PASSING.encode()) else b""
    steps[at] = kept + (quoted(rng.choice(IDS)) if rng.random() < 0.7 else rng.choice(STEPS))
    message.path = b"/".join(steps)


def change_path(rng: random.Random, message: Message) -> None:
    path = message.path
    message.path = rng.choice(
        (
            lambda: path + b"/",
            lambda: b"/" + path,
            lambda: path + b"//x",
            path.upper,
            lambda: b"http://elsewhere" + path,
            lambda: path[1:],
            lambda: b"*",
            lambda: b"",
            lambda: path + b"#part",
            lambda: path + b"/" + b"a" * rng.choice((300, 5_000, 70_000)),
            lambda: path.replace(b"/", b"/./", 1),
            lambda: b"/x/../.." + path,
            lambda: path[: rng.randrange(len(path) + 1)],
            lambda: path + b" x",
            lambda: path + b"\t",
            lambda: path.replace(b"e", b"%65"),
            lambda: path + b"?" * 3,
        )
    )()


def change_parameter(rng: random.Random, message: Message) -> None:
    """The value of one that is there, or of one that many calls know."""
    pairs = [one for one in message.query.split(b"&") if one]
    common = (b"limit", b"cursor", b"at", b"q", b"filter", b"include", b"since", b"exclude", b"diversity")
    name = rng.choice(pairs).partition(b"=")[0] if pairs and rng.random() < 0.8 else rng.choice(common)
    value = quoted(rng.choice(rng.choice((TEXTS, IDS, NUMBERS, TIMES)))[:20_000])
    if rng.random() < 0.2:
        value = rng.choice((*STEPS, b"+", b"a=b", b"", b"%20"))
    kept = [one for one in pairs if one.partition(b"=")[0] != name or rng.random() < 0.2]
    message.query = b"&".join([*kept, name + b"=" + value])


def change_query(rng: random.Random, message: Message) -> None:
    query = message.query or b"limit=2"
    message.query = rng.choice(
        (
            lambda: query + b"&" + query,
            lambda: query + b"&limti=1",
            lambda: query.replace(b"=", b""),
            lambda: query.replace(b"=", b"=="),
            lambda: query.replace(b"&", b";") + b";",
            lambda: b"&" * 500 + query,
            lambda: b"&".join([query] * 300),
            lambda: query + b"&exclude=" + b"&exclude=".join([b"food-1"] * 101),
            lambda: query + b"&" + quoted(rng.choice(TEXTS)[:2_000]) + b"=1",
            lambda: b"=" + query,
            lambda: b"[]=" + query,
            lambda: query + b"\xff",
            lambda: query + b"%",
            query.upper,
        )
    )()


ADDRESS: tuple[Mutation, ...] = (
    change_step,
    change_step,
    change_path,
    change_parameter,
    change_parameter,
    change_query,
)
HEAD: tuple[Mutation, ...] = (
    add_header,
    add_header,
    many_headers,
    repeat_header,
    drop_header,
    change_method,
    change_version,
    change_newline,
)
