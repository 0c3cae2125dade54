"""How facets lie above one another, and how many items carry each: what a share of attention is compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]


class FacetTree:
    """Facets by number, as the catalogue hands them out. Arrays have length F, the number of facets."""

    def __init__(self) -> None:
        self.n_facets = 0
        self.by_step: dict[str, list[int]] = {}  # the last step of a category path -> the numbers that end in it
        self._sizes = np.zeros(256, dtype=np.int32)
        self._depths = np.zeros(256, dtype=np.int16)
        self._parents = np.full(256, -1, dtype=np.int32)

    @property
    def sizes(self) -> Numbers:
        """(F,) how many items carry the facet."""
        return self._sizes[: self.n_facets]

    @property
    def depths(self) -> NDArray[np.int16]:
        """(F,) 1 for the first step of a category path, 2 for the second ...; 0 for an attribute."""
        return self._depths[: self.n_facets]

    @property
    def parents(self) -> Numbers:
        """(F,) the number of the step before, -1 where there is none."""
        return self._parents[: self.n_facets]

    def enter(self, facet: str, numbers: dict[str, int]) -> int:
        """Gives the facet the next number; `numbers` holds those of the facets that came before."""
        number = self.n_facets
        if number == len(self._sizes):
            self._grow()
        name, _, path = facet.partition(":")
        above, _, step = path.rpartition(" > ")
        if name == "category":
            self.by_step.setdefault(step, []).append(number)
            self._depths[number] = path.count(" > ") + 1
            self._parents[number] = numbers.get(f"category:{above}", -1) if step != path else -1
        self.n_facets = number + 1
        return number

    def count(self, numbers: Numbers, by: int) -> None:
        """Adds `by` to the sizes of one item's facets; the empty places (-1) come last."""
        for number in numbers.tolist():
            if number < 0:
                break
            self._sizes[number] += by

    def are_leaves(self, numbers: Numbers) -> NDArray[np.bool_]:
        """(N,) true for the categories of one item of which it holds no further step; -1 is none."""
        held = numbers.tolist()
        above = {int(self._parents[number]) for number in held if number >= 0}
        return np.array([number >= 0 and self._depths[number] > 0 and number not in above for number in held])

    def _grow(self) -> None:
        n = self.n_facets
        self._sizes = np.concatenate([self._sizes, np.zeros(n, dtype=np.int32)])
        self._depths = np.concatenate([self._depths, np.zeros(n, dtype=np.int16)])
        self._parents = np.concatenate([self._parents, np.full(n, -1, dtype=np.int32)])
