"""What is wrong with a JSON text, and where: read token by token, only after the fast reader gave up."""

from __future__ import annotations

import json
import math
import re
from typing import NamedTuple

from app.domain.errors import Fault, MalformedBody
from app.domain.limits import MAX_DEPTH

_MAX_INTEGER = 2**63
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}\[\],:]', re.DOTALL)
_RISKY_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Suspect(ValueError):
    """Something is wrong that the fast reader cannot place."""


class Finding(NamedTuple):
    code: str
    offset: int
    what: str
    hint: str

    def detail(self, text: str, start: int = 0) -> str:
        """`what`, with line and column counted from the beginning of `text`; `offset` counts from `start`."""
        offset = start + self.offset
        line = text.count("\n", 0, offset) + 1
        return f"{self.what} at line {line}, column {offset - text.rfind(chr(10), 0, offset)}."


def malformed(code: str, detail: str, hint: str) -> MalformedBody:
    return MalformedBody(detail, hint, faults=(Fault(code, "", detail, hint),))


def refusal(text: str, error: Exception) -> MalformedBody:
    finding = explain(text, error)
    return malformed(finding.code, finding.detail(text), finding.hint)


def number_from(digits: str) -> int:
    if len(digits) > 20 or not -_MAX_INTEGER <= (value := int(digits)) < _MAX_INTEGER:
        raise Suspect
    return value


def float_from(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise Suspect
    return value


def check_texts(text: str) -> None:
    """Raises `Suspect` where a string of the JSON text holds NUL or half of a surrogate pair."""
    if _RISKY_ESCAPE.search(text) and any(_text_finding(token) for token in _TOKEN.finditer(text)):
        raise Suspect


def explain(text: str, error: Exception) -> Finding:
    """The first fault of a text that the fast reader refused with `error`."""
    if isinstance(error, json.JSONDecodeError):
        what, hint = "The JSON breaks off or goes wrong", "Check the commas, quotes and brackets there."
        return Finding("invalid_json", error.pos, what, hint)
    for token in _TOKEN.finditer(text):
        if finding := _number_finding(token) or _text_finding(token):
            return finding
    return _nesting_finding(text)


def _number_finding(token: re.Match[str]) -> Finding | None:
    if token[0] in {"NaN", "Infinity", "-Infinity"}:
        hint = "Use a number, null, or leave the field out."
        return Finding("not_finite", token.start(), "NaN or Infinity stands", hint)
    if token[0][0] in "-0123456789" and not _fits(token[0]):
        hint = "Use numbers that fit into 64 bits."
        return Finding("number_too_large", token.start(), "A number that overflows stands", hint)
    return None


def _fits(digits: str) -> bool:
    read = number_from if digits.lstrip("-").isdigit() else float_from
    try:
        read(digits)
    except Suspect:
        return False
    return True


def _text_finding(token: re.Match[str]) -> Finding | None:
    if token[0][0] != '"' or "\\u" not in token[0]:
        return None
    value = json.loads(token[0])
    if "\x00" in value:
        hint = "Leave `\\u0000` out: no text in the database can hold it."
        return Finding("invalid_text", token.start(), "A text with a NUL character stands", hint)
    if _SURROGATE.search(value):
        hint = "Write the character itself, in UTF-8."
        return Finding("invalid_text", token.start(), "A text with half of a surrogate pair stands", hint)
    return None


def _nesting_finding(text: str) -> Finding:
    """Too deep, or a key twice: the two faults that take a memory of what encloses a token."""
    enclosing: list[set[str] | None] = []
    is_key = False
    for token in _TOKEN.finditer(text):
        kind = token[0][0]
        if kind in "{[":
            enclosing.append(set() if kind == "{" else None)
            if len(enclosing) > MAX_DEPTH:
                break
        elif kind in "}]":
            enclosing.pop()
        elif kind == '"' and is_key and (keys := enclosing[-1]) is not None:
            if (key := json.loads(token[0])) in keys:
                what = "A key comes a second time in one object"
                return Finding("duplicate_key", token.start(), what, "Keep one of the two.")
            keys.add(key)
        is_key = kind in "{," and bool(enclosing) and enclosing[-1] is not None
    hint = f"Flatten it: at most {MAX_DEPTH} levels are read."
    return Finding("too_deep", token.start(), "The nesting gets too deep", hint)
