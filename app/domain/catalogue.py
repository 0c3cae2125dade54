"""Every item one worker knows, by row, and the space of their embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.facet_tree import FacetTree
from app.domain.item import Item, facets_of

Rows = NDArray[np.int32]
Mask = NDArray[np.bool_]
Vectors = NDArray[np.float32]

MAX_FACETS = 16


class Catalogue:
    """Items by row. A row is never given to another item; a removed item keeps its row, unavailable.

    One writer (the follower of item changes) and many readers: arrays only grow, so a reader that took
    `n_rows` first may use any row below it.
    """

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self.items: list[Item] = []
        self.row_of: dict[str, int] = {}
        self.facets: list[str] = []
        self.facet_of: dict[str, int] = {}
        self.tree = FacetTree()
        self.edition = 0  # goes up with every change, for whoever keeps what was worked out of the whole
        self.beyond: dict[int, frozenset[str]] = {}  # by row, the facets that found no place among `MAX_FACETS`
        self._available = np.zeros(1024, dtype=np.bool_)
        self._published_at = np.full(1024, np.nan)
        self._item_facets = np.full((1024, MAX_FACETS), -1, dtype=np.int32)
        self._are_leaves = np.zeros((1024, MAX_FACETS), dtype=np.bool_)
        self._domains = np.full(1024, -1, dtype=np.int32)
        self._domain_of: dict[str, int] = {}
        for item in items:
            self.put(item)

    @property
    def n_rows(self) -> int:
        return len(self.items)

    @property
    def available(self) -> Mask:
        """(V,) true where the item may be recommended."""
        return self._available[: self.n_rows]

    @property
    def published_at(self) -> NDArray[np.float64]:
        """(V,) seconds since 1970, NaN where unknown."""
        return self._published_at[: self.n_rows]

    @property
    def item_facets(self) -> NDArray[np.int32]:
        """(V, MAX_FACETS) facet numbers of each item, -1 where there is none."""
        return self._item_facets[: self.n_rows]

    @property
    def are_leaves(self) -> Mask:
        """(V, MAX_FACETS) true for the narrowest categories among `item_facets`: no other goes on from there."""
        return self._are_leaves[: self.n_rows]

    def in_domain(self, domain: str) -> Mask:
        """(V,) true where the item is of this domain."""
        return np.equal(self._domains[: self.n_rows], self._domain_of.get(domain, -2))

    def put(self, item: Item) -> int:
        """Adds an item or replaces it in its row; returns the row."""
        row = self.row_of.get(item.item_id, self.n_rows)
        if row == len(self._available):
            self._grow()
        self._available[row] = item.available
        self._published_at[row] = item.published_at.timestamp() if item.published_at else np.nan
        self.tree.count(self._item_facets[row], -1)
        self._item_facets[row] = self._numbers(item, row)
        self._are_leaves[row] = self.tree.are_leaves(self._item_facets[row])
        self.tree.count(self._item_facets[row], 1)
        self._domains[row] = self._domain_number(item.domain)
        self.edition += 1
        if row == self.n_rows:
            self.items.append(item)
            self.row_of[item.item_id] = row
        else:
            self.items[row] = item
        return row

    def remove(self, item_id: str) -> None:
        """Makes an item unavailable for good; unknown ids are passed over."""
        row = self.row_of.pop(item_id, None)
        if row is not None:
            self._available[row] = False
            self.tree.count(self._item_facets[row], -1)
            self._item_facets[row] = -1
            self._are_leaves[row] = False
            self.beyond.pop(row, None)
            self.edition += 1

    def rows(self, item_ids: Iterable[str]) -> Rows:
        """(N,) rows of the ids, -1 where the item is not known (yet)."""
        return np.fromiter(map(self.row_of.get, item_ids, repeat(-1)), dtype=np.int32)

    def _numbers(self, item: Item, row: int) -> NDArray[np.int32]:
        numbers = np.full(MAX_FACETS, -1, dtype=np.int32)
        facets = list(dict.fromkeys(facets_of(item)))
        self.beyond.pop(row, None)
        if len(facets) > MAX_FACETS:
            self.beyond[row] = frozenset(facets[MAX_FACETS:])
        for place, facet in enumerate(facets[:MAX_FACETS]):
            if facet not in self.facet_of:
                self.facet_of[facet] = self.tree.enter(facet, self.facet_of)
                self.facets.append(facet)
            numbers[place] = self.facet_of[facet]
        return numbers

    def _domain_number(self, domain: str | None) -> int:
        return -1 if domain is None else self._domain_of.setdefault(domain, len(self._domain_of))

    def _grow(self) -> None:
        n = len(self._available)
        self._available = np.concatenate([self._available, np.zeros(n, dtype=np.bool_)])
        self._published_at = np.concatenate([self._published_at, np.full(n, np.nan)])
        self._domains = np.concatenate([self._domains, np.full(n, -1, dtype=np.int32)])
        self._item_facets = np.concatenate([self._item_facets, np.full((n, MAX_FACETS), -1, dtype=np.int32)])
        self._are_leaves = np.concatenate([self._are_leaves, np.zeros((n, MAX_FACETS), dtype=np.bool_)])


class ItemSpace(Protocol):
    """The half-whitened embeddings of items, by catalogue row. D is the width, Q a number of queries."""

    @property
    def version(self) -> str:
        """Changes whenever the whitening or the clusters do; vectors of two versions do not mix."""

    def search(self, vectors: Vectors, k: int, allowed: Mask | None = None) -> tuple[Rows, Vectors]:
        """(Q, D) -> rows (Q, k) and cosines (Q, k), best first; row -1 where fewer than k were found."""

    def vectors(self, rows: Rows) -> Vectors:
        """(N,) -> (N, D), L2-normalised; a row of NaN where the item has no embedding yet."""

    def clusters(self, rows: Rows) -> NDArray[np.int16]:
        """(N,) -> number of the interest cluster of each item, -1 where it has no embedding yet."""

    def cluster_label(self, cluster: int) -> str:
        """The cluster in a few words that people understand."""

    def project(self, raw: Vectors) -> Vectors:
        """(N, D) raw embeddings of an encoder -> the same half-whitened and normalised."""
