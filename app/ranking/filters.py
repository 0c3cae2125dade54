"""What may be shown at all, and how many items each rule keeps out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.domain.catalogue import Catalogue, Mask, Rows
from app.domain.item import path_of
from app.domain.recommendation import Seen, Wish
from app.profiles.state import State, Tally

LONGEST_FACET = 40


@dataclass(frozen=True, slots=True)
class Filtered:
    """`allowed` (V,) and, by rule, how many items it kept out that the rules before it had let through."""

    allowed: Mask
    dropped: dict[str, int]


def filter_items(catalogue: Catalogue, wish: Wish, state: State | None) -> Filtered:
    """Rules from the coarsest to the most personal; ids that the catalogue does not know allow and forbid nothing."""
    allowed = catalogue.available.copy()
    dropped = {"unavailable": len(allowed) - int(allowed.sum())}
    if wish.candidates is not None:
        _keep(allowed, _among(len(allowed), catalogue.rows(wish.candidates)), "not_a_candidate", dropped)
    if wish.category is not None:
        _keep(allowed, in_category(catalogue, len(allowed), wish.category), "other_category", dropped)
    for name, value in wish.attributes.items():
        _keep(allowed, _with_attribute(catalogue, allowed, name, value), "other_attributes", dropped)
    _hide(allowed, catalogue.rows(wish.exclude), "excluded", dropped)
    if state is not None:
        _hide(allowed, catalogue.rows(_refused(state)), "refused", dropped)
        _hide(allowed, catalogue.rows(_seen(state, wish.seen)), "seen", dropped)
    return Filtered(allowed, {rule: n for rule, n in dropped.items() if n})


def in_category(catalogue: Catalogue, n_rows: int, category: str) -> Mask:
    """(V,) true where one of the item's paths has this step, or these steps in a row."""
    path = " > ".join(path_of(category)).lower()
    numbers = [
        number
        for number in catalogue.tree.by_step.get(path.rpartition(" > ")[2], ())
        if f" > {catalogue.facets[number].removeprefix('category:')}".endswith(f" > {path}")
    ]
    mask = _carrying(catalogue, n_rows, numbers)
    for row in _cut_short(catalogue, n_rows):
        paths = (" > ".join(path_of(one)).lower() for one in catalogue.items[row].categories)
        mask[row] |= any(f" > {path} > " in f" > {one} > " for one in paths)
    return mask


def refuses(tally: Tally) -> bool:
    """More was said against the item than for it, both faded alike."""
    return tally.negative > tally.long


def _refused(state: State) -> Iterable[str]:
    return [item_id for item_id, tally in state.items.items() if refuses(tally)]


def _seen(state: State, policy: Seen) -> Iterable[str]:
    if policy == "include":
        return ()
    if policy == "purchased":
        return [item_id for item_id, tally in state.items.items() if tally.n_purchases]
    return [item_id for item_id, tally in state.items.items() if tally.n_positive or tally.n_negative]


def _keep(allowed: Mask, wanted: Mask, rule: str, dropped: dict[str, int]) -> None:
    before = int(allowed.sum())
    allowed &= wanted
    dropped[rule] = dropped.get(rule, 0) + before - int(allowed.sum())


def _hide(allowed: Mask, rows: Rows, rule: str, dropped: dict[str, int]) -> None:
    rows = rows[(rows >= 0) & (rows < len(allowed))]
    rows = np.unique(rows[allowed[rows]])
    allowed[rows] = False
    dropped[rule] = len(rows)


def _among(n_rows: int, rows: Rows) -> Mask:
    mask = np.zeros(n_rows, dtype=np.bool_)
    mask[rows[(rows >= 0) & (rows < n_rows)]] = True
    return mask


def _with_attribute(catalogue: Catalogue, allowed: Mask, name: str, value: str) -> Mask:
    """Facets know short texts of items with few facets; whatever else may match is read item by item."""
    number = catalogue.facet_of.get(f"{name}:{value}".lower())
    mask = _carrying(catalogue, len(allowed), [] if number is None else [number])
    plain = len(value) <= LONGEST_FACET and not _is_number_or_flag(value)
    unsure = _cut_short(catalogue, len(allowed)) if plain else np.flatnonzero(allowed & ~mask)
    for row in unsure:
        own = catalogue.items[row].attributes.get(name)
        mask[row] |= own is not None and str(own).lower() == value.lower()
    return mask


def _is_number_or_flag(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return value.lower() in {"true", "false"}
    return True


def _carrying(catalogue: Catalogue, n_rows: int, numbers: list[int]) -> Mask:
    if not numbers:
        return np.zeros(n_rows, dtype=np.bool_)
    wanted = np.zeros(len(catalogue.facets) + 1, dtype=np.bool_)  # the last place is where -1, no facet, points to
    wanted[numbers] = True
    return np.asarray(wanted[catalogue.item_facets[:n_rows]].any(axis=1))


def _cut_short(catalogue: Catalogue, n_rows: int) -> Rows:
    """Rows whose facets fill every place, so that some may be missing."""
    return np.flatnonzero(catalogue.item_facets[:n_rows, -1] >= 0).astype(np.int32)
