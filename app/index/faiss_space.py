"""The item space of one worker: the published snapshot, and what has changed since, by catalogue row."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Rows, Vectors
from app.index.clusters import Clusters
from app.index.segment import Segment
from app.index.snapshot import Fingerprints, Snapshot, fingerprints
from app.index.whitening import Whitening, unit

# When more than this share of what came since the snapshot is stale, it is compacted.
STALE = 0.2
_NOWHERE = -1


class FaissSpace:
    """Implements `domain.catalogue.ItemSpace`. Without a snapshot: raw embeddings, exact search, no clusters.

    A place is a position in the snapshot, or that behind its end in what came since. Places are only appended; a
    changed embedding gets a new one and the old one points to no row. Safe to use from several threads.
    """

    def __init__(self, snapshot: Snapshot | None = None, version: str = "raw") -> None:
        self.version = version
        self._whitening: Whitening | None = snapshot.whitening if snapshot else None
        self._clusters = snapshot.clusters if snapshot else Clusters(np.empty((0, 0), np.float32))
        self._labels = snapshot.labels if snapshot else []
        self._base = _base(snapshot) if snapshot else Segment.empty(0)
        self._tail = Segment.empty(self._base.vectors.shape[1])
        self._published = snapshot.fingerprints if snapshot else np.empty(0, np.int64)
        self._position_of = {item: place for place, item in enumerate(snapshot.item_ids)} if snapshot else {}
        self._places = np.full(0, _NOWHERE, dtype=np.int64)
        self._fingerprints = np.zeros(0, dtype=np.int64)
        self._lock = threading.RLock()

    @property
    def n_items(self) -> int:
        """How many rows have an embedding."""
        return self._base.n_live + self._tail.n_live

    def placed(self) -> tuple[Rows, Fingerprints]:
        """The rows that have an embedding, ascending, and the fingerprint of each."""
        with self._lock:
            rows = np.flatnonzero(self._places >= 0).astype(np.int32)
            return rows, self._fingerprints[rows]

    def claim(self, item_ids: Sequence[str], rows: Rows, prints: Fingerprints) -> Mask:
        """(N,) true for the rows that need no `put`: this very embedding is served already, or in the snapshot."""
        get = self._position_of.get
        positions = np.fromiter((get(item_id, -1) for item_id in item_ids), dtype=np.int64, count=len(item_ids))
        with self._lock:
            self._make_room(rows)
            same = positions >= 0
            same[same] = self._published[positions[same]] == prints[same]
            moved = same.copy()
            moved[same] = self._places[rows[same]] != positions[same]
            self._leave(rows[moved])
            self._base.point(positions[moved], rows[moved])
            self._places[rows[moved]] = positions[moved]
            self._fingerprints[rows[moved]] = prints[moved]
            served: Mask = same | ((self._places[rows] >= 0) & (self._fingerprints[rows] == prints))
        return served

    def put(self, row: int, raw: Vectors) -> None:
        """`raw` (D,): a row that is not finite or not D wide loses its place."""
        self.put_many(np.array([row], dtype=np.int32), np.asarray(raw)[None])

    def put_many(self, rows: Rows, raw: NDArray[np.floating]) -> None:
        """(N,) distinct rows and their (N, D) raw embeddings."""
        raw = raw.astype(np.float16)
        with self._lock:
            self._make_room(rows)
            self._take_width(raw.shape[1])
            self._leave(rows)
            if raw.shape[1] != self._tail.vectors.shape[1]:
                return
            vectors = self.project(raw.astype(np.float32))
            good = np.isfinite(vectors).all(axis=1)
            rows, vectors = rows[good], vectors[good]
            positions = self._tail.append(rows, vectors, self._clusters.nearest(vectors))
            self._places[rows] = positions + len(self._base.rows)
            self._fingerprints[rows] = fingerprints(raw[good])
            self._compact()

    def remove(self, row: int) -> None:
        with self._lock:
            rows = np.array([row], dtype=np.int32)
            self._make_room(rows)
            self._leave(rows)

    def search(self, vectors: Vectors, k: int, allowed: Mask | None = None) -> tuple[Rows, Vectors]:
        """See `ItemSpace`. A query that is not finite finds nothing; a row that is not found has cosine -1."""
        queries = np.ascontiguousarray(vectors, dtype=np.float32)
        finite = np.isfinite(queries).all(axis=1)
        rows = np.full((len(queries), k), _NOWHERE, dtype=np.int32)
        cosines = np.full((len(queries), k), -1, dtype=np.float32)
        with self._lock:
            if k > 0 and finite.any() and queries.shape[1] == self._tail.vectors.shape[1]:
                rows[finite], cosines[finite] = self._search(queries[finite], k, allowed)
        return rows, cosines

    def vectors(self, rows: Rows) -> Vectors:
        """See `ItemSpace`."""
        with self._lock:
            places = self._places_of(rows)
            n_base, width = len(self._base.rows), self._tail.vectors.shape[1]
            if places.min(initial=n_base) >= 0 and places.max(initial=0) < n_base:
                return self._base.vectors[places]
            result = np.full((len(rows), width), np.nan, dtype=np.float32)
            in_base, in_tail = (places >= 0) & (places < n_base), places >= n_base
            result[in_base] = self._base.vectors[places[in_base]]
            result[in_tail] = self._tail.vectors[places[in_tail] - n_base]
        return result

    def clusters(self, rows: Rows) -> NDArray[np.int16]:
        """See `ItemSpace`."""
        with self._lock:
            places = self._places_of(rows)
            n_base = len(self._base.rows)
            result = np.full(len(rows), -1, dtype=np.int16)
            in_base, in_tail = (places >= 0) & (places < n_base), places >= n_base
            result[in_base] = self._base.clusters[places[in_base]]
            result[in_tail] = self._tail.clusters[places[in_tail] - n_base]
        return result

    def cluster_label(self, cluster: int) -> str:
        """See `ItemSpace`; empty where there is no such cluster."""
        return self._labels[cluster] if 0 <= cluster < len(self._labels) else ""

    def project(self, raw: Vectors) -> Vectors:
        """See `ItemSpace`; a row that is not finite becomes a row of NaN."""
        return self._whitening.apply(raw) if self._whitening else unit(np.asarray(raw, dtype=np.float32))

    def _search(self, queries: Vectors, k: int, allowed: Mask | None) -> tuple[Rows, Vectors]:
        parts = [part.search(queries, k, allowed) for part in (self._base, self._tail) if part.n_live]
        if not parts:
            return np.full((len(queries), k), _NOWHERE, np.int32), np.full((len(queries), k), -1, np.float32)
        if len(parts) == 1:
            return parts[0]
        rows = np.concatenate([part[0] for part in parts], axis=1)
        cosines = np.concatenate([part[1] for part in parts], axis=1)
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(rows, best, axis=1), np.take_along_axis(cosines, best, axis=1)

    def _places_of(self, rows: Rows) -> NDArray[np.int64]:
        known = (rows >= 0) & (rows < len(self._places))
        places = np.full(len(rows), _NOWHERE, dtype=np.int64)
        places[known] = self._places[rows[known]]
        return places

    def _leave(self, rows: Rows) -> None:
        places = self._places[rows]
        n_base = len(self._base.rows)
        self._base.drop(places[(places >= 0) & (places < n_base)])
        self._tail.drop(places[places >= n_base] - n_base)
        self._places[rows] = _NOWHERE
        self._fingerprints[rows] = 0

    def _make_room(self, rows: Rows) -> None:
        n_missing = int(rows.max(initial=-1)) + 1 - len(self._places)
        if n_missing > 0:
            n_more = max(n_missing, len(self._places), 1024)
            self._places = np.concatenate([self._places, np.full(n_more, _NOWHERE, np.int64)])
            self._fingerprints = np.concatenate([self._fingerprints, np.zeros(n_more, np.int64)])

    def _take_width(self, width: int) -> None:
        """The first embedding decides how wide a space without a snapshot is."""
        if not self._tail.vectors.shape[1]:
            self._base, self._tail = Segment.empty(width), Segment.empty(width)

    def _compact(self) -> None:
        old = self._tail
        if len(old.rows) - old.n_live <= max(STALE * len(old.rows), 64):
            return
        live = old.rows >= 0
        self._tail = Segment.empty(old.vectors.shape[1])
        positions = self._tail.append(old.rows[live], old.vectors[live], old.clusters[live])
        self._places[old.rows[live]] = positions + len(self._base.rows)


def _base(snapshot: Snapshot) -> Segment:
    """All positions stale until rows claim them."""
    unclaimed = np.full(len(snapshot.item_ids), -1, dtype=np.int32)
    return Segment(snapshot.kind, snapshot.index, snapshot.vectors, snapshot.numbers, unclaimed)
