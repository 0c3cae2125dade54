"""Statements in words, compiled into rules that a person is shown before they act.

A clause (`never show me war films again`) has an intent and names. A name that is, in full, the name of facets becomes
a rule for them. Of what is to be avoided and has no name in the catalogue, the meaning decides, where it is clear;
what is wanted and has no name is the wish, searched for by its meaning. All else is told and not guessed.

The encoder is asynchronous and this is not, so it goes in two steps: `phrases_of` says which phrases have to be
embedded, and `understand` is given what they are like (`retrieval.likeness.facets_like`). A phrase that is missing
there, for want of an encoder, is like nothing and so unclear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from app.domain.catalogue import Catalogue
from app.domain.edit import Rule, Understood
from app.domain.limits import MAX_QUERY
from app.profiles.clauses import clauses_of
from app.profiles.decay import DAY_S
from app.profiles.phrases import joined, quoted
from app.profiles.reading import Likeness, Reading
from app.profiles.settle import settled
from app.profiles.told import Asked, in_words
from app.profiles.words_of_time import Span, spans_of

# What is told of the rest, at most.
MOST_UNCLEAR = 8
MOST_CHARACTERS = 200
_MARKUP = re.compile(r"<[a-zA-Z/!][^<>]{0,200}>")


def phrases_of(text: str, catalogue: Catalogue, now: datetime) -> list[str]:
    """The phrases whose likeness `understand` will look for: at most 16, of at most 4 words each."""
    text = _without_markup(text)
    return list(_read(text, catalogue, {}, spans_of(text, now)).phrases)


def understand(text: str, catalogue: Catalogue, likeness: Likeness, now: datetime) -> Understood:
    """`likeness`: by phrase, facets and the share of each that reads like it; `now`, in a zone, for words of time."""
    text = _without_markup(text)
    times = spans_of(text, now)
    until, trouble = _until(times, now)
    reading = _read(text, catalogue, likeness, times)
    if trouble:
        return Understood(conflicts=(trouble,), in_words=f"Changes nothing. {_told('Contradicts itself', [trouble])}")
    asked, conflicts = settled(reading.asked, catalogue)
    wish = "; ".join(dict.fromkeys(reading.wishes))[:MAX_QUERY].strip()
    unclear = _clipped(reading.unclear or ([] if asked or wish or conflicts else [text]))
    left = [_told("Contradicts itself", conflicts), _told("Not understood", [quoted(one) for one in unclear])]
    return Understood(
        rules=tuple(_rules(asked, catalogue)),
        wish=wish,
        lasts_days=(until - now).total_seconds() / DAY_S if until and (asked or wish) else None,
        unclear=tuple(unclear),
        conflicts=tuple(conflicts),
        in_words=in_words(asked, wish, until, now, filter(None, left)),
    )


def _read(text: str, catalogue: Catalogue, likeness: Likeness, times: Sequence[Span]) -> Reading:
    reading = Reading(text, catalogue, likeness)
    reading.read(clauses_of(text, times))
    return reading


def _without_markup(text: str) -> str:
    """Blanks in its place, so that everything stands where it stood."""
    return _MARKUP.sub(lambda match: " " * len(match.group()), text)


def _until(times: Sequence[Span], now: datetime) -> tuple[datetime | None, str]:
    """When it ends, and what is wrong with that. One statement ends at one time."""
    ends = list(dict.fromkeys(span.until for span in times))
    if len(ends) > 1:
        said = joined(list(dict.fromkeys(quoted(span.text) for span in times)))
        return None, f"{said} are different times; say one of them at a time"
    if ends and ends[0] is not None and ends[0] <= now:
        return None, f"{quoted(times[0].text)} is over already"
    return (ends[0] if ends else None), ""


def _rules(asked: Sequence[Asked], catalogue: Catalogue) -> Iterator[Rule]:
    for one in asked:
        for number, label in zip(one.facets, one.labels, strict=True):
            yield Rule(one.action, "facet", catalogue.facets[number], label, one.matched)


def _told(what: str, some: Sequence[str]) -> str:
    return f"{what}: {', '.join(some)}." if some else ""


def _clipped(unclear: Sequence[str]) -> list[str]:
    some = list(dict.fromkeys(" ".join(one[:MOST_CHARACTERS].split()) for one in unclear))
    return [one for one in some if one][:MOST_UNCLEAR]
