"""What is wrong with a JSON text, and where: read token by token, only after the fast reader gave up."""

from __future__ import annotations

import json
import math
import re
from typing import NamedTuple

from app.domain.errors import Fault, MalformedBody
from app.domain.limits import MAX_DEPTH, MAX_FIELDS

_MAX_INTEGER = 2**63
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}\[\],:]', re.DOTALL | re.ASCII
)
_RISKY_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Suspect(ValueError):
    """Something is wrong that the fast reader cannot place."""


class Lines:
    """Where places in a text lie, asked for in ascending order: each piece of the text is looked at once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._read = self._start = 0
        self._line = 1

    def place(self, offset: int) -> str:
        self._line += self.text.count("\n", self._read, offset)
        self._start = max(self._start, self.text.rfind("\n", self._read, offset) + 1)
        self._read = offset
        return f"line {self._line}, column {offset - self._start + 1}"


class Finding(NamedTuple):
    code: str
    offset: int
    what: str
    hint: str

    def detail(self, lines: Lines, start: int = 0) -> str:
        """`what`, with line and column of the whole text; `offset` counts from `start`."""
        return f"{self.what} at {lines.place(start + self.offset)}."


def malformed(code: str, detail: str, hint: str) -> MalformedBody:
    return MalformedBody(detail, hint, faults=(Fault(code, "", detail, hint),))


def refusal(text: str, error: Exception) -> MalformedBody:
    finding = explain(text, error)
    return malformed(finding.code, finding.detail(Lines(text)), finding.hint)


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
        return _broken(error.pos)
    nesting = _Nesting()
    for token in _TOKEN.finditer(text):
        if finding := _number_finding(token) or _text_finding(token) or nesting.finding(token):
            return finding
    return _broken(len(text))


def _broken(offset: int) -> Finding:
    what, hint = "The JSON breaks off or goes wrong", "Check the commas, quotes and brackets there."
    return Finding("invalid_json", offset, what, hint)


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


class _Nesting:
    """The faults that take a memory of what encloses a token: too deep, too many fields, a key twice."""

    def __init__(self) -> None:
        self._enclosing: list[set[str] | None] = []  # the keys until now; None in a list
        self._is_key = False

    def finding(self, token: re.Match[str]) -> Finding | None:
        kind = token[0][0]
        finding = self._key_finding(token) if kind == '"' and self._is_key else None
        if kind in "{[":
            self._enclosing.append(set() if kind == "{" else None)
            finding = _too_deep(token) if len(self._enclosing) > MAX_DEPTH else None
        elif kind in "}]" and self._enclosing:
            self._enclosing.pop()
        self._is_key = kind in "{," and bool(self._enclosing) and self._enclosing[-1] is not None
        return finding

    def _key_finding(self, token: re.Match[str]) -> Finding | None:
        keys, key = self._enclosing[-1], json.loads(token[0])
        if keys is None:
            return None
        if key in keys:
            what = "A key comes a second time in one object"
            return Finding("duplicate_key", token.start(), what, "Keep one of the two.")
        keys.add(key)
        if len(keys) > MAX_FIELDS:
            hint = f"At most {MAX_FIELDS:,} fields of one object are read."
            return Finding("too_many_fields", token.start(), "An object gets too many fields", hint)
        return None


def _too_deep(token: re.Match[str]) -> Finding:
    hint = f"Flatten it: at most {MAX_DEPTH} levels are read."
    return Finding("too_deep", token.start(), "The nesting gets too deep", hint)
