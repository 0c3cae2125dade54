"""`portrait import` of exports of users."""

from __future__ import annotations

import json
from pathlib import Path

from .portrait import run

LINES = [
    {"kind": "user", "format": 1, "user_id": "ann", "attributes": {"city": "Ulm"}, "consent": True},
    {"kind": "merge", "from": "session:s", "merged_at": "2026-11-01T10:00:00Z"},
    {"kind": "behavior", "user_id": "ann", "behavior_id": "b1", "type": "view", "item_id": "i1"},
    {"kind": "end", "behaviors": 1},
]


def written(path: Path, lines: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_an_export_is_imported_once_and_half_of_one_is_told(tmp_path: Path) -> None:
    whole, half = written(tmp_path / "ann.ndjson", LINES), written(tmp_path / "half.ndjson", LINES[:3])
    first = run(tmp_path, "import", whole, data_dir=tmp_path / "data")
    assert first.returncode == 0, first.stderr
    assert "1 users, 1 behaviours and 0 edits added, 0 known before" in first.stdout + first.stderr
    again = run(tmp_path, "import", half, data_dir=tmp_path / "data")
    assert again.returncode != 0
    assert "ends too early" in again.stdout + again.stderr


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ann.ndjson"
    path.write_text(json.dumps(LINES[0]) + "\n{broken\n")
    done = run(tmp_path, "import", str(path), "--dry-run", data_dir=tmp_path / "data")
    assert done.returncode != 0
    assert "line 2" in done.stdout + done.stderr
