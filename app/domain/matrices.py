"""Large symmetric systems, solved in the memory they stand in: at 20,000 rows each matrix takes 1.6 GB in float32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Square = NDArray[np.float32]


def gram_blocks(taken: Any, n_rows: int = 512) -> Iterator[tuple[int, Square]]:
    """(first row, dense rows of X'X) of sparse X: the whole as a sparse matrix could take three times the dense one."""
    by_item = taken.T.tocsr()
    for first in range(0, by_item.shape[0], n_rows):
        yield first, (by_item[first : first + n_rows] @ taken).toarray()


def gram(taken: Any) -> Square:
    """(N, n) sparse -> (n, n) dense X'X."""
    n = taken.shape[1]
    total = np.zeros((n, n), dtype=np.float32)
    for first, rows in gram_blocks(taken):
        total[first : first + len(rows)] = rows
    return total


def add_sparse(total: Square, part: Any) -> None:
    part = part.tocoo()
    total[part.row, part.col] += part.data  # a product of csr matrices names every cell once


def ridge(symmetric: Square, lam: float) -> Square:
    """Adds `lam` to the diagonal, in place."""
    symmetric[np.diag_indices_from(symmetric)] += np.float32(lam)
    return symmetric


def inverse(symmetric: Square) -> Square:
    """Of a positive definite matrix in C order, in its own memory: LAPACK sees the transpose, which is the same."""
    from scipy import linalg

    factor, _ = linalg.lapack.spotrf(symmetric.T, lower=1, overwrite_a=1)
    result = linalg.lapack.spotri(factor, lower=1, overwrite_c=1)[0].T
    for row in range(1, len(result)):
        result[row, :row] = result[:row, row]
    return np.asarray(result)


def solve(symmetric: Square, right: Square) -> Square:
    """symmetric^-1 right; overwrites both."""
    from scipy import linalg

    factor = linalg.cho_factor(symmetric, lower=True, overwrite_a=True, check_finite=False)
    return np.ascontiguousarray(linalg.cho_solve(factor, right, overwrite_b=True, check_finite=False))
