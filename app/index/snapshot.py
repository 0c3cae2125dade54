"""The item space as it is published: computed once by the jobs process, mapped read-only by every worker."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Vectors
from app.domain.item import Item
from app.index import clusters as interest_clusters
from app.index import labels, structures, whitening
from app.index.clusters import Clusters, Numbers
from app.index.structures import Limits
from app.index.whitening import Whitening
from app.retrieval.artifact import read_arrays

Fingerprints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """N items at positions 0..N-1. A fingerprint tells which raw embedding a vector was made from.

    Vectors are mapped from disk in float32: NumPy takes .6 ms to widen a thousand of them, and a request reads more.
    """

    encoder: str
    item_ids: list[str]
    fingerprints: Fingerprints
    vectors: Vectors
    whitening: Whitening
    clusters: Clusters
    numbers: Numbers
    labels: list[str]
    kind: structures.Kind
    index: Any

    def write(self, folder: Path) -> None:
        """Three files: arrays.safetensors, space.json, index.faiss."""
        from safetensors.numpy import save_file

        arrays = {
            "fingerprints": self.fingerprints,
            "vectors": self.vectors,
            "mean": self.whitening.mean,
            "matrix": self.whitening.matrix,
            "centroids": self.clusters.centroids,
            "numbers": self.numbers,
        }
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / "arrays.safetensors")
        about = {"encoder": self.encoder, "kind": self.kind, "labels": self.labels, "item_ids": self.item_ids}
        (folder / "space.json").write_text(json.dumps(about))
        structures.save(self.index, folder / "index.faiss")


def read(folder: Path) -> Snapshot:
    """A snapshot whose bytes the registry has checked."""
    about = json.loads((folder / "space.json").read_text())
    arrays = read_arrays(folder / "arrays.safetensors")
    return Snapshot(
        encoder=about["encoder"],
        item_ids=about["item_ids"],
        fingerprints=arrays["fingerprints"],
        vectors=arrays["vectors"].astype(np.float32, copy=False),  # older ones are half as wide
        whitening=Whitening(np.array(arrays["mean"]), np.array(arrays["matrix"])),
        clusters=Clusters(np.array(arrays["centroids"])),
        numbers=arrays["numbers"],
        labels=about["labels"],
        kind=about["kind"],
        index=structures.load(folder / "index.faiss"),
    )


def build(encoder: str, items: Sequence[Item], raw: NDArray[np.float16], limits: Limits | None = None) -> Snapshot:
    """From N >= 1 items and their (N, D) finite raw embeddings.

    Whitening and clusters are fitted on distinct embeddings: many package sizes of one product are one text.
    """
    prints = fingerprints(raw)
    distinct = np.unique(prints, return_index=True)[1]
    white = whitening.fit(raw[distinct].astype(np.float32))
    vectors = white.apply(raw.astype(np.float32))
    fitted = interest_clusters.fit(vectors[distinct])
    numbers = fitted.nearest(vectors)
    kind = structures.kind_for(len(items), limits or Limits())
    return Snapshot(
        encoder=encoder,
        item_ids=[item.item_id for item in items],
        fingerprints=prints,
        vectors=vectors,
        whitening=white,
        clusters=fitted,
        numbers=numbers,
        labels=labels.name_clusters(items, numbers, len(fitted.centroids)),
        kind=kind,
        index=structures.build(kind, vectors),
    )


def fingerprints(raw: NDArray[np.float16]) -> Fingerprints:
    """(N, D) -> (N,) 63 bits of BLAKE2 of each row; never 0, which stands for no embedding."""
    hashes = (int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest()) >> 1 for row in raw)
    return np.fromiter((number or 1 for number in hashes), dtype=np.int64, count=len(raw))
