"""Names for kinds of users: what tells each from the others, as a shopkeeper would say it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from app.profiles.segments import FEATURES
from app.profiles.sums import Floats

# Words for a segment that lies above the others and below them; words of one theme say nearly the same.
_WORDS = {
    "behaviours": ("amount", "busy", "occasional"),
    "days": ("amount", "frequent", "rare"),
    "per_day": ("visits", "thorough", "brief"),
    "span": ("time", "long-standing", "recent"),
    "repeats": ("repeats", "loyal", "exploring"),
    "clicks": ("clicks", "curious", "choosy"),
    "purchases": ("purchases", "decided", "browsing"),
    "top_category": ("breadth", "single-minded", "broad"),
    "breadth": ("breadth", "broad", "single-minded"),
    "weekends": ("week", "weekend", "weekday"),
}
N_WORDS = 2
# Spreads from the mean of all users; nearer to it a segment is like everybody.
TELLING = 0.3


def name_segments(centroids: Floats, buying: Sequence[bool]) -> list[str]:
    """(S, F) normalised centroids -> one name each, all different; who buys is a shopper, else a visitor."""
    names: list[str] = []
    for number, centroid in enumerate(centroids):
        noun = "shoppers" if buying[number] else "visitors"
        names.append(next(name for name in _names(centroid, noun, number) if name not in names))
    return names


def _names(centroid: Floats, noun: str, number: int) -> Iterator[str]:
    """From the first that would do to one that nobody else can have."""
    words = _telling(centroid)
    if not words:
        yield f"typical {noun}"
    for n in range(N_WORDS, len(words) + 1):
        yield f"{', '.join(words[:n])} {noun}"
    if 0 < len(words) < N_WORDS:
        yield f"{words[0]} {noun}"
    yield f"{', '.join([*words[:N_WORDS], noun]) if words else noun} (group {number + 1})"


def _telling(centroid: Floats) -> list[str]:
    """One word of a theme, the farthest from the middle first."""
    words: dict[str, str] = {}
    for place in np.argsort(-np.abs(centroid), kind="stable").tolist():
        theme, above, below = _WORDS[FEATURES[place]]
        if abs(centroid[place]) >= TELLING:
            words.setdefault(theme, above if centroid[place] > 0 else below)
    return list(words.values())
