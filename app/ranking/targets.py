"""The rows that a person's rules speak of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from app.domain.catalogue import Catalogue, ItemSpace, Rows
from app.domain.edit import Rule
from app.profiles.named_facets import CLUSTER

# Facets whose rows are kept; one of a third of 68,509 items takes 90 kB.
MOST_KEPT = 500


class Touch(NamedTuple):
    """A rule and the (N,) rows it is about, ascending; a facet has everything below its path too."""

    rule: Rule
    rows: Rows


class _Found(NamedTuple):
    """Rows by facet, for one edition of the catalogue and one version of the space."""

    of: tuple[int, str]
    rows: dict[str, Rows]


_kept: WeakKeyDictionary[Catalogue, _Found] = WeakKeyDictionary()


def touches(catalogue: Catalogue, space: ItemSpace, rules: Iterable[Rule]) -> tuple[Touch, ...]:
    """Rules whose target the catalogue does not know (any more) touch no row."""
    return tuple(Touch(rule, _rows_of(catalogue, space, rule)) for rule in rules)


def _rows_of(catalogue: Catalogue, space: ItemSpace, rule: Rule) -> Rows:
    if rule.kind == "facet":
        return rows_of_facet(catalogue, space, rule.target)
    row = catalogue.row_of.get(rule.target)
    return np.array([] if row is None else [row], dtype=np.int32)


def rows_of_facet(catalogue: Catalogue, space: ItemSpace, facet: str) -> Rows:
    """Looked up anew with every change of the catalogue: what is put now is touched now."""
    of = (catalogue.edition, space.version)
    found = _kept.get(catalogue)
    if found is None or found.of != of or len(found.rows) >= MOST_KEPT:
        found = _kept[catalogue] = _Found(of, {})
    if facet not in found.rows:
        in_cluster = facet.startswith(CLUSTER)
        found.rows[facet] = _in_cluster(catalogue, space, facet) if in_cluster else _carrying(catalogue, facet)
    return found.rows[facet]


def _carrying(catalogue: Catalogue, facet: str) -> Rows:
    numbers = catalogue.item_facets
    places = np.flatnonzero(numbers.ravel() == catalogue.facet_of.get(facet, -2))
    beyond = [row for row, more in catalogue.beyond.items() if facet in more and row < len(numbers)]
    return np.union1d(places // numbers.shape[1], beyond).astype(np.int32)


def _in_cluster(catalogue: Catalogue, space: ItemSpace, facet: str) -> Rows:
    clusters = space.clusters(np.arange(catalogue.n_rows, dtype=np.int32))
    named = [one for one in np.unique(clusters).tolist() if one >= 0 and CLUSTER + space.cluster_label(one) == facet]
    return np.flatnonzero(np.isin(clusters, named)).astype(np.int32)
