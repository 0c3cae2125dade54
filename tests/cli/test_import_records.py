"""Whole sources entering a real database."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import Unavailable
from app.services.context import Context
from app.services.import_records import Rejects, Report, check_records, import_records
from app.sources.files import Files
from app.storage.behaviors import list_behaviors
from app.storage.engine import Database
from app.storage.items import get_item

ITEMS = "item_id,title,genres\na,Anise,Spice|Herb\nb,Basil,Herb\n"
LOG = """user,item,type,at,value
1,a,view,2020-01-01T00:00:00Z,
1,b,purchase,2020-01-02T00:00:00Z,2
2,a,rating,2020-01-03T00:00:00Z,9
2,a,rating,never,1
3,x/y,view,2020-01-03T00:00:00Z,
4,a
"""


@pytest.fixture
def source(tmp_path: Path) -> Files:
    (tmp_path / "items.csv").write_text(ITEMS)
    (tmp_path / "log.csv").write_text(LOG)
    return Files([tmp_path / "log.csv", tmp_path / "items.csv"], {"occurred_at": "at"}, UTC, 10.0)


@pytest.fixture
def rejects(tmp_path: Path) -> Path:
    return tmp_path / "rejects.jsonl"


def quiet(kind: str, count: object) -> None:
    """Nobody watches."""


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def load(context: Context, source: Files, path: Path) -> Report:
    with Rejects(path) as rejects:
        return await import_records(context, source, rejects, quiet)


async def test_items_and_behaviours_are_stored_as_if_they_had_been_posted(
    context: Context, source: Files, rejects: Path
) -> None:
    report = await load(context, source, rejects)
    assert (report.items.added, report.behaviors.added) == (2, 2)
    item = await get_item(context.db, "a")
    assert item is not None
    assert (item.title, item.categories) == ("Anise", ("Spice", "Herb"))
    stored = await list_behaviors(context.db, "1", None, 10)
    assert {(one.item_id, one.type, one.value) for _, one in stored} == {("a", "view", None), ("b", "purchase", 2.0)}
    assert not report.warnings


async def test_every_refused_record_is_told_with_its_line_and_reason(
    context: Context, source: Files, rejects: Path
) -> None:
    report = await load(context, source, rejects)
    lines = {one["line"]: one for one in told(rejects)}
    assert {(one["file"], one["line"], one["code"]) for one in lines.values()} == {
        ("log.csv", 4, "invalid_value"),
        ("log.csv", 5, "invalid_time"),
        ("log.csv", 6, "invalid_id"),
        ("log.csv", 7, "malformed_line"),
    }
    assert report.behaviors.rejected == 4
    assert sum(report.reasons.values()) == 4
    assert lines[5]["pointer"] == "/occurred_at"
    assert lines[5]["record"]["user_id"] == "2"


async def test_a_second_run_adds_nothing(context: Context, source: Files, rejects: Path) -> None:
    await load(context, source, rejects)
    again = await load(context, source, rejects)
    assert (again.items.added, again.behaviors.added) == (0, 0)
    assert (again.items.known, again.behaviors.known) == (2, 2)


async def test_a_run_that_was_cut_off_is_completed_by_the_next(context: Context, source: Files, rejects: Path) -> None:
    seen: list[str] = []

    def stop_after_items(kind: str, count: object) -> None:
        seen.append(kind)
        raise Unavailable("cut off")

    with Rejects(rejects) as file, pytest.raises(Unavailable, match="cut off"):
        await import_records(context, source, file, stop_after_items)
    assert seen == ["items"]
    report = await load(context, source, rejects)
    assert (report.items.known, report.behaviors.added) == (2, 2)


async def test_a_dry_run_refuses_the_same_and_stores_nothing(context: Context, source: Files, rejects: Path) -> None:
    with Rejects(rejects) as file:
        dry = await check_records(context.ingest, context.now(), source, file, quiet)
    assert await get_item(context.db, "a") is None
    assert await list_behaviors(context.db, "1", None, 10) == []
    real = await load(context, source, rejects)
    assert dry.reasons == real.reasons
    assert (dry.items.added, dry.behaviors.added) == (2, 2)


async def test_no_record_is_told_when_nothing_is_refused(context: Context, tmp_path: Path, rejects: Path) -> None:
    (tmp_path / "good.csv").write_text("user,item\n1,a\n")
    await load(context, Files([tmp_path / "good.csv"], {}, UTC, 5.0), rejects)
    assert told(rejects) == []


async def test_a_database_that_goes_away_ends_the_import_with_one_error(
    context: Context, source: Files, rejects: Path
) -> None:
    context.db = await Database.open("postgresql://nobody@127.0.0.1:1/none")
    try:
        with pytest.raises(Unavailable):
            await load(context, source, rejects)
    finally:
        await context.db.close()
