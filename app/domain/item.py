"""What can be recommended, and the facets it is described by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

Scalar = str | int | float | bool
# Deeper steps of a category path make no facets: 32 paths of 128 steps would be a megabyte of them for one item.
MAX_STEPS = 8


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the catalogue. `categories` are words or paths (`Grocery > Frozen pizza`)."""

    item_id: str
    title: str = ""
    description: str = ""
    categories: tuple[str, ...] = ()
    attributes: dict[str, Scalar] = field(default_factory=dict)
    domain: str | None = None
    available: bool = True
    published_at: datetime | None = None

    @property
    def text(self) -> str:
        """What an encoder reads: title, last words of the categories, description."""
        leaves = ", ".join(path_of(category)[-1] for category in self.categories if path_of(category))
        return ". ".join(part for part in (self.title, leaves, self.description) if part)


def path_of(category: str) -> list[str]:
    """`Grocery > Frozen pizza` -> [`Grocery`, `Frozen pizza`]; a slash separates where no `>` does."""
    parts = category.split(">") if ">" in category else category.split("/")
    return [part.strip() for part in parts if part.strip()]


def facets_of(item: Item) -> Iterator[str]:
    """The facets of an item: the first steps of its category paths, and its textual attributes.

    A facet is written `category:grocery > frozen pizza` or `brand:private`, in lower case.
    """
    for category in item.categories:
        path = path_of(category)[:MAX_STEPS]
        for depth in range(1, len(path) + 1):
            yield "category:" + " > ".join(path[:depth]).lower()
    for name, value in item.attributes.items():
        if isinstance(value, str) and value and len(value) <= 40:
            yield f"{name}:{value}".lower()


def label_of(facet: str) -> str:
    """A facet as people say it: `category:grocery > frozen pizza` -> `frozen pizza`; `brand:x` -> `brand x`."""
    name, _, value = facet.partition(":")
    return value.rsplit(" > ", 1)[-1] if name in {"category", "cluster"} else f"{name} {value}"
