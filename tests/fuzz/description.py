"""The calls a service describes: what each takes, so that a valid one can be made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

METHODS = ("get", "put", "post", "patch", "delete")
JSON = "application/json"

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    schema: Schema
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` with its placeholders; `body` is the schema of a JSON body, `takes_lines` whether NDJSON is read too."""

    method: str
    path: str
    in_path: tuple[Parameter, ...]
    in_query: tuple[Parameter, ...]
    body: Schema | None
    takes_lines: bool

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def operations_of(document: dict[str, Any]) -> list[Operation]:
    """In the order of the document."""
    return [
        _operation(method, path, told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if method in METHODS
    ]


def resolved(document: dict[str, Any], schema: Schema) -> Schema:
    """`schema` itself, or what its `$ref` names."""
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def _operation(method: str, path: str, told: dict[str, Any]) -> Operation:
    content = told.get("requestBody", {}).get("content", {})
    body = next(
        (kind["schema"] for name, kind in content.items() if name.endswith("json") and "x-nd" not in name), None
    )
    return Operation(
        method.upper(),
        path,
        _parameters(told, "path"),
        _parameters(told, "query"),
        body,
        "application/x-ndjson" in content,
    )


def _parameters(told: dict[str, Any], where: str) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(one["name"], one.get("schema", {}), one.get("required", False))
        for one in told.get("parameters", ())
        if one["in"] == where
    )
