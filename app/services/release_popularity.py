"""How popular items or categories were on some days, told so that no day of any user shows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue
from app.domain.errors import InvalidInput
from app.ingest.weigh import Weights
from app.privacy.noise import Bounds, bounded, count, noised, require_noise
from app.profiles.decay import DAY_S
from app.retrieval.base import Log
from app.storage.engine import Database
from app.storage.items import stream_items
from app.storage.releases import Debit, debit_and_read
from app.training.dataset import read_log

By = Literal["item", "category"]
EPOCH = date(1970, 1, 1)
MOST_CELLS = 5_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """`n_days` days (UTC) up to `until`; `limit` is what may be spent of a user-day over all releases."""

    until: date
    n_days: int
    by: By
    bounds: Bounds
    limit: float

    @property
    def days(self) -> list[date]:
        return [self.until - timedelta(days=back) for back in reversed(range(self.n_days))]


async def release_popularity(db: Database, weights: Weights, wanted: Wanted) -> dict[str, Any]:
    """What to publish, as JSON. The budget is spent when this returns, and also when it fails behind the debit.

    Raises Conflict `privacy_budget_spent`, `Misconfigured` without OpenDP, InvalidInput for more than 5 million cells.
    """
    require_noise()
    catalogue = Catalogue([stored.item async for stored in stream_items(db)])
    keys = keys_of(catalogue, wanted.by)
    if len(keys.names) * wanted.n_days > MOST_CELLS:
        raise InvalidInput("So many days of so many keys are more than one release holds.", "Ask for fewer days.")
    about = {"what": "popularity", "by": wanted.by, "most": wanted.bounds.most}
    csv = await debit_and_read(db, Debit(wanted.days, wanted.bounds.epsilon, about), wanted.limit)
    return await asyncio.to_thread(_released, read_log(csv, weights), catalogue, keys, wanted)


@dataclass(frozen=True, slots=True)
class Keys:
    """What is counted: `names`, and pairs (P,) of catalogue row and number of the name."""

    names: list[str]
    rows: NDArray[np.int64]
    numbers: NDArray[np.int64]


def keys_of(catalogue: Catalogue, by: By) -> Keys:
    """All of the catalogue, whoever turned to it: the list of names says nothing about users."""
    of_row = [(item.item_id,) if by == "item" else tuple(dict.fromkeys(item.categories)) for item in catalogue.items]
    names = sorted({name for names in of_row for name in names})
    number_of = {name: number for number, name in enumerate(names)}
    pairs = [(row, number_of[name]) for row, some in enumerate(of_row) for name in some]
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Keys(names, table[:, 0], table[:, 1])


def counted(log: Log, catalogue: Catalogue, keys: Keys, wanted: Wanted) -> NDArray[np.int64]:
    """(days, keys) true counts after bounding: not to be shown to anybody."""
    log = log.wanted()
    rows = catalogue.rows(log.item_ids)[log.items].astype(np.int64)
    lines, numbers = _joined(rows, keys)
    days = (log.at[lines] // DAY_S).astype(np.int64) - (wanted.days[0] - EPOCH).days
    users = log.users[lines].astype(np.int64)
    kept = bounded(users, days, numbers, wanted.bounds.most)
    return count(days[kept], numbers[kept], (wanted.n_days, len(keys.names)))


def _joined(rows: NDArray[np.int64], keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lines in their order, each as often as its row has keys, and the keys."""
    begin, end = np.searchsorted(keys.rows, rows, "left"), np.searchsorted(keys.rows, rows, "right")
    n = np.where(rows >= 0, end - begin, 0)
    lines = np.repeat(np.arange(len(rows)), n)
    within = np.arange(len(lines)) - np.repeat(n.cumsum() - n, n)
    return lines, keys.numbers[np.repeat(begin, n) + within]


def _released(log: Log, catalogue: Catalogue, keys: Keys, wanted: Wanted) -> dict[str, Any]:
    counts, scale = noised(counted(log, catalogue, keys, wanted), wanted.bounds)
    return {
        "what": "popularity",
        "by": wanted.by,
        "epsilon": wanted.bounds.epsilon,
        "unit": "user-day",
        "most_a_user_day": wanted.bounds.most,
        "mechanism": "discrete Laplace",
        "scale": scale,
        "days": [day.isoformat() for day in wanted.days],
        "counts": dict(zip(keys.names, counts.T.tolist(), strict=True)),
    }
