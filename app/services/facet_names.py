"""Facets as callers name them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.domain.errors import Fault, InvalidInput
from app.profiles.named_facets import facets_named, facets_near
from app.retrieval.base import World

N_CHOICES = 5


def facet_named(world: World, word: str, pointer: str) -> str | Fault:
    """The one facet that is meant, or what is wrong with the word."""
    found = facets_named(word, world.catalogue, world.space)
    if len(found) == 1:
        return found[0]
    if found:
        return Fault("facet_ambiguous", pointer, "Several facets have this name.", f"Write one of {_listed(found)}.")
    near = facets_near(word, world.catalogue, world.space)
    hint = f"Did you mean {_listed(near)}?" if near else "Facets are written `category:grocery > frozen pizza`."
    return Fault("facet_unknown", pointer, "No item of the catalogue has this facet.", hint)


def facets_meant(world: World, words: Iterable[str], pointer: str) -> tuple[str, ...]:
    """Raises InvalidInput with a fault for each word that names no facet, or several."""
    found = [facet_named(world, word, pointer) for word in words]
    faults = tuple(one for one in found if isinstance(one, Fault))
    if faults:
        raise InvalidInput(f"`{pointer}`: {faults[0].detail}", faults[0].hint, faults=faults)
    return tuple(one for one in found if isinstance(one, str))


def _listed(facets: Sequence[str]) -> str:
    more = f" or {len(facets) - N_CHOICES} more" if len(facets) > N_CHOICES else ""
    return " or ".join(f"`{facet}`" for facet in facets[:N_CHOICES]) + more
