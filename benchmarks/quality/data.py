"""The data sets of the benchmark. What was only known afterwards (means of ratings, tags) is not read.

`completejourney` comes from its wheel; the others lie under the folder given by `--data-dir`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.domain.catalogue import Vectors
from app.domain.item import Item
from app.encoders.text_encoder import TextEncoder
from app.evaluation.events import Columns
from app.ingest.weigh import Weights, weigh
from app.services.exam import DataSet, data_set, encode
from app.sources.completejourney import CompleteJourney

N_PRODUCTS = 12_000


def completejourney(_: Path) -> tuple[Columns, list[Item]]:
    """The 12,000 products that were sold most, and all their sales."""
    source = CompleteJourney()
    items = [_item(row.raw) for batch in source.items() for row in batch.rows]
    rows = [row.raw for batch in source.behaviors() for row in batch.rows]
    sold, counts = np.unique([raw["item_id"] for raw in rows], return_counts=True)
    chosen = set(sold[np.argsort(-counts, kind="stable")[:N_PRODUCTS]].tolist())
    rows = [raw for raw in rows if raw["item_id"] in chosen]
    at = np.array([raw["occurred_at"].timestamp() for raw in rows])
    names = ([raw[name] for raw in rows] for name in ("user_id", "item_id", "type"))
    users, item_ids, types = names
    columns = Columns(users, item_ids, at, np.ones(len(rows), dtype=np.float32), types)
    return columns, [item for item in items if item.item_id in chosen]


def uci_online_retail(folder: Path) -> tuple[Columns, list[Item]]:
    items = [Item(row["item_id"], row["title"] or "") for row in _rows(folder / "items.parquet")]
    return _columns(folder, None, Weights()), items


def ifdb(folder: Path) -> tuple[Columns, list[Item]]:
    items = [
        Item(
            row["item_id"],
            row["title"] or "",
            row["description"] or "",
            tuple(row["categories"] or ()),
            {name: row[name] for name in ("author", "system") if row[name]},
            published_at=_date(row["published"]),
        )
        for row in _rows(folder / "items.parquet")
    ]
    return _columns(folder, "watch", Weights()), items


def movietweetings(folder: Path) -> tuple[Columns, list[Item]]:
    items = [
        Item(
            row["item_id"],
            row["title"] or "",
            row["description"] or "",
            tuple(row["categories"] or ()),
            {"year": str(row["year"])} if row["year"] else {},
        )
        for row in _rows(folder / "items.parquet")
    ]
    return _columns(folder, None, Weights(rating_max=10.0)), items


SETS: dict[str, Callable[[Path], tuple[Columns, list[Item]]]] = {
    "completejourney": completejourney,
    "uci-online-retail": uci_online_retail,
    "ifdb": ifdb,
    "movietweetings": movietweetings,
}


def present(name: str, data_dir: Path) -> bool:
    return name == "completejourney" or (data_dir / name / "events.parquet").exists()


def load(name: str, data_dir: Path, cache: Path) -> DataSet:
    """Item texts are encoded once and kept in `cache`."""
    columns, items = SETS[name](data_dir / name)
    return data_set(name, columns, items, lambda known: _embedded(known, cache / f"{name}.npy"))


def _embedded(items: Sequence[Item], path: Path) -> Vectors:
    if path.exists() and len(known := np.load(path)) == len(items):
        return np.asarray(known)
    encoder = TextEncoder(threads=2)
    encoder.load()
    raw = asyncio.run(encode(encoder, items))
    encoder.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, raw)
    return raw


def _columns(folder: Path, type_: str | None, weights: Weights) -> Columns:
    table = pq.read_table(folder / "events.parquet")
    types = table["event_type"].to_pylist() if type_ is None else [type_] * table.num_rows
    values = table["value"].to_pylist()
    at = (
        table["timestamp"].cast(pa.timestamp("us", tz="UTC")).to_numpy().astype("datetime64[us]").astype(np.int64) / 1e6
    )
    weighed = [weigh(weights, name, value) for name, value in zip(types, values, strict=True)]
    return Columns(
        table["user_id"].to_pylist(), table["item_id"].to_pylist(), at, np.array(weighed, dtype=np.float32), types
    )


def _item(raw: dict[str, Any]) -> Item:
    return Item(raw["item_id"], raw["title"], "", tuple(raw["categories"]), dict(raw["attributes"]))


def _rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def _date(text: str | None) -> datetime | None:
    """Some have a year only, or a month that there is not."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
