"""What `why` says to people."""

from __future__ import annotations

from app.domain.recommendation import Wish
from app.domain.why import SourceWord, Why

_RULES = {
    "unavailable": "it is not available",
    "not_a_candidate": "the request chose among other items",
    "other_domain": "the request wants another domain",
    "other_category": "the request wants another category",
    "other_attributes": "the request wants other attributes",
    "excluded": "the request excludes it",
    "at_hand": "it is at hand already",
    "refused": "more was said against it than for it",
    "never": "somebody asked never to see it or its kind",
}
_SEEN = {
    "exclude": "the user has had to do with it, and only what is new to them is wanted",
    "purchased": "the user has bought it, and only what they have not bought is wanted",
}


def in_words(why: Why, wish: Wish) -> str:
    """One sentence on where its way ended."""
    if why.stage == "shown":
        return f"Rank {why.rank}" + (f": {why.reason.text}." if why.reason else ".")
    if why.stage == "filter":
        return f"Kept out: {_RULES.get(why.rule or '') or _SEEN.get(wish.seen, 'a rule forbids it')}."
    if why.stage == "candidates":
        return _no_candidate(why.sources)
    behind = f"{why.rank} among {why.n_candidates} candidates, and {wish.limit} were wanted"
    if why.stage == "rank":
        return f"It came {behind}."
    return f"Its score would do, but its place went to other kinds of things; with them it came {behind}."


def _no_candidate(sources: dict[str, SourceWord]) -> str:
    ranks = {name: word.rank for name, word in sources.items() if word.rank is not None}
    if ranks:
        best = min(ranks, key=lambda name: ranks[name])
        return f"It is not among the best of all sources together; `{best}` alone had it at {ranks[best]}."
    return f"No source had it among its best{_nearest(sources)}."


def _nearest(sources: dict[str, SourceWord]) -> str:
    chances = {name: word.chance for name, word in sources.items() if word.chance}
    if not chances:
        return "; none had a word on it"
    return f"; `{max(chances, key=lambda name: chances[name] or 0.0)}` gave it the best chance"


def without_words(label: str, rank: int, other: int | None) -> str:
    """`Without “frozen pizza”: rank 3 -> 41`."""
    after = f"rank {rank} -> {other}" if other is not None else f"rank {rank} -> no candidate"
    return f"Without “{label}”: {after}"
