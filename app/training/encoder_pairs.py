"""What people turned to one after another, as pairs of texts that should lie close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Rows
from app.domain.errors import InvalidInput
from app.retrieval.base import Log
from app.retrieval.sequences import lessons, sparse_of

# About 60 of the 256 tokens that MiniLM reads, for as many more steps; a title and what kind it is come first.
MOST_CHARACTERS = 256
# Of one user: who does most must not decide alone.
MOST_PER_USER = 100
# Of each text, those that follow it most for how often both are met at all. Most pairs met by chance (3,631 texts of
# UCI retail make over 200,000): learning from all of them alike drew everything into one point.
MOST_PER_TEXT = 5
# What both were met with beside each other counts for little until it is more than this.
SHRINK = 5.0
MOST_PAIRS = 200_000
LEAST_PAIRS, LEAST_TEXTS = 100, 16


@dataclass(frozen=True, slots=True)
class Pairs:
    """`texts` are all different; `anchors` and `positives` (P,) are numbers of them, never the same two twice."""

    texts: list[str]
    anchors: Rows
    positives: Rows

    def __len__(self) -> int:
        return len(self.anchors)


def pairs_of(log: Log, texts: Sequence[str], seed: int) -> Pairs:
    """From a log of what users wanted; `texts` by its items' numbers, empty where an item has none or is held back.

    Raises InvalidInput where there is too little to learn from.
    """
    known, place_of = _numbered(texts)
    wanted = _newest_of_each(log.wanted())
    keys = _keys(wanted, place_of, len(known))
    if len(keys) < LEAST_PAIRS or len(np.unique(np.divmod(keys, max(len(known), 1)))) < LEAST_TEXTS:
        raise _too_few(log, len(known), len(keys))
    if len(keys) > MOST_PAIRS:
        keys = np.sort(np.random.default_rng(seed).choice(keys, MOST_PAIRS, replace=False))
    anchors, positives = np.divmod(keys, len(known))
    return Pairs(known, anchors.astype(np.int32), positives.astype(np.int32))


def _numbered(texts: Sequence[str]) -> tuple[list[str], NDArray[np.int32]]:
    """Clipped, each once; and for each item the number of its text, -1 without one."""
    clipped = [text[:MOST_CHARACTERS].strip() for text in texts]
    known = sorted({text for text in clipped if text})
    number_of = {text: number for number, text in enumerate(known)} | {"": -1}
    return known, np.array([number_of[text] for text in clipped], dtype=np.int32)


def _newest_of_each(log: Log) -> Log:
    """The last behaviours of every user, in order of time."""
    order = np.argsort(log.users, kind="stable")
    users = log.users[order]
    from_end = np.searchsorted(users, users, side="right") - np.arange(len(users))
    return log.take(np.sort(order[from_end <= MOST_PER_USER]).astype(np.int32))


def _keys(log: Log, place_of: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """Pairs as one number each, the smaller text first: which of the two came first is not asked."""
    together = _together(log, place_of, n)
    degrees = np.asarray(together.sum(axis=1)).ravel()
    strengths = together.data / (np.sqrt(degrees[together.row] * degrees[together.col]) + SHRINK)
    order = np.lexsort((together.col, -strengths, together.row))
    rows = together.row[order]
    kept = order[np.arange(len(rows)) - np.searchsorted(rows, rows) < MOST_PER_TEXT]
    before, after = together.row[kept].astype(np.int64), together.col[kept].astype(np.int64)
    return np.unique(np.minimum(before, after) * n + np.maximum(before, after))


def _together(log: Log, place_of: NDArray[np.int32], n: int) -> Any:
    """(n, n) sparse and symmetric: how much of one text was left in the past when the other came next."""
    from scipy import sparse

    total = sparse.csr_matrix((n, n), dtype=np.float32)
    for pasts, nexts in lessons(log, place_of, n):
        came = sparse_of(nexts, np.arange(len(nexts)), np.ones(len(nexts)), (n, len(nexts)))
        total = total + came @ pasts
    total = (total + total.T).tocoo()
    different = total.row != total.col
    return sparse.coo_matrix((total.data[different], (total.row[different], total.col[different])), (n, n))


def _too_few(log: Log, n_texts: int, n_pairs: int) -> InvalidInput:
    n_users = len(np.unique(log.users))
    return InvalidInput(
        f"There is too little to tune an encoder by: {n_pairs} pairs of texts that follow each other, of {n_users} "
        f"users; {n_texts} different texts. It needs {LEAST_PAIRS} pairs of {LEAST_TEXTS} texts.",
        "Bring items with titles or descriptions, and users who turn to one after another.",
    )
