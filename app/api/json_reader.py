"""The one strict JSON reader: what it lets through can be stored, compared and read back as it was sent.

It takes RFC 8259 text in UTF-8 and refuses, beyond that, what programs disagree about: NaN and Infinity, numbers that
overflow, a key twice in one object, NUL, lone surrogates, nesting deeper than `MAX_DEPTH`, and more values than are
read while others wait. A good body goes through
the standard library's C scanner with cheap hooks (1.7 ms for 1,000 behaviours); `json_faults` explains a bad one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.api.json_faults import Lines, Suspect, check_texts, explain, float_from, malformed, number_from, refusal
from app.domain.errors import Fault, TooLarge
from app.domain.limits import MAX_BEHAVIORS, MAX_DEPTH, MAX_FIELDS, MAX_VALUES

_BLANK = re.compile(r"[ \t\n\r]*")


@dataclass(slots=True)
class Entries:
    """The entries of a bulk body. `places[i]` is where `raws[i]` stood; `faults` are those that could not be read."""

    raws: list[object] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    faults: list[tuple[int, Fault]] = field(default_factory=list)

    def add(self, lines: Lines, start: int, end: int) -> None:
        """Reads that part of the text as the next entry; it lies behind those before."""
        place = len(self.raws) + len(self.faults)
        if place == MAX_BEHAVIORS:
            raise TooLarge(
                f"One request carries at most {MAX_BEHAVIORS:,} entries.",
                f"Send them in batches of {MAX_BEHAVIORS:,} or fewer.",
                code="too_many_entries",
            )
        try:
            self.raws.append(_read(lines.text[start:end]))
            self.places.append(place)
        except (Suspect, json.JSONDecodeError, RecursionError) as error:
            finding = explain(lines.text[start:end], error)
            fault = Fault(finding.code, f"/{place}", finding.detail(lines, start), finding.hint)
            self.faults.append((place, fault))


def read_json(body: bytes) -> Any:
    """The value a body stands for.

    Raises `MalformedBody`, whose fault names what is wrong and where (line and column), and `TooLarge`.
    """
    text = _decode(body)
    try:
        return _read(text)
    except (Suspect, json.JSONDecodeError, RecursionError) as error:
        raise refusal(text, error) from None


def read_entries(body: bytes) -> Entries:
    """A bulk body: one value, or an array whose entries fail one by one.

    Raises `MalformedBody` where the array itself is broken, `TooLarge` for too many entries.
    """
    text = _decode(body)
    try:
        value = _read(text)
    except json.JSONDecodeError as error:
        raise refusal(text, error) from None
    except (Suspect, RecursionError):
        return _one_by_one(text)
    raws = value if isinstance(value, list) else [value]
    return Entries(raws, list(range(len(raws)))) if len(raws) <= MAX_BEHAVIORS else _one_by_one(text)


def read_lines(body: bytes) -> Entries:
    """NDJSON: one value a line, blank lines passed over, each line failing alone."""
    entries = Entries()
    lines = Lines(_decode(body))
    start = 0
    for line in lines.text.split("\n"):
        if line.strip(" \t\r"):
            entries.add(lines, start, start + len(line))
        start += len(line) + 1
    return entries


def _decode(body: bytes) -> str:
    if not body.strip(b" \t\r\n"):
        raise malformed("empty_body", "The body is empty.", "Send JSON, for example `{}`.")
    if body.startswith(b"\xef\xbb\xbf"):
        raise malformed("invalid_encoding", "The body begins with a byte order mark.", "Send UTF-8 without it.")
    _check_size(body)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"The body is not UTF-8 at byte {error.start}."
        raise malformed("invalid_encoding", detail, "Send JSON as UTF-8.") from None


def _check_size(body: bytes) -> None:
    """Every value but the first of a list or an object comes behind a comma."""
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise TooLarge(
            f"The body holds more than {MAX_VALUES:,} values.", "Send several smaller batches.", code="too_many_values"
        )


def _read(text: str) -> Any:
    value = _READER.decode(text)
    _check_depth(value)
    check_texts(text)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs) or len(read) > MAX_FIELDS:
        raise Suspect
    return read


def _constant(name: str) -> Any:
    raise Suspect(name)


_READER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=float_from, parse_int=number_from, parse_constant=_constant
)
_FINDER = json.JSONDecoder(parse_int=len, parse_float=len)  # only finds ends; huge numbers are not worth reading


def _check_depth(value: Any) -> None:
    stack = [(value, 1)]
    while stack:
        inner, depth = stack.pop()
        if not isinstance(inner, (dict, list)):
            continue
        if depth > MAX_DEPTH:
            raise Suspect
        children = inner.values() if isinstance(inner, dict) else inner
        stack.extend((child, depth + 1) for child in children if isinstance(child, (dict, list)))


def _one_by_one(text: str) -> Entries:
    """The slow way through a suspicious body: entries of an array are cut out and read one at a time."""
    entries, lines = Entries(), Lines(text)
    for start, end in _spans(text):
        entries.add(lines, start, end)
    return entries


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the entries of an array begin and end."""
    at = _skip(text, 0)
    if text[at] != "[":
        yield at, len(text)
        return
    at = _skip(text, at + 1)
    more = text[at : at + 1] != "]"
    while more:
        end = _end_of_value(text, at)
        yield at, end
        at = _skip(text, end)
        more = text[at : at + 1] == ","
        at = _skip(text, at + 1) if more else at
    if text[at : at + 1] != "]":
        raise refusal(text, json.JSONDecodeError("", text, at))
    if (end := _skip(text, at + 1)) < len(text):
        raise refusal(text, json.JSONDecodeError("", text, end))


def _end_of_value(text: str, start: int) -> int:
    try:
        return _FINDER.raw_decode(text, start)[1]
    except (json.JSONDecodeError, RecursionError) as error:
        raise refusal(text, error) from None


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at
