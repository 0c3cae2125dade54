"""What may be shown at all, and how many items each rule keeps out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.domain.catalogue import Catalogue, Mask, Rows
from app.domain.item import path_of
from app.domain.recommendation import Wish
from app.profiles.state import State

LONGEST_FACET = 40


@dataclass(frozen=True, slots=True)
class Filtered:
    """`allowed` (V,) and, by rule, how many items it kept out that the rules before it had let through."""

    allowed: Mask
    dropped: dict[str, int]


@dataclass(frozen=True, slots=True)
class Had:
    """Rows of what a user turned to in any way, bought, and refused (more was said against it than for it)."""

    seen: Rows
    purchased: Rows
    refused: Rows


_NONE = np.empty(0, dtype=np.int32)
HAD_NOTHING = Had(_NONE, _NONE, _NONE)


def had_by(state: State, rows: Rows) -> Had:
    """`rows` are those of `state.items`, -1 where the catalogue does not know the item."""
    tallies = state.items.values()
    seen = [tally.n_positive > 0 or tally.n_negative > 0 for tally in tallies]
    purchased = [tally.n_purchases > 0 for tally in tallies]
    refused = [tally.negative > tally.long for tally in tallies]
    return Had(*(rows[np.array(mask, dtype=np.bool_) & (rows >= 0)] for mask in (seen, purchased, refused)))


def filter_items(catalogue: Catalogue, wish: Wish, had: Had) -> Filtered:
    """Rules from the coarsest to the most personal; ids that the catalogue does not know allow and forbid nothing."""
    allowed = catalogue.available.copy()
    dropped = {"unavailable": len(allowed) - int(allowed.sum())}
    if wish.candidates is not None:
        _keep(allowed, _among(len(allowed), catalogue.rows(wish.candidates)), "not_a_candidate", dropped)
    if wish.domain is not None:
        _keep(allowed, catalogue.in_domain(wish.domain)[: len(allowed)], "other_domain", dropped)
    if wish.category is not None:
        _keep(allowed, in_category(catalogue, len(allowed), wish.category), "other_category", dropped)
    for name, value in wish.attributes.items():
        _keep(allowed, _with_attribute(catalogue, allowed, name, value), "other_attributes", dropped)
    _hide(allowed, catalogue.rows(wish.exclude), "excluded", dropped)
    _hide(allowed, catalogue.rows(wish.context_items), "at_hand", dropped)
    _hide(allowed, had.refused, "refused", dropped)
    _hide(allowed, {"exclude": had.seen, "purchased": had.purchased, "include": _NONE}[wish.seen], "seen", dropped)
    return Filtered(allowed, {rule: n for rule, n in dropped.items() if n})


def rule_against(catalogue: Catalogue, wish: Wish, had: Had, item_id: str) -> str | None:
    """The first rule of `filter_items` that keeps this item of the catalogue out; None when none does."""
    if not catalogue.available[catalogue.row_of[item_id]]:
        return "unavailable"
    if wish.candidates is not None and item_id not in wish.candidates:
        return "not_a_candidate"
    dropped = filter_items(catalogue, replace(wish, candidates=(item_id,)), had).dropped
    return next((rule for rule in dropped if rule not in ("unavailable", "not_a_candidate")), None)


def in_category(catalogue: Catalogue, n_rows: int, category: str) -> Mask:
    """(V,) true where one of the item's paths has this step, or these steps in a row."""
    path = " > ".join(path_of(category)).lower()
    mask = _carrying(catalogue, n_rows, _category_numbers(catalogue, path))
    for row in _cut_short(catalogue, n_rows):
        paths = (" > ".join(path_of(one)).lower() for one in catalogue.items[row].categories)
        mask[row] |= any(f" > {path} > " in f" > {one} > " for one in paths)
    return mask


def facet_numbers(catalogue: Catalogue, facet: str) -> list[int]:
    """Of `brand:private` or `category:frozen pizza`; a category may be the last steps of several paths."""
    name, _, value = facet.lower().partition(":")
    if name == "category":
        return _category_numbers(catalogue, " > ".join(path_of(value)))
    number = catalogue.facet_of.get(facet.lower())
    return [] if number is None else [number]


def _category_numbers(catalogue: Catalogue, path: str) -> list[int]:
    return [
        number
        for number in catalogue.tree.by_step.get(path.rpartition(" > ")[2], ())
        if f" > {catalogue.facets[number].removeprefix('category:')}".endswith(f" > {path}")
    ]


def _keep(allowed: Mask, wanted: Mask, rule: str, dropped: dict[str, int]) -> None:
    before = int(allowed.sum())
    allowed &= wanted
    dropped[rule] = dropped.get(rule, 0) + before - int(allowed.sum())


def _hide(allowed: Mask, rows: Rows, rule: str, dropped: dict[str, int]) -> None:
    if not len(rows):
        return
    rows = rows[(rows >= 0) & (rows < len(allowed))]
    before = int(allowed.sum())
    allowed[rows] = False
    dropped[rule] = before - int(allowed.sum())


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
