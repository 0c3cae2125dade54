"""Turns what pydantic found into faults with our codes and hints; never a word of the input, but field names."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from app.domain.errors import Fault
from app.domain.limits import MAX_ERRORS, MAX_LISTED
from app.ingest.ids import ID_HINT

_LONGEST_NAME = 64
_TEXTS = frozenset({"text", "title", "description"})
_CODES = {
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "string_unicode": "invalid_text",
    "invalid_time": "invalid_time",
    "invalid_id": "invalid_id",
    "unknown_source": "unknown_source",
    "invalid_quota": "invalid_value",
    "repeated_variant": "invalid_value",
    "shares_too_large": "invalid_value",
    "greater_than": "invalid_value",
    "literal_error": "invalid_value",
    "finite_number": "invalid_value",
    "string_too_short": "invalid_value",
    "too_short": "invalid_value",
    "string_pattern_mismatch": "invalid_value",
    "string_too_long": "invalid_value",
    "too_long": "invalid_value",
    "greater_than_equal": "invalid_value",
    "less_than_equal": "invalid_value",
}
_DETAILS = {
    "missing_field": "This field is needed.",
    "unknown_field": "This field is not known.",
    "unknown_source": "There is no such source.",
    "invalid_text": "This is not text that can be stored.",
    "invalid_time": "This is not a time with a zone that can be stored.",
    "invalid_id": "This is not an id that can be stored.",
    "text_too_long": "This text is too long.",
}
_HINTS = {
    "missing_field": "Add it.",
    "invalid_text": "Send Unicode without NUL and without lone surrogates.",
    "invalid_time": "Write times as in RFC 3339 with a zone, 2026-11-24T09:30:00Z, within the years 1 to 9999.",
    "invalid_id": ID_HINT,
    "text_too_long": "Send the part that matters.",
}


def told_of_next(n_told: int) -> int:
    """How many faults of the next bad entry are told after `n_told` of those before it: an answer has to end."""
    return MAX_ERRORS if n_told < MAX_LISTED else 1


def faults_of(error: ValidationError, fields: Collection[str], most: int = MAX_ERRORS) -> tuple[Fault, ...]:
    """The first `most` faults; `fields` are the names that the entry may have."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(fault_from(one["type"], one["loc"], one["msg"], fields) for one in found[:most])


def nul_fault(pointer: str) -> Fault:
    return Fault("invalid_text", pointer, _DETAILS["invalid_text"], _HINTS["invalid_text"])


def has_lone_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def safe_name(name: object) -> str:
    """A name somebody sent, short and printable."""
    text = str(name).encode("utf-8", "backslashreplace").decode()
    return "".join(character if character.isprintable() else "?" for character in text[:_LONGEST_NAME])


def fault_from(kind: str, place: tuple[int | str, ...], message: str, fields: Collection[str]) -> Fault:
    """One finding of pydantic: its type, its place without the root, its message."""
    code = _CODES.get(kind, "invalid_type")
    if kind in {"string_too_long", "too_long"} and place[-1] in _TEXTS:
        code = "text_too_long"
    hint = _known(str(place[-1]), fields) if code == "unknown_field" else _HINTS.get(code, _hint(message))
    return Fault(code, _pointer(place), _DETAILS.get(code, "This value cannot be taken as it is."), hint)


def _hint(message: str) -> str:
    return message.replace("Input", "It", 1).rstrip(".") + "."


def _known(name: str, fields: Collection[str]) -> str:
    near = get_close_matches(name, list(fields), n=1)
    return f"Did you mean `{near[0]}`?" if near else "Known fields: " + ", ".join(fields) + "."


def _pointer(place: tuple[Any, ...]) -> str:
    """RFC 6901; the `[key]` that pydantic adds stays out."""
    steps = [safe_name(step) for step in place if step != "[key]"]
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
