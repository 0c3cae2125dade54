"""What comes next after what: a ridge regression from a user's fading past to the next item.

Twice: `slit` shares the weight of a moment among all that came with it, `lines` reads the order of its lines. Baskets
that are told in no order want the one, invoices and playlists the other; the ranker learns which.

SLIT of Choi, Kim, Lee, Shim, Lee, "Session-aware Linear Item-Item Models" (WWW 2021), with the next item only as
target, as in TALE (Park, Yoon, Choi, Lee, WSDM 2025): B = (S'S + lam I)^-1 S'T.
"""

from __future__ import annotations

import numpy as np

from app.domain.matrices import add_sparse, ridge, solve
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.retrieval.item_to_item import MOST_ITEMS, most_active, strongest
from app.retrieval.sequences import lessons, sparse_of

NAME, LINES = "slit", "lines"
LAM = 30.0
N_NEIGHBOURS = 200
POWER = 1.5


def fit(log: Log, lam: float = LAM, limit: int = MOST_ITEMS, by_line: bool = False) -> Arrays:
    """`neighbours` and `similarities` (P, K) as `ItemToItem` reads them."""
    places, place_of = most_active(log, limit)
    n = len(places)
    before, between = (np.zeros((n, n), dtype=np.float32, order="F") for _ in range(2))
    for pasts, nexts in lessons(log, place_of, n, by_line=by_line):
        add_sparse(before, pasts.T @ pasts)
        ones = np.ones(len(nexts), dtype=np.float32)
        add_sparse(between, pasts.T @ sparse_of(np.arange(len(nexts)), nexts, ones, (len(nexts), n)))
    return strongest(solve(ridge(before, lam), between), places, len(log.item_ids), N_NEIGHBOURS)


def fit_lines(log: Log, lam: float = LAM, limit: int = MOST_ITEMS) -> Arrays:
    """As `fit`, by the order of the lines."""
    return fit(log, lam, limit, by_line=True)
