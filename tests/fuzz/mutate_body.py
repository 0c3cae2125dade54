"""Mutations of the bytes of a body and of what is said about them: kind, length, chunks."""

from __future__ import annotations

import gzip
import random

from tests.fuzz.hostile import CONTENT_TYPES
from tests.fuzz.hostile_wire import LENGTHS
from tests.fuzz.message import Message
from tests.fuzz.mutate_tree import Mutation


def change_bytes(rng: random.Random, message: Message) -> None:
    message.settle()
    body = bytearray(message.body or b"{}")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(body) + 1)
        body[at : at + rng.randrange(2)] = rng.choice(
            (b"\x00", b"\xff", b"{", b"]", b",", b'"', b"\\", b"\xed\xa0\x80", b" ")
        )
    message.body = bytes(body)


def cut_body(rng: random.Random, message: Message) -> None:
    message.settle()
    body = message.body or b""
    message.body = body[: rng.randrange(len(body) + 1)]


def recode_body(rng: random.Random, message: Message) -> None:
    message.settle()
    body = message.body or b"{}"
    text = body.decode("utf-8", "replace")
    message.body = rng.choice(
        (
            lambda: b"\xef\xbb\xbf" + body,
            lambda: text.encode("utf-16"),
            lambda: text.encode("utf-16-le"),
            lambda: text.encode("utf-32"),
            lambda: text.encode("latin-1", "replace") + b"\xe9",
            lambda: gzip.compress(body, mtime=0),
            lambda: text.encode("utf-7"),
            lambda: b" " * 30_000 + body,
            lambda: body + b"\r\n" * 2_000,
            lambda: body + body,
            lambda: body + b"\x00",
            lambda: b"",
            lambda: b"\x1e" + body,
        )
    )()


def change_type(rng: random.Random, message: Message) -> None:
    message.headers = [one for one in message.headers if one[0].lower() != b"content-type"]
    if rng.random() < 0.9:
        message.headers.append((b"Content-Type", rng.choice(CONTENT_TYPES).encode()))


def change_length(rng: random.Random, message: Message) -> None:
    message.settle()
    n = len(message.body or b"")
    message.length = rng.choice((*LENGTHS, str(n + rng.choice((-3, -1, 1, 3, 1_000)) if n else 3).encode()))
    if rng.random() < 0.2:
        message.headers.append((b"content-length", rng.choice((str(n).encode(), message.length))))


def send_chunked(rng: random.Random, message: Message) -> None:
    message.settle()
    body, size = message.body or b"", rng.choice((1, 7, 1_000))
    pieces = [body[at : at + size] for at in range(0, min(len(body), size * 500), size)]
    told = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    message.headers.append((b"Transfer-Encoding", b"chunked"))
    message.chunks = rng.choice(
        (
            lambda: told,
            lambda: told,
            lambda: told.replace(b"\r\n", b";x=y\r\n", 1),
            lambda: b"zz\r\n" + told,
            lambda: b"-1\r\n" + told,
            lambda: b"ffffffffffffffffff\r\n" + told,
            lambda: told[:-5] + b"0\r\nX-Trailer: a\r\n\r\n",
            lambda: told[: len(told) // 2],
            lambda: told.replace(b"\r\n", b"\n"),
        )
    )()


BODY: tuple[Mutation, ...] = (
    change_bytes,
    change_bytes,
    cut_body,
    recode_body,
    change_type,
    change_length,
    send_chunked,
)
