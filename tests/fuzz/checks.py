"""What must hold of every answer, whatever was sent."""

from __future__ import annotations

import json
from typing import Any

from app.api.error_table import MEANINGS
from tests.fuzz.link import Answer
from tests.fuzz.message import Hearing

# Too much to do for the moment; an honest refusal when the fuzzer itself is the load.
_BUSY = frozenset({"overloaded"})
_FIELDS = {"type", "title", "status", "detail", "instance", "code", "hint", "request_id", "errors"}


def complaints(answers: list[Answer], hearing: Hearing, was_reset: bool = False) -> list[str]:
    """What is wrong with the answers to what was heard; nothing when all is well. Nonsense may be cut off."""
    found = [one for answer in answers for one in _complaints(answer, hearing.broken or hearing.cut)]
    if (
        not answers
        and (hearing.whole or hearing.broken)
        and not (was_reset and hearing.broken)
        and not hearing.too_long
    ):
        found.append("the connection ended without an answer")
    owed = len(hearing.whole)
    if not hearing.ends and answers and len(answers) < owed and answers[-1].headers.get(b"connection") != b"close":
        found.append(f"{len(answers)} answers to {owed} requests")
    return found


def strict_json(text: bytes) -> Any:
    """Raises ValueError where a program that reads strictly would."""
    return json.loads(text.decode(), parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _complaints(answer: Answer, broken: bool) -> list[str]:
    if answer.status >= 400:
        return _of_failure(answer, broken)
    kind = answer.headers.get(b"content-type", b"")
    if answer.body and kind == b"application/json":
        return _of_json(answer.body)
    return (
        [] if answer.status in {200, 202, 204, 304, 303, 307} else [f"{answer.status} is not an answer of this service"]
    )


def _of_json(body: bytes) -> list[str]:
    try:
        strict_json(body)
    except (ValueError, RecursionError) as error:
        return [f"the answer is no JSON: {type(error).__name__}"]
    return []


def _of_failure(answer: Answer, broken: bool) -> list[str]:
    kind = answer.headers.get(b"content-type", b"")
    if broken and answer.status == 400 and kind.startswith(b"text/plain"):
        return []  # the server's own word for what is no HTTP
    if kind != b"application/problem+json":
        return [f"{answer.status} is no problem but {kind.decode('latin-1')}"]
    return [] if answer.method == "HEAD" else _of_problem(answer)


def _of_problem(answer: Answer) -> list[str]:
    try:
        told = strict_json(answer.body)
    except ValueError:
        return ["the problem is no JSON"]
    if not isinstance(told, dict) or set(told) != _FIELDS:
        return ["the problem has other fields"]
    found = [] if told["code"] in MEANINGS and told["status"] == answer.status else [f"an unknown code: {told['code']}"]
    found += [f"a fault with an unknown code: {one['code']}" for one in told["errors"] if one["code"] not in MEANINGS]
    if answer.status >= 500 and not (told["code"] in _BUSY and b"retry-after" in answer.headers):
        found.append(f"{answer.status} {told['code']}, request {told['request_id']}")
    return found
