"""Long histories as several sequences."""

from __future__ import annotations

import numpy as np

from app.domain.catalogue import Rows


def windows_of(users: Rows, length: int) -> Rows:
    """(N,) users, grouped -> (N,) numbers of windows of `length` + 1 behaviours, counted back from each one's last."""
    _, begin, counts = np.unique(users, return_index=True, return_counts=True)
    from_end = np.repeat(begin + counts, counts) - 1 - np.arange(len(users))
    window = from_end // (length + 1)
    starts = np.repeat(np.cumsum(np.ceil(counts / (length + 1)).astype(np.int64)), counts)
    return (starts - 1 - window).astype(np.int32)
