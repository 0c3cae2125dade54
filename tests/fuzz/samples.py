"""Valid values made up from a JSON schema: seeded, small, with the names that the service knows."""

from __future__ import annotations

import random
import string
from copy import deepcopy
from typing import Any

from tests.fuzz.description import Schema, resolved

USERS = tuple(f"u-{number}" for number in range(12))
PASSING = "passing-"  # who may be erased at any time, become somebody else or withdraw consent
GONE = tuple(f"{PASSING}{number}" for number in range(6))
ITEMS = tuple(f"{shelf}-{number}" for shelf in ("food", "tools", "books") for number in range(6))
TYPES = ("view", "click", "purchase", "like", "dislike", "rating", "search", "impression", "return", "veiw")
WORDS = ("pizza", "hammer", "gluten free pasta", "no cheese please", "a gift for my sister under 20")
MOMENTS = ("2026-01-05T08:00:00Z", "2025-06-01T23:59:59.5+02:00", "2026-11-01T12:30:00.000001-05:00")
_DEEPEST = 5
# What names mean everywhere; a schema alone would give ids that nobody has.
_BY_NAME: dict[str, tuple[Any, ...]] = {
    "user_id": (*USERS, *GONE),
    "from": GONE,
    "item_id": ITEMS,
    "type": TYPES,
    "q": WORDS,
    "text": WORDS,
    "statement": WORDS,
    "job_id": ("1", "019acf2a"),
    "version": ("1", "2", "3"),
    "name": ("home", "product", "mine", "n-1"),
    "code": ("malformed_body", "invalid_id"),
    "category": ("Shop > food", "tools"),
    "filter": ("brand:private",),
    "value": (0, 1, 3.5, 5),
    "cursor": ("WyJmb29kLTEiXQ.x",),
}


class Samples:
    def __init__(self, document: dict[str, Any], rng: random.Random) -> None:
        self._document = document
        self._rng = rng

    def value(self, schema: Schema, name: str = "", depth: int = 0) -> Any:
        """A value that `schema` allows, mostly one that also makes sense."""
        schema = resolved(self._document, schema)
        known = _BY_NAME.get(name)
        if known and schema.get("type") not in {"array", "object"}:
            return self._rng.choice(known)
        if "const" in schema:
            return deepcopy(schema["const"])
        if "enum" in schema:
            return deepcopy(self._rng.choice(schema["enum"]))
        for many in ("anyOf", "oneOf", "allOf"):
            if many in schema:
                return self.value(self._one_of(schema[many]), name, depth)
        if schema.get("examples") and self._rng.random() < 0.3:
            return deepcopy(self._rng.choice(schema["examples"]))  # mutations must not reach the document
        return self._of_kind(schema, name, depth)

    def _one_of(self, schemas: list[Schema]) -> Schema:
        some = [one for one in schemas if one.get("type") != "null"]
        return self._rng.choice(some if some and self._rng.random() < 0.9 else schemas)

    def _of_kind(self, schema: Schema, name: str, depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = self._rng.choice(kind)
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind in {"integer", "number"}:
            return self._number(schema, kind)
        if kind == "boolean":
            return self._rng.random() < 0.5
        return None if kind == "null" else self._text(schema)

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        needed = schema.get("required", ())
        share = 0.5 if depth < _DEEPEST else 0.0
        told = {
            name: self.value(inner, name, depth + 1)
            for name, inner in schema.get("properties", {}).items()
            if name in needed or self._rng.random() < share
        }
        others = schema.get("additionalProperties")
        if isinstance(others, dict) and depth < _DEEPEST:
            told |= {f"brand-{n}": self.value(others, "", depth + 1) for n in range(self._rng.randrange(3))}
        return told

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        n = self._rng.randrange(4) if depth < _DEEPEST else 0
        least = schema.get("minItems", 0)
        inner = "item_id" if name in {"exclude", "candidates", "pinned", "context_items"} else name.removesuffix("s")
        return [self.value(schema.get("items", {}), inner, depth + 1) for _ in range(max(n, least))]

    def _number(self, schema: Schema, kind: str) -> float | int:
        least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        most = schema.get("maximum", schema.get("exclusiveMaximum", least + 10))
        if kind == "integer":
            return self._rng.randint(int(least), int(min(most, least + 20)))
        return round(self._rng.uniform(least, min(most, least + 10)), 3)

    def _text(self, schema: Schema) -> str:
        if schema.get("format") == "date-time":
            return self._rng.choice(MOMENTS)
        if ":" in schema.get("pattern", ""):
            return "brand:private"
        letters = self._rng.choices(string.ascii_lowercase, k=self._rng.randint(3, 10))
        return "".join(letters)[: schema.get("maxLength", 10)]
