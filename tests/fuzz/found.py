"""What the fuzzer found, each in its smallest form, sent again in every run."""

from __future__ import annotations

from tests.fuzz.description import JSON
from tests.fuzz.message import Message
from tests.fuzz.service import HEADERS

_ASKED = Message("", b"GET", b"/users/u-1/profile", headers=[(b"Host", b"found"), *HEADERS]).raw()


def _put(path: bytes, body: bytes) -> bytes:
    headers = [(b"Host", b"found"), (b"Content-Type", JSON.encode()), *HEADERS]
    return Message("", b"PUT", path, headers=headers, body=body).raw()


def _odd(line: bytes) -> bytes:
    return _ASKED.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n\r\n")


# What was wrong, and what was sent.
FOUND: dict[str, bytes] = {
    "a field named like a digit that is no number was a 500": _put(b"/users/found", '{"\u00b2": 1}'.encode()),
    "behind a large body that was refused unread the next request had no answer": _put(
        b"/users/found?limit=2", b" " * 500_000
    )
    + _ASKED,
    "the checker took an end for a fault, which headers over 64 KiB deserve": _ASKED
    + _odd(b"X-Long: " + b"a" * 70_000),
}
