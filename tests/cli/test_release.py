"""`portrait release` as an operator calls it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.portrait import run


def test_what_is_released_is_paid_for_and_never_written_over(tmp_path: Path, empty_database_url: str) -> None:
    def portrait(*words: str) -> tuple[int, str]:
        done = run(tmp_path, *words, database_url=empty_database_url)
        return done.returncode, done.stdout + done.stderr

    rows = tmp_path / "rows.csv"
    rows.write_text("user_id,item_id,type,occurred_at\n" + "ann,tea,purchase,2026-03-05T10:00:00Z\n" * 3)
    (tmp_path / "items.csv").write_text("item_id,title\ntea,Green tea\nmug,A mug\n")
    assert portrait("import", "items.csv", "--yes")[0] == 0
    assert portrait("import", "rows.csv", "--yes")[0] == 0
    asked = ("release", "popularity", "--until", "2026-03-05", "--days", "2", "--epsilon", "0.7", "--out")
    code, told = portrait(*asked, "first.json")
    assert code == 0, told
    released = json.loads((tmp_path / "first.json").read_text())
    assert released["counts"].keys() == {"tea", "mug"}
    assert released["days"] == ["2026-03-04", "2026-03-05"]
    code, told = portrait(*asked, "second.json")
    assert (code, "0.3 left" in told, (tmp_path / "second.json").exists()) == (1, True, False)
    assert portrait("release", "popularity", "--out", "first.json")[0] == 1
    assert json.loads((tmp_path / "first.json").read_text()) == released
    assert portrait("release", "popularity", "--until", "2999-01-01", "--out", "third.json")[0] == 1
    code, told = portrait("release", "budget")
    assert (code, told.count("0.7")) == (0, 2)
