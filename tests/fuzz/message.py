"""One HTTP/1.1 request before it is bytes, and what a server has to make of bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any
from urllib.parse import quote

import httptools

Header = tuple[bytes, bytes]
_LONG = 60_000


class Raw(str):
    """A piece of JSON that is written as it stands, good or bad."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """An object whose keys may come twice."""


def written(value: Any) -> str:
    """JSON of a tree of values, `Raw` and `Pairs`; lone surrogates become escapes."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict | Pairs):
        pairs = value.items() if isinstance(value, dict) else value
        return "{" + ", ".join(f"{_text(name)}: {written(one)}" for name, one in pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(one) for one in value) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    return encode_basestring(text) if text.isascii() or _is_unicode(text) else encode_basestring_ascii(text)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(slots=True)
class Message:
    """`path` and `query` are as on the wire; `tree` is what the body says, for as long as it is not only bytes."""

    operation: str
    method: bytes
    path: bytes
    query: bytes = b""
    headers: list[Header] = field(default_factory=list)
    tree: Any = None
    lines: bool = False
    body: bytes | None = None
    version: bytes = b"HTTP/1.1"
    length: bytes | None = None  # instead of the true one
    chunks: bytes | None = None  # the body in this chunked form instead
    newline: bytes = b"\r\n"

    def settle(self) -> None:
        """The tree becomes bytes."""
        if self.body is None and self.tree is not None:
            told = (
                "\n".join(map(written, self.tree)) if self.lines and isinstance(self.tree, list) else written(self.tree)
            )
            self.body = told.encode("utf-8", "surrogatepass")

    def raw(self) -> bytes:
        self.settle()
        target = self.path + (b"?" + self.query if self.query else b"")
        lines = [b" ".join((self.method, target, self.version)), *(b": ".join(one) for one in self.headers)]
        if self.chunks is None and (self.body is not None or self.length is not None):
            lines.append(b"Content-Length: " + (self.length or str(len(self.body or b"")).encode()))
        return self.newline.join([*lines, b"", b""]) + (self.chunks if self.chunks is not None else self.body or b"")


def quoted(text: str) -> bytes:
    """Percent-encoded for one step of a path or one value of a query."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="").encode()


@dataclass(slots=True)
class Heard:
    """A request as a server reads it."""

    method: str = ""
    target: bytes = b""
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False
    last: bool = False  # the connection ends behind its answer


class Hearing:
    """What the parser of the service makes of bytes: whole requests, perhaps the begin of one, perhaps nonsense."""

    def __init__(self, raw: bytes) -> None:
        self.requests: list[Heard] = []
        self.broken = False
        self.cut = False  # an upgrade swallows what follows
        self._parser = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        try:
            self._parser.feed_data(raw)
        except httptools.HttpParserUpgrade:
            self.cut = True
        except httptools.HttpParserError:
            self.broken = True

    @property
    def too_long(self) -> bool:
        """Whether the headers of one are so long that the service may hang up on them."""
        return any(
            len(one.target) + sum(len(name) + len(value) for name, value in one.headers) > _LONG
            for one in self.requests
        )

    @property
    def whole(self) -> list[Heard]:
        return [one for one in self.requests if one.complete]

    @property
    def ends(self) -> bool:
        """Whether nothing more may be sent on this connection."""
        unfinished = not self.requests or not self.requests[-1].complete
        return self.broken or self.cut or unfinished or any(one.last for one in self.requests)

    def on_message_begin(self) -> None:
        self.requests.append(Heard())

    def on_url(self, url: bytes) -> None:
        self.requests[-1].target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.requests[-1].headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        heard = self.requests[-1]
        heard.method = self._parser.get_method().decode()
        httptools.parse_url(heard.target).path.decode("ascii")  # as uvicorn does: an error makes it nonsense
        heard.last = not self._parser.should_keep_alive() or self._parser.get_http_version() == "1.0"

    def on_body(self, body: bytes) -> None:
        self.requests[-1].body += body

    def on_message_complete(self) -> None:
        self.requests[-1].complete = True
