"""`portrait evaluate` on files and on the database's own log."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from app.cli.evaluate import modes_of
from app.domain.errors import InvalidInput
from app.evaluation.replay import Mode
from tests.cli.portrait import run


def files(folder: Path) -> list[str]:
    """20 people who go round 15 things, one a day."""
    items = [f"i{n},Thing number {n}" for n in range(15)]
    lines = [
        f"u{user},i{(user + day) % 15},purchase,2025-01-{day + 1:02d}T10:00:00Z"
        for day in range(28)
        for user in range(20)
    ]
    (folder / "items.csv").write_text("\n".join(["item_id,title", *items]))
    (folder / "behaviors.csv").write_text("\n".join(["user_id,item_id,type,occurred_at", *lines]))
    return [str(folder / "items.csv"), str(folder / "behaviors.csv")]


def test_files_are_examined(tmp_path: Path) -> None:
    told = run(tmp_path, "evaluate", *files(tmp_path), "--queries", "30", "--out", "out", data_dir=tmp_path / "data")
    assert told.returncode == 0, told.stderr
    results = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
    assert {"Portrait", "popular", "SLIT decayed"} <= {one["system"] for one in results}
    assert max(one["accuracy"]["NDCG@10"] for one in results if one["system"] == "Portrait") > 0.5
    ranks = pq.read_table(tmp_path / "out" / "ranks.parquet")
    assert {"system", "query", "rank", "track"} <= set(ranks.column_names)
    assert "Portrait against the others" in (tmp_path / "out" / "report.md").read_text()


def test_an_empty_database_has_nothing_to_examine(tmp_path: Path) -> None:
    told = run(tmp_path, "evaluate", "--out", "out", data_dir=tmp_path / "data")
    assert told.returncode == 1
    assert "100 behaviours" in told.stderr + told.stdout


def test_types_without_a_weight_are_named(tmp_path: Path) -> None:
    items, behaviors = files(tmp_path)
    Path(behaviors).write_text(Path(behaviors).read_text().replace("purchase", "played"))
    told = run(tmp_path, "evaluate", items, behaviors, "--out", "out", data_dir=tmp_path / "data")
    assert told.returncode == 1
    assert "here are 0" in told.stderr
    assert "played" in told.stderr


def test_modes_are_letters() -> None:
    assert modes_of("ufu") == [Mode.UPDATED, Mode.FROZEN]
    with pytest.raises(InvalidInput, match="F, U and O"):
        modes_of("X")
