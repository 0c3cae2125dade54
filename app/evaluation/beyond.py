"""What accuracy does not say: how much of the catalogue is shown, how varied, how novel, how like the user.

Slates are (Q, k) item numbers, best first, -1 where a slate is short. Coverage, ILD, MIUF, popularity and
serendipity are defined as `CatalogCoverage`, `IntraListDiversity`, `MeanInvUserFreq`, `AvgRecPopularity` and
`Serendipity` of RecTools (rectools/metrics); calibration is Steck, "Calibrated Recommendations" (RecSys 2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from app.domain.catalogue import Rows, Vectors
from app.evaluation.events import Events, Items, Times
from app.evaluation.metrics import Values
from app.evaluation.replay import Exam, Histories, Outcome

DAY_S = 86_400.0
FRESH_DAYS = 30.0
STECK_ALPHA = 0.01  # keeps the divergence finite where a slate lacks a category; Steck's own value


@dataclass(frozen=True, slots=True)
class ItemView:
    """Items as these measures see them: half-whitened unit `vectors` (V, D), `shares` (V, G) from `category_shares`
    and `published_at` (V,) in seconds since 1970, NaN where unknown."""

    vectors: Vectors
    shares: Any
    published_at: Times


def view_of(items: Items, vectors: Vectors) -> ItemView:
    return ItemView(vectors, category_shares(items.categories), items.published_at)


def beyond_accuracy(outcome: Outcome, exam: Exam, view: ItemView) -> dict[str, float]:
    """All measures of one track, against what was known when the exam began."""
    past, slates = exam.events.take(slice(0, exam.start)).wanted(), outcome.slates
    counts = np.bincount(past.items, minlength=past.n_items)
    return {
        "coverage": coverage(slates, past.n_items),
        "ILD": float(intra_list_diversity(slates, view.vectors).mean()),
        "novelty": float(novelty(slates, past).mean()),
        "popularity": float(popularity(slates, counts).mean()),
        "serendipity": float(serendipity(slates, outcome.records["item"], counts).mean()),
        "calibration": _known_mean(calibration(tastes(outcome, exam, view.shares), offers(slates, view.shares))),
        "freshness": _known_mean(freshness(slates, outcome.records["at"], view.published_at)),
    }


def coverage(slates: Rows, n_items: int) -> float:
    """Share of the catalogue that stands in any slate."""
    return len(np.unique(slates[slates >= 0])) / n_items


def intra_list_diversity(slates: Rows, vectors: Vectors) -> Values:
    """(Q,) mean cosine distance of all pairs in a slate; 0 below two items. Items without a vector are passed over."""
    known = (slates >= 0) & np.isfinite(vectors[:, 0])[slates]
    result = np.zeros(len(slates))
    for place, (slate, mask) in enumerate(zip(slates, known, strict=True)):
        n = int(np.count_nonzero(mask))
        if n >= 2:
            total = vectors[slate[mask]].sum(axis=0, dtype=np.float64)
            result[place] = 1.0 - (total @ total - n) / (n * (n - 1))  # unit vectors: |sum|^2 = n + all pairs
    return result


def novelty(slates: Rows, past: Events) -> Values:
    """(Q,) mean inverse user frequency in bits, -log2(users of the item / users); an unused item has one user."""
    pairs = np.unique(np.stack([past.items, past.users]), axis=1)
    n_users = np.maximum(np.bincount(pairs[0], minlength=past.n_items), 1)
    return _slate_mean(slates, -np.log2(n_users / max(len(np.unique(past.users)), 1)))


def popularity(slates: Rows, counts: NDArray[np.int64]) -> Values:
    """(Q,) mean number of behaviours that the recommended items had."""
    return _slate_mean(slates, counts.astype(np.float64))


def serendipity(slates: Rows, targets: Rows, counts: NDArray[np.int64]) -> Values:
    """(Q,) for the right answer only: how much higher it stands than popularity would put it, divided by k.

    Popularity ranks are dense (equal counts share one), and an item without behaviours has none.
    """
    n, k = len(counts), slates.shape[1]
    _, dense = np.unique(-counts, return_inverse=True)
    expected = np.where(counts > 0, (n - dense) / n, 0.0)
    offered = (n - np.arange(k)) / n
    surprise = np.maximum(offered - expected[slates], 0.0) * (slates == targets[:, None])
    return np.asarray(surprise.sum(axis=1) / np.maximum((slates >= 0).sum(axis=1), 1))


def freshness(slates: Rows, at: Times, published_at: Times) -> Values:
    """(Q,) share of the dated items of a slate that were published in the 30 days before the request; else NaN."""
    age = at[:, None] - np.where(slates >= 0, published_at[slates], np.nan)
    dated = np.isfinite(age).sum(axis=1)
    fresh = ((age >= 0) & (age <= FRESH_DAYS * DAY_S)).sum(axis=1)
    return np.asarray(np.divide(fresh, dated, out=np.full(len(slates), np.nan), where=dated > 0))


def calibration(taste: Values, offer: Values) -> Values:
    """(Q, G), (Q, G) shares by category -> (Q,) KL(taste || offer), 0 is best; NaN where either knows no category."""
    smooth = (1.0 - STECK_ALPHA) * offer + STECK_ALPHA * taste
    ratio = np.divide(taste, smooth, out=np.ones_like(taste), where=taste > 0)
    divergence = (taste * np.log(ratio)).sum(axis=1)
    return np.asarray(np.where((taste.sum(axis=1) > 0) & (offer.sum(axis=1) > 0), divergence, np.nan))


def category_shares(categories: Sequence[tuple[str, ...]]) -> Any:
    """(V, G) sparse: each item spread evenly over its categories; an empty row where it has none."""
    names = {name: g for g, name in enumerate(dict.fromkeys(name for row in categories for name in row))}
    rows = [v for v, row in enumerate(categories) for _ in set(row)]
    columns = [names[name] for row in categories for name in set(row)]
    values = [1.0 / len(set(row)) for row in categories for _ in set(row)]
    return sparse.csr_matrix((values, (rows, columns)), shape=(len(categories), max(len(names), 1)))


def offers(slates: Rows, shares: Any) -> Values:
    """(Q, G) shares by category of each slate."""
    return _distribution(slates, shares)


def tastes(outcome: Outcome, exam: Exam, shares: Any) -> Values:
    """(Q, G) shares by category of all that each user had wanted before the query."""
    histories = Histories(exam.events)
    pasts = (histories.until(int(query)) for query in outcome.records["query"])
    return _distribution((past.items[past.weights > 0] for past in pasts), shares)


def _distribution(lists: Iterable[Rows], shares: Any) -> Values:
    """Each list of items as its shares by category, which sum to 1, or to 0 where no category is known."""
    blocks = [_sums(block, shares) for block in _batched(lists, 1_000)]
    sums = np.concatenate([*blocks, np.zeros((0, shares.shape[1]))])
    return np.asarray(sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-12))


def _sums(lists: Sequence[Rows], shares: Any) -> Values:
    places, items = np.repeat(np.arange(len(lists)), [len(part) for part in lists]), np.concatenate(lists)
    shown = items >= 0
    bags = sparse.csr_matrix(
        (np.ones(int(shown.sum())), (places[shown], items[shown])), shape=(len(lists), shares.shape[0])
    )
    return np.asarray((bags @ shares).toarray())


def _batched(lists: Iterable[Rows], n: int) -> Iterator[list[Rows]]:
    rest = iter(lists)
    while block := list(islice(rest, n)):
        yield block


def _known_mean(values: Values) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _slate_mean(slates: Rows, values: Values) -> Values:
    shown = slates >= 0
    sums = np.where(shown, values[slates], 0.0).sum(axis=1)
    return np.asarray(sums / np.maximum(shown.sum(axis=1), 1))
