"""Which FAISS index serves how many items, and how it is searched.

Evidence (STACK.md, 384 wide, one thread): exact float16 .39 ms at 10k and 4.2 at 100k; IVF512 .69 ms with recall
.989 at 100k; IVF2048,RaBitQ with refine 1.3 ms and .990 at 1 M, where plain IVF takes 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Vectors

Kind = Literal["exact", "ivf", "rabitq"]
N_PROBES = 64
# RaBitQ orders by one bit a dimension; refining 6 times as many as asked gave recall .9998, twice as many .968.
REFINE = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """Up to how many items each structure is used."""

    exact: int = 50_000
    ivf: int = 500_000


def kind_for(n: int, limits: Limits) -> Kind:
    return "exact" if n <= limits.exact else "ivf" if n <= limits.ivf else "rabitq"


def empty_exact(width: int) -> Any:
    """An index that scans float16 vectors by inner product and can be added to."""
    faiss = on_one_thread()
    return faiss.IndexScalarQuantizer(width, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def build(kind: Kind, vectors: Vectors) -> Any:
    """An index over (N, D) unit vectors; its positions are their row numbers."""
    faiss = on_one_thread()
    n, width = vectors.shape
    if kind == "exact":
        index = empty_exact(width)
    else:
        n_lists = 2 ** round(log2(max(1.0, 1.6 * sqrt(n))))
        rest = "SQfp16" if kind == "ivf" else "RaBitQ,Refine(SQfp16)"
        index = faiss.index_factory(width, f"IVF{n_lists},{rest}", faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
    index.add(vectors)
    return index


def save(index: Any, path: Path) -> None:
    """Raises OSError."""
    faiss = on_one_thread()
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # what FAISS makes of a disk that is full
        raise OSError(f"{path.name}: {error}") from error


def load(path: Path) -> Any:
    """The index with its vectors mapped from the file, so that workers share them."""
    faiss = on_one_thread()
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)


def search(index: Any, kind: Kind, queries: Vectors, k: int, wanted: Mask | None) -> tuple[NDArray[np.int64], Vectors]:
    """(Q, D) finite queries -> positions (Q, k), -1 where nothing was found, and cosines; `wanted` is (N,)."""
    faiss = on_one_thread()
    selector = None if wanted is None else faiss.IDSelectorBitmap(np.packbits(wanted, bitorder="little"))
    share = 1.0 if wanted is None else max(float(wanted.mean()), 1e-6)
    cosines, positions = index.search(queries, k, params=_parameters(kind, selector, share))
    return positions, cosines


def _parameters(kind: Kind, selector: Any, share: float) -> Any:
    faiss = on_one_thread()
    if kind == "exact":
        return faiss.SearchParameters(sel=selector) if selector is not None else None
    # With fewer wanted vectors in each list, more lists are opened: as many wanted ones are looked at.
    probes = faiss.SearchParametersIVF(sel=selector, nprobe=int(N_PROBES / share))
    return probes if kind == "ivf" else faiss.IndexRefineSearchParameters(k_factor=REFINE, base_index_params=probes)


def scan(
    vectors: Vectors, positions: NDArray[np.integer], queries: Vectors, k: int
) -> tuple[NDArray[np.int64], Vectors]:
    """Exact search among a few positions: (Q, k) of them, best first, -1 where there are fewer."""
    cosines = queries @ vectors[positions].T
    best = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    found = np.full((len(queries), k), -1, dtype=np.int64)
    values = np.full((len(queries), k), -1.0, dtype=np.float32)
    found[:, : best.shape[1]] = positions[best]
    values[:, : best.shape[1]] = np.take_along_axis(cosines, best, axis=1)
    return found, values


def on_one_thread() -> Any:
    """FAISS, told to use one OpenMP thread: on two busy cores two of them spin for each other (10 ms, not .3).

    Without its type stubs, which do not know the keyword arguments that its Python layer adds.
    """
    import faiss

    faiss.omp_set_num_threads(1)  # holds for the calling thread
    return faiss
