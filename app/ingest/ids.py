"""Which ids are accepted: those that survive a URL path, a log line and an index."""

from __future__ import annotations

import re

from app.domain.errors import Fault
from app.domain.limits import MAX_ID

# No slash, backslash, control character, lone surrogate; no blank at either end.
_GOOD = re.compile(rf"(?!\s)[^/\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{{1,{MAX_ID}}}(?<!\s)")
_DOTS = frozenset({".", ".."})
ID_HINT = (
    f"Use 1 to {MAX_ID} characters without `/`, `\\`, control characters or blanks at the ends; "
    "`.` and `..` are not ids."
)


def is_id(value: str) -> bool:
    return _GOOD.fullmatch(value) is not None and value not in _DOTS


def id_fault(value: str, pointer: str) -> Fault | None:
    """What is wrong with an id, if anything."""
    if is_id(value):
        return None
    return Fault("invalid_id", pointer, "This is not an id that can be stored.", ID_HINT)
