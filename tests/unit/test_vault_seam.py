"""No statement can be reached with an id that nobody has translated: what the storage rooms must not forget."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[2] / "app"
_ID = {"user_id", "gone_id", "user_ids"}
# Those that say so name users as they are stored.
_STORED = {"load_told", "release"}


def functions(folder: Path) -> Iterator[tuple[str, ast.AsyncFunctionDef]]:
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef):
                yield path.name, node


def calls(node: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Attribute) and one.attr == name for one in ast.walk(node))


def takes_ids(node: ast.AsyncFunctionDef) -> bool:
    names = {argument.arg for argument in node.args.args}
    return "db" in names and bool(names & _ID)


def test_whoever_takes_the_id_of_a_user_asks_the_vault() -> None:
    found = {f"{file}: {node.name}": node for file, node in functions(APP / "storage") if takes_ids(node)}
    assert len(found) > 15
    passing_on = {"load_log", "load_log_until"}
    forgot = {
        name
        for name, node in found.items()
        if not calls(node, "vault") and node.name not in _STORED and node.name not in passing_on
    }
    assert forgot == set()


def test_whoever_opens_a_database_of_users_brings_the_keys() -> None:
    opening = [
        (path.relative_to(APP).as_posix(), node)
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Database.open"
    ]
    assert len(opening) > 5
    assert [path for path, node in opening if len(node.args) + len(node.keywords) < 3] == []
