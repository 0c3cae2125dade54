"""What becomes of files whose columns nobody has described."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidInput
from app.sources.base import Row, Unread, batched
from app.sources.files import Files
from app.sources.guess import wishes_of
from app.sources.times import time_reader
from tests.cli.reading import raws


def read(path: Path, text: str | bytes, **wishes: str) -> Files:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Files([path], wishes, UTC, 5.0)


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    source = read(
        tmp_path / "log.csv", "CustomerID,SKU,Event Type,created_at,qty\n17850.0,a,view,2020-01-02T03:04:05Z,2\n"
    )
    [raw] = raws(source.behaviors())
    assert raw.pop("behavior_id").startswith("f-")
    assert raw == {
        "user_id": "17850",
        "item_id": "a",
        "type": "view",
        "occurred_at": datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
        "value": 2.0,
    }


def test_columns_without_names_are_found_by_their_values(tmp_path: Path) -> None:
    lines = [f"{196 + n}\t{242 + n}\t{1 + n % 5}\t{881250949 + n}" for n in range(30)]
    source = read(tmp_path / "u.data", "\n".join(lines) + "\n")
    first = raws(source.behaviors())[0]
    assert (first["user_id"], first["item_id"], first["type"], first["value"]) == ("196", "242", "rating", 1.0)
    assert first["occurred_at"] == datetime.fromtimestamp(881250949, UTC)


def test_a_column_with_a_fitting_name_and_unfitting_values_is_passed_over(tmp_path: Path) -> None:
    source = read(tmp_path / "log.csv", "user,item,time,clicked\n1,a,morning,2020-01-01\n2,b,evening,2020-01-02\n")
    assert source.files[0].plan.fields["occurred_at"] == "clicked"


def test_a_purchase_of_a_negative_quantity_is_a_return(tmp_path: Path) -> None:
    source = read(tmp_path / "log.csv", "user,item,quantity\n1,a,3\n1,a,-1\n")
    assert [(raw["type"], raw["value"]) for raw in raws(source.behaviors())] == [("purchase", 3.0), ("return", 1.0)]


def test_ratings_come_to_the_scale_of_the_service(tmp_path: Path) -> None:
    source = read(tmp_path / "log.csv", "user,item,rating\n1,a,10\n1,b,6\n")
    assert [raw["value"] for raw in raws(source.behaviors())] == [5.0, 3.0]


def test_what_a_person_says_goes_before_the_guess(tmp_path: Path) -> None:
    text = "user,who,item,at\n1,anna,a,2020-01-01\n"
    source = read(tmp_path / "log.csv", text, user_id="who", type="like")
    [raw] = raws(source.behaviors())
    assert (raw["user_id"], raw["type"]) == ("anna", "like")


def test_the_same_record_has_the_same_id_in_every_run_and_another_record_another(tmp_path: Path) -> None:
    text = "user,item,at\n1,a,2020-01-01\n1,a,2020-01-02\n"
    ids = [[raw["behavior_id"] for raw in raws(read(tmp_path / "log.csv", text).behaviors())] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_items_keep_telling_columns_as_attributes_and_leave_the_rest(tmp_path: Path) -> None:
    rows = [
        {"id": n, "name": f"Thing {n}", "genres": ["a", "b"], "color": "red", "url": f"x/{n}", "year": n}
        for n in range(4)
    ]
    source = read(tmp_path / "items.jsonl", "\n".join(map(json.dumps, rows)))
    item = raws(source.items())[3]
    assert item == {
        "item_id": "3",
        "title": "Thing 3",
        "categories": ["a", "b"],
        "attributes": {"color": "red", "year": 3},
    }
    assert source.files[0].plan.unused == ("url",)


@pytest.mark.parametrize(
    ("cell", "categories"),
    [("Drama|War", ["Drama", "War"]), ("Food > Ice/Cream", ["Food > Ice/Cream"]), ('["x", "y"]', ["x", "y"])],
)
def test_categories_are_split_as_the_file_writes_them(tmp_path: Path, cell: str, categories: list[str]) -> None:
    source = read(tmp_path / "items.jsonl", json.dumps({"item_id": "1", "title": "t", "categories": cell}))
    assert raws(source.items())[0]["categories"] == categories


def test_lines_that_are_no_records_are_told_by_line(tmp_path: Path) -> None:
    text = '{"user": "1", "item": "a"}\n{"user": \n[1]\n\n{"user": "2", "item": "b"}\n'
    [batch] = read(tmp_path / "log.jsonl", text).behaviors()
    assert [row.line for row in batch.rows] == [1, 5]
    assert [(one.line, one.reason) for one in batch.unread] == [(2, "malformed_line"), (3, "malformed_line")]
    source = read(tmp_path / "log.csv", 'user,item\n1,"a\nb"\n2,b,c\n3,c\n')
    [batch] = source.behaviors()
    assert ([row.line for row in batch.rows], batch.unread[0].line) == ([3, 5], 4)


def test_a_csv_in_latin_1_is_read(tmp_path: Path) -> None:
    source = read(tmp_path / "items.csv", "id;title\n1;Café\n2;Thé\n".encode("latin-1"))
    assert raws(source.items())[0]["title"] == "Café"


def test_a_parquet_file_keeps_its_zones_and_gives_its_rows(tmp_path: Path) -> None:
    duckdb.sql(
        """SELECT * FROM (VALUES (2, 'a', TIMESTAMPTZ '2020-01-01 10:00:00+01'),
            (1, 'b', TIMESTAMPTZ '2020-01-01 00:00:00+00')) t(user_id, item_id, timestamp)"""
    ).write_parquet(str(tmp_path / "log.parquet"))
    source = Files([tmp_path / "log.parquet"], {}, ZoneInfo("Asia/Tokyo"), 5.0)
    [batch] = source.behaviors()
    assert [(row.line, row.raw["user_id"]) for row in batch.rows] == [(2, "1"), (1, "2")]
    assert batch.rows[1].raw["occurred_at"] == datetime(2020, 1, 1, 9, tzinfo=UTC)


def test_two_files_are_told_apart_by_their_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item\n1,x\n")
    (tmp_path / "b.csv").write_text("item,title\nx,Something\n")
    source = Files([tmp_path / "a.csv", tmp_path / "b.csv"], {}, UTC, 5.0)
    assert (raws(source.items())[0]["title"], raws(source.behaviors())[0]["user_id"]) == ("Something", "1")


@pytest.mark.parametrize(
    ("text", "said"),
    [("user,country\n1,UK\n", "neither behaviours"), ("", "empty")],
)
def test_a_file_that_holds_neither_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path / "x.csv", text)


def test_a_mapping_to_a_column_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path / "log.csv", "user,item\n1,a\n", user_id="customer")
    assert "item, user" in caught.value.hint


def test_a_mapping_of_an_unknown_field_is_answered_with_the_nearest() -> None:
    assert wishes_of("user=a, time=b") == {"user_id": "a", "occurred_at": "b"}
    with pytest.raises(InvalidInput) as caught:
        wishes_of("usr=a")
    assert caught.value.hint == "Did you mean user?"


# --- times and batches


@pytest.mark.parametrize(
    ("values", "moment"),
    [
        (["2020-03-01 10:00"], datetime(2020, 3, 1, 9, tzinfo=UTC)),
        (["2020-03-01T10:00:00Z"], datetime(2020, 3, 1, 10, tzinfo=UTC)),
        (["1583056800"], datetime(2020, 3, 1, 10, tzinfo=UTC)),
        ([1583056800000], datetime(2020, 3, 1, 10, tzinfo=UTC)),
        (["01.03.2020"], datetime(2020, 2, 29, 23, tzinfo=UTC)),
        (["3/1/2020", "3/13/2020"], datetime(2020, 2, 29, 23, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_the_column_writes_them(values: list[Any], moment: datetime) -> None:
    read_time = time_reader(values, ZoneInfo("Europe/Berlin"))
    assert read_time
    assert read_time(values[0]) == moment


@pytest.mark.parametrize("values", [[], ["x"], ["2020-01-01", "soon"], ["42"], [True]])
def test_what_is_no_time_has_no_reader(values: list[Any]) -> None:
    assert time_reader(values) is None


@given(st.lists(st.integers(0, 5)), st.integers(1, 7))
def test_batches_hold_every_row_in_order_and_none_is_too_large(users: list[int], size: int) -> None:
    rows: list[Row | Unread] = [Row(line, {"user_id": str(user)}) for line, user in enumerate(sorted(users), 1)]
    batches = list(batched("f", rows, size))
    assert [row for batch in batches for row in batch.rows] == rows
    assert all(0 < len(batch.rows) <= size for batch in batches)


def test_a_batch_ends_with_a_user_when_it_is_nearly_full() -> None:
    rows = [Row(line, {"user_id": "a" if line <= 9 else "b"}) for line in range(1, 15)]
    assert [len(batch.rows) for batch in batched("f", rows, 10)] == [9, 5]
