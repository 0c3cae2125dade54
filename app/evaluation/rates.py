"""How sure a share of successes is."""

from __future__ import annotations

from math import sqrt

from app.domain.attribution import Rate

Z = 1.959964  # 95 %


def wilson(n_hits: int, n: int) -> Rate | None:
    """The share and its score interval (Wilson, 1927), which holds for few cases and for shares near 0.

    None for n = 0.
    """
    if n <= 0:
        return None
    share, z2 = n_hits / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Rate(round(share, 6), round(max(0.0, middle - reach), 6), round(min(1.0, middle + reach), 6))
