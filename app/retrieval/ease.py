"""What belongs together: a linear autoencoder of users' items.

B = I - P / diag(P), P = (X'X + lam I)^-1: Steck, "Embarrassingly Shallow Autoencoders" (WWW 2019).
"""

from __future__ import annotations

import numpy as np

from app.domain.matrices import gram, inverse, ridge
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.retrieval.item_to_item import MOST_ITEMS, most_active, strongest
from app.retrieval.sequences import sparse_of

NAME = "ease"
LAM = 100.0
N_NEIGHBOURS = 200
POWER = 2.0


def fit(log: Log, lam: float = LAM, limit: int = MOST_ITEMS) -> Arrays:
    """`neighbours` and `similarities` (P, K) as `ItemToItem` reads them. Each user counts an item once."""
    places, place_of = most_active(log, limit)
    here = place_of[log.items] >= 0
    pairs = log.users[here], place_of[log.items[here]]
    taken = sparse_of(*pairs, np.ones(len(pairs[0])), (log.n_users, len(places)))
    taken.data[:] = 1.0
    matrix = inverse(ridge(gram(taken), lam))
    matrix /= -matrix.diagonal()
    np.fill_diagonal(matrix, 0.0)
    return strongest(matrix, places, len(log.item_ids), N_NEIGHBOURS)
