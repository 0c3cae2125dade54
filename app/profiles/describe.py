"""A profile in a few sentences, each resting on claims that name what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from app.domain.profile import Claim, Drift, Evidence, Interest, Summary
from app.profiles.decay import DAY_S
from app.profiles.features import WARMING_FROM, n_interactions
from app.profiles.fold import IMPRESSION
from app.profiles.habits import Habit
from app.profiles.people import ALONE, Standing
from app.profiles.phrases import counted, day_of, every, joined, month_of, percent, quoted, since_when, times
from app.profiles.state import Said, State

GENERATED_BY = "template"
N_MAIN = 3
N_MORE = 2
# From this share on, the first interests are most of what there is; below, only what stands out.
MOSTLY = 0.4
AWAY_DAYS = 30.0
# Too few days say nothing about a rhythm.
RHYTHM_DAYS = 4


class Doing(NamedTuple):
    """How a user is spoken of: `Buys`, with 12 `purchase`s. `strength`: how much more one says than a look."""

    verb: str
    noun: str
    strength: int


DOINGS = {
    "purchase": Doing("Buys", "purchase", 5),
    "watch": Doing("Watches", "viewing", 3),
    "rating": Doing("Likes", "rating", 3),
    "like": Doing("Likes", "like", 3),
    "share": Doing("Likes", "share", 3),
    "add_to_cart": Doing("Picks", "pick", 2),
    "click": Doing("Looks at", "click", 1),
    "view": Doing("Looks at", "view", 1),
}
ANY = Doing("Turns to", "behaviour", 0)


class _Part(NamedTuple):
    """A sentence or a clause of one, empty when there is nothing to say."""

    text: str = ""
    claims: tuple[Claim, ...] = ()


def describe(
    state: State,
    interests: Sequence[Interest],
    avoids: Sequence[Interest],
    habits: Sequence[Habit],
    now: float,
    standing: Standing = ALONE,
) -> Summary:
    """The profile in words; `now` in seconds since 1970."""
    if not n_interactions(state):
        return Summary(_nothing(state), GENERATED_BY)
    verb, noun, n = _doing(state.counts)
    parts = (
        _taste(verb, interests, avoids, standing.drift),
        _turn(standing.drift, now),
        _leanings(interests),
        _habits(habits),
        _said(state.said),
        _history(state, n, noun, now, standing.segment),
    )
    claims = tuple(claim for part in parts for claim in part.claims)
    return Summary(_sentences(parts), GENERATED_BY, claims=claims)


def _sentences(parts: Iterable[_Part]) -> str:
    return " ".join(f"{part.text[0].upper()}{part.text[1:]}." for part in parts if part.text)


def _nothing(state: State) -> str:
    if n := state.counts.get(IMPRESSION, 0):
        return f"Was shown items {times(n)} and has turned to none yet."
    if state.n_flagged:
        return "Only behaviours that look automatic so far; they are left out."
    return "Nothing is known about this user yet."


def _doing(counts: dict[str, int]) -> tuple[str, str, int]:
    """The verb and the noun of what the user does most, and how many of these there are."""
    type_ = max(DOINGS, key=lambda name: counts.get(name, 0) * DOINGS[name].strength)
    if n := counts.get(type_, 0):
        return DOINGS[type_].verb, DOINGS[type_].noun, n
    return ANY.verb, ANY.noun, sum(counts.values()) - counts.get(IMPRESSION, 0)


def _taste(verb: str, interests: Sequence[Interest], avoids: Sequence[Interest], drift: Drift | None) -> _Part:
    """`Buys mostly frozen pizza and soft drinks; lately more baby foods; avoids fish`."""
    turned = {*drift.from_facets, *drift.to_facets} if drift and _is_told(drift) else set()
    topics = [one for one in _distinct(interests) if _is_topic(one)]
    lately = [one for one in topics if _is_new(one, topics)]
    less = [one for one in topics if one.trend == "falling"][:1]
    main = ([one for one in topics if one not in lately and one not in less] or topics)[:N_MAIN]
    more = [one for one in lately if one not in main][:N_MORE]
    clauses = [
        _main(verb, main),
        _clause("lately more", [one for one in more if one.facet not in turned]),
        _clause("less", [one for one in less if one.facet not in turned], "than before"),
        _turned_away(_distinct(avoids)),
    ]
    text = "; ".join(clause.text for clause in clauses if clause.text)
    return _Part(text, tuple(claim for clause in clauses for claim in clause.claims))


def _is_topic(one: Interest) -> bool:
    return one.facet.startswith(("category:", "cluster:"))


def _is_new(one: Interest, topics: Sequence[Interest]) -> bool:
    """Rising, or begun lately by somebody whose other interests are older."""
    return one.trend == "rising" or (one.horizon == "short" and any(other.horizon != "short" for other in topics))


def _main(verb: str, main: Sequence[Interest]) -> _Part:
    labels = _labels(main)
    claims = tuple(
        Claim(f"{verb} {one.label}: {percent(one.weight)} of the attention, {times(one.n_evidence)}", one.facet)
        for one in main
    )
    if not main:
        return _Part()
    if sum(one.weight for one in main) >= MOSTLY:
        does, _, at = verb.partition(" ")
        return _Part(" ".join(filter(None, (does, "mostly", at, labels))), claims)
    return _Part(f"{verb} a bit of everything, above all {labels}", claims)


def _clause(before: str, some: Sequence[Interest], after: str = "") -> _Part:
    if not some:
        return _Part()
    claims = tuple(Claim(f"{before} {one.label} {after}".strip().capitalize(), one.facet) for one in some)
    return _Part(f"{before} {_labels(some)} {after}".strip(), claims)


def _turned_away(avoids: Sequence[Interest]) -> _Part:
    """Once may be chance, so it is told as what it is."""
    often = [one for one in avoids if one.n_evidence > 1][:N_MAIN]
    some = often or avoids[:1]
    if not some:
        return _Part()
    verb = "avoids" if often else "turned down"
    claims = tuple(Claim(f"{verb.capitalize()} {one.label} ({times(one.n_evidence)})", one.facet) for one in some)
    return _Part(f"{verb} {_labels(some)}", claims)


def _turn(drift: Drift | None, now: float) -> _Part:
    """`Since last week turns from frozen pizza to baby food`."""
    if drift is None or not _is_told(drift):
        return _Part()
    at = drift.since_at.timestamp()
    origin = f"from {joined(drift.from_labels)} " if drift.from_labels else ""
    sides = [("from", *side) for side in zip(drift.from_facets, drift.from_labels, strict=True)]
    sides += [("to", *side) for side in zip(drift.to_facets, drift.to_labels, strict=True)]
    claims = tuple(Claim(f"Turns {way} {label} since {day_of(at)}", facet) for way, facet, label in sides)
    return _Part(f"{since_when(at, now)} turns {origin}to {joined(drift.to_labels)}", claims)


def _is_told(drift: Drift) -> bool:
    """One that has a direction, and two names for the two sides."""
    return bool(drift.to_labels) and not set(drift.to_labels) & set(drift.from_labels)


def _leanings(interests: Sequence[Interest]) -> _Part:
    """Attributes: `leans to the brand “private”`."""
    some = [one for one in interests if not _is_topic(one)][:N_MORE]
    if not some:
        return _Part()
    words = [f"{name.replace('_', ' ')} “{value}”" for name, _, value in (one.facet.partition(":") for one in some)]
    claims = tuple(
        Claim(f"Leans to the {word}: {percent(one.weight)} of the attention", one.facet)
        for word, one in zip(words, some, strict=True)
    )
    return _Part(f"leans to the {joined(words)}", claims)


def _habits(habits: Sequence[Habit]) -> _Part:
    words = [f"{habit.title} {every(habit.every_days)}" for habit in habits]
    claims = tuple(
        Claim(f"Buys {word}, {times(habit.n_purchases)} so far", item_id=habit.item_id)
        for word, habit in zip(words, habits, strict=True)
    )
    return _Part(f"comes back for {joined(words)}", claims) if words else _Part()


def _said(said: Sequence[Said]) -> _Part:
    searches = list({one.text: one for one in said if one.type == "search"}.values())[:N_MORE]
    some = searches or list(said[:1])
    if not some:
        return _Part()
    verb = "searched for" if searches else "wrote"
    claims = tuple(Claim(f"{verb.capitalize()} {quoted(one.text)}", evidence=(_evidence(one),)) for one in some)
    return _Part(f"{verb} {joined([quoted(one.text) for one in some])}", claims)


def _evidence(one: Said) -> Evidence:
    return Evidence(one.behavior_id, one.type, datetime.fromtimestamp(one.at, UTC), text=one.text)


def _history(state: State, n: int, noun: str, now: float, segment: str | None) -> _Part:
    if n_interactions(state) < WARMING_FROM:
        return _Part(f"new here, {counted(n, noun)} so far")
    first, last = month_of(state.first_at), month_of(state.last_at)
    words = f"{counted(n, noun)} on {counted(len(state.days), 'day')} {'in' if first == last else 'since'} {first}"
    if len(state.days) >= RHYTHM_DAYS:
        words += f", {every((state.days[-1] - state.days[0]) / (len(state.days) - 1))}"
    if segment is not None:
        words += f"; one of the {segment}"
    if now - state.last_at > AWAY_DAYS * DAY_S:
        words += f"; last seen on {day_of(state.last_at)}"
    return _Part(words)


def _labels(some: Sequence[Interest]) -> str:
    """`fruit - shelf stable` reads better as `fruit (shelf stable)`."""
    parts = [one.label.partition(" - ") for one in some]
    return joined([f"{name} ({kind})" if kind else name for name, _, kind in parts])


def _distinct(interests: Sequence[Interest]) -> list[Interest]:
    """Two facets may carry one name (`bread` here and there); the first stands for both."""
    return list({one.label: one for one in reversed(interests)}.values())[::-1]
