"""The profile in words: two or three sentences, each one a claim with what stands behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.domain.catalogue import Catalogue
from app.domain.profile import Claim, Evidence, Interest, Summary
from app.profiles.evidence import N_EVIDENCE, Witnesses
from app.profiles.features import n_interactions, stage_of
from app.profiles.state import State

N_NAMED = 3
# An item is called a favourite from so many purchases on.
FAVOURITE_FROM = 3
LONGEST_QUOTE = 60

# What people mostly do with items -> how a sentence about it begins.
_VERBS = {
    "purchase": "Buys mostly",
    "watch": "Watches mostly",
    "rating": "Likes mostly",
    "like": "Likes mostly",
    "view": "Looks mostly at",
    "click": "Looks mostly at",
}
_KINDS = ("category:", "cluster:")  # what things are; brands and the like are left to the list of interests
_SAYINGS = {"search": "searched for", "comment": "commented", "review": "wrote"}


def describe(
    state: State,
    catalogue: Catalogue,
    interests: Sequence[Interest],
    avoids: Sequence[Interest],
    witnesses: Witnesses | None = None,
) -> Summary:
    """With `witnesses`, every claim brings the behaviours behind it."""
    claims = (
        *_beginning(state),
        *_turns_to(state, interests),
        *_changes(interests),
        *_favourite(state, catalogue, witnesses),
        *_keeps_away(avoids),
        *_said(state, witnesses),
    )
    newest = {one.behavior_id: one for claim in claims for one in claim.evidence}
    evidence = sorted(newest.values(), key=lambda one: (one.occurred_at, one.behavior_id), reverse=True)
    return Summary(" ".join(claim.text for claim in claims), "template", tuple(evidence[:N_EVIDENCE]), claims)


def _beginning(state: State) -> Iterator[Claim]:
    n = n_interactions(state)
    if n == 0:
        yield Claim("Has done nothing yet that tells of their taste.")
    elif stage_of(state) == "new":
        yield Claim(f"Known by {n} {'behaviour' if n == 1 else 'behaviours'} only, so this is a first impression.")


def _turns_to(state: State, interests: Sequence[Interest]) -> Iterator[Claim]:
    interests = [one for one in interests if one.facet.startswith(_KINDS)] or interests
    steady = [one for one in interests if one.trend == "steady"][:N_NAMED] or list(interests[:N_NAMED])
    if steady:
        yield _claim(f"{_verb(state)} {_listed(steady)}.", steady)


def _changes(interests: Sequence[Interest]) -> Iterator[Claim]:
    rising = [one for one in interests if one.trend == "rising"][:N_NAMED]
    falling = [one for one in interests if one.trend == "falling"][: N_NAMED - 1]
    if rising and len(rising) < len(interests):
        yield _claim(f"Lately more {_listed(rising)}.", rising)
    if falling:
        yield _claim(f"Less than before: {_listed(falling)}.", falling)


def _favourite(state: State, catalogue: Catalogue, witnesses: Witnesses | None) -> Iterator[Claim]:
    most = max(state.items.items(), key=lambda one: (one[1].n_purchases, one[1].last_at, one[0]), default=None)
    if most is None or most[1].n_purchases < FAVOURITE_FROM:
        return
    item_id, tally = most
    row = catalogue.row_of.get(item_id)
    if row is not None and (title := catalogue.items[row].title):
        evidence = witnesses.of_item(item_id) if witnesses else ()
        yield Claim(f"Most often bought: {title} ({tally.n_purchases} times).", item_id=item_id, evidence=evidence)


def _keeps_away(avoids: Sequence[Interest]) -> Iterator[Claim]:
    named = list(avoids[:N_NAMED])
    if named:
        yield _claim(f"Avoids {_listed(named)}.", named)


def _said(state: State, witnesses: Witnesses | None) -> Iterator[Claim]:
    if not state.said:
        return
    last = state.said[0]
    quote = last.text if len(last.text) <= LONGEST_QUOTE else last.text[: LONGEST_QUOTE - 1].rstrip() + "…"
    evidence = (witnesses.of_text(last),) if witnesses else ()
    yield Claim(f"Last {_SAYINGS.get(last.type, 'said')} “{' '.join(quote.split())}”.", evidence=evidence)


def _verb(state: State) -> str:
    known = {type_: n for type_, n in state.counts.items() if type_ in _VERBS}
    most = max(known, key=lambda type_: (known[type_], type_), default="")
    return _VERBS.get(most, "Turns mostly to")


def _claim(text: str, about: Sequence[Interest]) -> Claim:
    """A claim names the first facet it is about and brings the evidence of all of them."""
    evidence: list[Evidence] = [one for interest in about for one in interest.evidence[:1]]
    return Claim(text, facet=about[0].facet, evidence=tuple(evidence))


def _listed(interests: Sequence[Interest]) -> str:
    labels = list(dict.fromkeys(one.label for one in interests))
    return labels[0] if len(labels) == 1 else ", ".join(labels[:-1]) + " and " + labels[-1]
