"""A profile in a few sentences, each resting on claims that name what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from app.domain.profile import Claim, Drift, Evidence, Interest, Summary
from app.profiles.decay import DAY_S
from app.profiles.doings import ANY, Doing, doing_of
from app.profiles.features import WARMING_FROM, n_interactions
from app.profiles.fold import IMPRESSION, PURCHASE
from app.profiles.habits import Habit
from app.profiles.people import ALONE, Standing
from app.profiles.phrases import amount, counted, day_of, every, joined, month_of, percent, quoted, since_when, times
from app.profiles.state import Said, State

GENERATED_BY = "template"
N_MAIN = 3
N_MORE = 2
# From this share on, the first interests are most of what there is; below, only what stands out.
MOSTLY = 0.4
AWAY_DAYS = 30.0
# Too few days say nothing about a rhythm.
RHYTHM_DAYS = 4


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
    past: bool = False,
) -> Summary:
    """The profile in up to three sentences: what kind of person this is, what is new and what they avoid, the figures.

    `now` in seconds since 1970; `past` says that it is told of a moment before this one.
    """
    if not n_interactions(state):
        return Summary(_nothing(state, past), GENERATED_BY)
    doing, drift = doing_of(state.counts), _told_turn(standing.drift, avoids)
    main, more, less = _sorted_out(interests, drift)
    parts = (
        _one(_main(doing, main), _leanings(interests), _habits(habits)),
        _one(
            _turn(drift, now),
            _clause(f"lately {doing.with_word('more').lower()}", more),
            _clause(doing.with_word("less").lower(), less, "than before"),
            _turned_away(_distinct(avoids)),
            _said(state.said),
        ),
        _one(*_figures(state, doing, now, standing.segment)),
    )
    claims = tuple(claim for part in parts for claim in part.claims)
    return Summary(_sentences(parts), GENERATED_BY, claims=claims)


def _one(*parts: _Part) -> _Part:
    """One sentence of several clauses."""
    said = [part for part in parts if part.text]
    return _Part("; ".join(part.text for part in said), tuple(claim for part in said for claim in part.claims))


def _sentences(parts: Iterable[_Part]) -> str:
    return " ".join(f"{part.text[0].upper()}{part.text[1:]}." for part in parts if part.text)


def _nothing(state: State, past: bool) -> str:
    if n := state.counts.get(IMPRESSION, 0):
        return f"Was shown items {times(n)} and {'had' if past else 'has'} turned to none yet."
    if state.n_flagged:
        return "Only behaviours that look automatic so far; they are left out."
    return f"Nothing {'was' if past else 'is'} known about this user yet."


def _sorted_out(interests: Sequence[Interest], drift: Drift | None) -> tuple[list[Interest], ...]:
    """What somebody turns to, what lately more and what less; a turn is told on its own."""
    turned = {*drift.from_facets, *drift.to_facets} if drift else set()
    topics = [one for one in _distinct(interests) if _is_topic(one)]
    lately = [one for one in topics if _is_new(one, topics)]
    less = [one for one in topics if one.trend == "falling"][:1]
    settled = [one for one in topics if (one not in lately or one.weight >= MOSTLY) and one not in less]
    main = (settled or topics)[:N_MAIN]
    # What takes most of the attention is what somebody turns to, though it is new.
    more = [one for one in lately if one not in main or (one in settled and len(main) > 1)][:N_MORE]
    return main, *([one for one in some if one.facet not in turned] for some in (more, less))


def _is_topic(one: Interest) -> bool:
    return one.facet.startswith(("category:", "cluster:"))


def _is_new(one: Interest, topics: Sequence[Interest]) -> bool:
    """Rising, or begun lately by somebody whose other interests are older."""
    return one.trend == "rising" or (one.horizon == "short" and any(other.horizon != "short" for other in topics))


def _main(doing: Doing, main: Sequence[Interest]) -> _Part:
    """`Buys mostly frozen pizza; turns to fish`: nobody is said to buy what they only looked at."""
    if doing.type != PURCHASE:
        return _mostly(doing, main)
    bought = [one for one in main if one.n_purchases]
    others = [one for one in main if not one.n_purchases]
    return _one(_mostly(doing, bought), _mostly(ANY, others) if not bought else _beside(others))


def _mostly(doing: Doing, main: Sequence[Interest]) -> _Part:
    if not main:
        return _Part()
    claims = tuple(_interest_claim(doing, one) for one in main)
    if sum(one.weight for one in main) >= MOSTLY:
        return _Part(f"{doing.with_word('mostly')} {_labels(main)}", claims)
    return _Part(f"{doing.verb} a bit of everything, above all {_labels(main)}", claims)


def _beside(others: Sequence[Interest]) -> _Part:
    claims = tuple(_interest_claim(ANY, one) for one in others)
    return _Part(f"turns to {_labels(others)}", claims) if others else _Part()


def _interest_claim(doing: Doing, one: Interest) -> Claim:
    n = amount(one.n_evidence, one.n_purchases, "purchase") if doing.type == PURCHASE else times(one.n_evidence)
    return Claim(f"{doing.verb} {one.label}: {percent(one.weight)} of the attention, {n}", one.facet, name=one.label)


def _clause(before: str, some: Sequence[Interest], after: str = "") -> _Part:
    if not some:
        return _Part()
    lead = f"{before[0].upper()}{before[1:]}"
    claims = tuple(Claim(f"{lead} {one.label} {after}".strip(), one.facet, name=one.label) for one in some)
    return _Part(f"{before} {_labels(some)} {after}".strip(), claims)


def _turned_away(avoids: Sequence[Interest]) -> _Part:
    """Once may be chance, so it is told as what it is."""
    often = [one for one in avoids if one.n_evidence > 1][:N_MAIN]
    some = often or avoids[:1]
    if not some:
        return _Part()
    verb = "avoids" if often else "turned down"
    claims = tuple(
        Claim(f"{verb.capitalize()} {one.label} ({times(one.n_evidence)})", one.facet, name=one.label) for one in some
    )
    return _Part(f"{verb} {_labels(some)}", claims)


def _turn(drift: Drift | None, now: float) -> _Part:
    """`Since last week turns from frozen pizza to baby food`."""
    if drift is None:
        return _Part()
    at = drift.since_at.timestamp()
    origin = f"from {joined(drift.from_labels)} " if drift.from_labels else ""
    sides = [("from", *side) for side in zip(drift.from_facets, drift.from_labels, strict=True)]
    sides += [("to", *side) for side in zip(drift.to_facets, drift.to_labels, strict=True)]
    claims = tuple(Claim(f"Turns {way} {label} since {day_of(at)}", facet, name=label) for way, facet, label in sides)
    return _Part(f"{since_when(at, now)} turns {origin}to {joined(drift.to_labels)}", claims)


def _told_turn(drift: Drift | None, avoids: Sequence[Interest]) -> Drift | None:
    """A turn that has a direction, and two names for the two sides; nobody turns to what they avoid."""
    if drift is None:
        return None
    avoided = {one.facet for one in avoids}
    left = [pair for pair in zip(drift.from_facets, drift.from_labels, strict=True) if pair[0] not in avoided]
    taken_up = [pair for pair in zip(drift.to_facets, drift.to_labels, strict=True) if pair[0] not in avoided]
    if not taken_up or {label for _, label in left} & {label for _, label in taken_up}:
        return None
    return replace(
        drift,
        from_facets=tuple(facet for facet, _ in left),
        from_labels=tuple(label for _, label in left),
        to_facets=tuple(facet for facet, _ in taken_up),
        to_labels=tuple(label for _, label in taken_up),
    )


def _leanings(interests: Sequence[Interest]) -> _Part:
    """Attributes: `leans to the brand “private”`."""
    some = [one for one in interests if not _is_topic(one)][:N_MORE]
    if not some:
        return _Part()
    words = [f"{name.replace('_', ' ')} “{value}”" for name, _, value in (one.facet.partition(":") for one in some)]
    claims = tuple(
        Claim(f"Leans to the {word}: {percent(one.weight)} of the attention", one.facet, name=word)
        for word, one in zip(words, some, strict=True)
    )
    return _Part(f"leans to the {joined(words)}", claims)


def _habits(habits: Sequence[Habit]) -> _Part:
    words = [f"{habit.title} {every(habit.every_days)}" for habit in habits]
    claims = tuple(
        Claim(
            f"Comes back for {word}, {counted(habit.n_purchases, 'purchase')} so far",
            item_id=habit.item_id,
            name=habit.title,
        )
        for word, habit in zip(words, habits, strict=True)
    )
    return _Part(f"comes back for {joined(words)}", claims) if words else _Part()


def _said(said: Sequence[Said]) -> _Part:
    searches = list({one.text: one for one in said if one.type == "search"}.values())[:N_MORE]
    some = searches or list(said[:1])
    if not some:
        return _Part()
    verb = "searched for" if searches else "wrote"
    claims = tuple(
        Claim(f"{verb.capitalize()} {quoted(one.text)}", evidence=(_evidence(one),), name=quoted(one.text)[1:-1])
        for one in some
    )
    return _Part(f"{verb} {joined([quoted(one.text) for one in some])}", claims)


def _evidence(one: Said) -> Evidence:
    return Evidence(one.behavior_id, one.type, datetime.fromtimestamp(one.at, UTC), text=one.text)


def _figures(state: State, doing: Doing, now: float, segment: str | None) -> Iterator[_Part]:
    n_all, n = n_interactions(state), doing.count(state.counts)
    words = amount(n_all, n or n_all, doing.noun)
    if n_all < WARMING_FROM:
        amounts, comma, of_them = words.partition(", ")
        yield _about_all(f"new here, {amounts} so far{comma}{of_them}", doing.type)
        return
    first, last = (day * DAY_S for day in (state.days[0], state.days[-1]))
    start = f"{'in' if month_of(first) == month_of(last) else 'since'} {month_of(first)}"
    words += f", on {counted(len(state.days), 'day')} {start}"
    if len(state.days) >= RHYTHM_DAYS:
        words += f", {every((state.days[-1] - state.days[0]) / (len(state.days) - 1))}"
    yield _about_all(words, doing.type)
    if segment is not None:
        yield _about_all(f"one of the {segment}")
    if now - last > AWAY_DAYS * DAY_S:
        yield _about_all(f"last seen on {day_of(last)}")


def _about_all(text: str, type_: str | None = None) -> _Part:
    """About everything the user did, or all of one type."""
    return _Part(text, (Claim(f"{text[0].upper()}{text[1:]}", type=type_),))


def _labels(some: Sequence[Interest]) -> str:
    """`fruit - shelf stable` reads better as `fruit (shelf stable)`."""
    parts = [one.label.partition(" - ") for one in some]
    return joined([f"{name} ({kind})" if kind else name for name, _, kind in parts])


def _distinct(interests: Sequence[Interest]) -> list[Interest]:
    """Two facets may carry one name (`bread` here and there); the first stands for both."""
    return list({one.label: one for one in reversed(interests)}.values())[::-1]
