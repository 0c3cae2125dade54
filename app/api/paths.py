"""Which calls there are, for the hints of 404 and 405: read once from the service's own OpenAPI."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

from starlette.routing import compile_path

_OPERATIONS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})


class Paths:
    def __init__(self, openapi: dict[str, Any]) -> None:
        self._methods = {
            path: sorted(name.upper() for name in _OPERATIONS & set(operations))
            for path, operations in openapi["paths"].items()
        }
        self._patterns = {path: compile_path(path)[0] for path in self._methods}

    def methods(self, path: str) -> list[str]:
        """The methods of an address; none where there is no such call."""
        return sorted(
            {name for known, pattern in self._patterns.items() if pattern.match(path) for name in self._methods[known]}
        )

    def near(self, path: str) -> str | None:
        """The path, as /docs writes it, that was probably meant; nothing of what was sent is in it."""
        if len(path) > 500:
            return None
        shapes = {_shape(path, known): known for known in self._methods}
        nearest: list[str] = get_close_matches(path, list(shapes), n=1, cutoff=0.7)
        return shapes[nearest[0]] if nearest else None


def _shape(path: str, known: str) -> str:
    """`known` with its placeholders filled from the same places of `path`."""
    sent = path.split("/")
    filled = (
        sent[place] if step.startswith("{") and place < len(sent) else step
        for place, step in enumerate(known.split("/"))
    )
    return "/".join(filled)


def holds_encoded_slash(raw_path: bytes) -> bool:
    return re.search(rb"%(?:2f|5c)", raw_path, re.IGNORECASE) is not None
