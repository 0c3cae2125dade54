"""Vectors and spaces of which the right answers are known."""

from __future__ import annotations

import numpy as np

from app.domain.catalogue import Vectors
from app.domain.item import Item
from app.index import snapshot
from app.index.faiss_space import FaissSpace
from app.index.structures import Limits

WIDTH = 8


def raw_vectors(n: int, seed: int = 0, width: int = WIDTH) -> Vectors:
    """Around 20 directions, as the embeddings of a catalogue are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, width))
    vectors = centres[rng.integers(0, 20, n)] + 0.5 * rng.normal(size=(n, width)) + 0.7
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def items(n: int) -> list[Item]:
    return [Item(f"i{number}", f"thing {number}") for number in range(n)]


def space_of(raw: Vectors, limits: Limits | None = None) -> FaissSpace:
    """A space whose snapshot serves row n with item n."""
    made = snapshot.build("encoder", items(len(raw)), raw.astype(np.float16), limits)
    space = FaissSpace(made, "test")
    rows = np.arange(len(raw), dtype=np.int32)
    assert space.claim(made.item_ids, rows, made.fingerprints).all()
    return space
