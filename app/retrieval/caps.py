"""How much one user may say: of a user, an item and a day only the first behaviour counts.

Whatever is learned from everybody is learned from what this leaves, so that nobody's word grows with their diligence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.profiles.decay import DAY_S
from app.retrieval.base import Log


def once_a_day(log: Log) -> NDArray[np.int64]:
    """Places, in the order of the log, of each first behaviour of a user with an item on a day (UTC)."""
    day = (log.at // DAY_S).astype(np.int64)
    key = (day - day.min(initial=0)) * log.n_users + log.users
    _, first = np.unique(key * len(log.item_ids) + log.items, return_index=True)
    return np.sort(first)


def capped(log: Log) -> Log:
    """The same users, items and types, with what counts alone."""
    return log.take(once_a_day(log))
