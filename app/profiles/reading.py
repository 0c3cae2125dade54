"""Clause by clause, what is asked for, wished and not understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.catalogue import Catalogue
from app.domain.edit import Action
from app.profiles.clauses import Clause, is_joint
from app.profiles.naming import NOTHING, Named, core_of, highest, names_in, recognised, spoken, without
from app.profiles.stems import Token, stems_of, tokens_of
from app.profiles.told import Asked
from app.profiles.vocabulary import vocabulary_of
from app.profiles.words_of_shops import DIETS
from app.profiles.words_of_wishes import ARTICLES, COMPLAINTS, DIET_WORDS, POSITIVE, PREPOSITIONS, QUALIFIERS

Likeness = Mapping[str, Sequence[tuple[str, float]]]

# A facet is ruled out by its meaning only when nearly all of it reads like the phrase. Measured on The Complete
# Journey: of `alcohol`, beers .97, chewing gum .35; of `detergent`, for laundry .92; of `ice cream`, syrups .85.
ALIKE = 0.9
# Longer phrases mean several things at once: half of what reads like `snacks for kids` is no snack.
MOST_WORDS_ALIKE = 4
MOST_PHRASES = 16
# A name of more facets than this is none.
MOST_FACETS = 64
_DIETS = {" ".join(stems_of(diet)): groups for diet, groups in DIETS.items()}


@dataclass(slots=True)
class Reading:
    """What a statement holds so far; `phrases` are those whose likeness was asked for."""

    text: str
    catalogue: Catalogue
    likeness: Likeness
    asked: list[Asked] = field(default_factory=list)
    wishes: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    phrases: dict[str, None] = field(default_factory=dict)

    def read(self, clauses: Sequence[Clause]) -> None:
        for place, clause in enumerate(clauses):
            before = clauses[place - 1] if place else None
            after = clauses[place + 1] if place + 1 < len(clauses) else None
            self._clause(clause, before, after)

    def _clause(self, clause: Clause, before: Clause | None, after: Clause | None) -> None:
        if not clause.tokens or clause.is_empty or clause.intent == "unclear":
            self.unclear.append(self._text(clause.start, clause.end))
        elif clause.intent == "except":
            self._except(clause, before)
        elif clause.intent in {"never", "less"}:
            self._refuse("never" if clause.intent == "never" else "less", clause)
        elif clause.intent in {"more", "pin"}:
            self._favour("pin" if clause.intent == "pin" else "more", clause)
        elif clause.intent == "also" and (after is None or after.intent not in {None, *POSITIVE}):
            self.unclear.append(self._text(clause.start, clause.end))
        else:
            self._want(clause)

    def _refuse(self, action: Action, clause: Clause) -> None:
        for words in self._names(clause):
            if not self._name(action, words) and not self._alike(action, words):
                self.unclear.append(self._text(words[0].start, words[-1].end))

    def _favour(self, action: Action, clause: Clause) -> None:
        """Names become rules, what lies between them wishes."""
        rest: list[Token] = []
        for words in self._names(clause):
            vague = self._has(words, QUALIFIERS)
            if vague or self._name(action, words):
                self._wish(rest)
                rest = []
            else:
                rest.extend(words)
            if vague:
                self.unclear.append(self._text(words[0].start, words[-1].end))
        self._wish(rest)

    def _want(self, clause: Clause) -> None:
        """All of it names, or all of it one wish: `a gift for a lover of wine and cheese` is not about cheese."""
        if self._diet(clause):
            return
        if clause.intent != "want" and self._has(clause.tokens, COMPLAINTS | QUALIFIERS):
            self.unclear.append(self._text(clause.start, clause.end))
            return
        names = self._names(clause)
        if clause.intent != "am" and all(self._named(words).facets for words in names):
            for words in names:
                self._name("more", words)
        else:
            self._wish(clause.tokens, None if clause.intent == "want" else clause.start)

    def _except(self, clause: Clause, before: Clause | None) -> None:
        """`no meat except chicken`: the last rules give way; where that cannot be, nothing is left of them."""
        spared = [self._named(words).facets for words in self._names(clause)]
        refused = [one for one in self.asked if before is not None and self._said_in(one, before)]
        if before is None or before.intent not in {"never", "less"} or not refused:
            self.unclear.append(self._text(clause.start, clause.end))
            return
        for one in refused:
            one.facets = without(one.facets, [number for some in spared for number in some], self.catalogue)
        if not all(spared) or any(not 0 < len(one.facets) <= MOST_FACETS for one in refused):
            self.asked = [one for one in self.asked if one not in refused]
            self.unclear.append(self._text(before.start, clause.end))

    def _said_in(self, one: Asked, clause: Clause) -> bool:
        return clause.start <= one.start < clause.end

    def _diet(self, clause: Clause) -> bool:
        """`I'm vegetarian now` asks for no meat. Not where the catalogue has nothing of the kind."""
        if clause.intent not in {"am", None}:
            return False
        left = [token for token in core_of(clause.tokens) if token.word not in DIET_WORDS]
        groups = _DIETS.get(" ".join(token.stem for token in left), ())
        found = [(group, self._named(tokens_of(group)).facets) for group in groups]
        for group, facets in found:
            if facets:
                self.asked.append(Asked("never", group, facets, start=clause.start))
        return any(facets for _, facets in found)

    def _name(self, action: Action, words: Sequence[Token]) -> bool:
        named = self._named(words)
        if named.facets:
            self.asked.append(Asked(action, named.words, named.facets, start=words[0].start))
        return bool(named.facets)

    def _alike(self, action: Action, words: Sequence[Token]) -> bool:
        """By meaning: only what is nearly all like the phrase."""
        phrase = spoken(words)
        if not 0 < len(phrase.split()) <= MOST_WORDS_ALIKE:
            return False
        if self._has(words, QUALIFIERS) or self._has(core_of(words), PREPOSITIONS):
            return False
        if phrase not in self.phrases and len(self.phrases) == MOST_PHRASES:
            return False
        self.phrases[phrase] = None
        numbers = self.catalogue.facet_of
        like = [facet for facet, share in self.likeness.get(phrase, ()) if share >= ALIKE and facet in numbers]
        facets = self._some([numbers[facet] for facet in like])
        if facets:
            self.asked.append(Asked(action, phrase, facets, "alike", start=words[0].start))
        return bool(facets)

    def _names(self, clause: Clause) -> list[list[Token]]:
        return list(names_in(clause.tokens, vocabulary_of(self.catalogue)))

    def _named(self, words: Sequence[Token]) -> Named:
        named = recognised(words, vocabulary_of(self.catalogue))
        facets = self._some(named.facets)
        return named._replace(facets=facets) if facets else NOTHING

    def _some(self, facets: Sequence[int]) -> list[int]:
        if len(facets) > 8 * MOST_FACETS:
            return []
        found = highest(facets, self.catalogue)
        return found if len(found) <= MOST_FACETS else []

    def _wish(self, words: Sequence[Token], start: int | None = None) -> None:
        inner = [token for token in words if token.is_word or is_joint(token)]
        while inner and start is None and (inner[0].word in ARTICLES or is_joint(inner[0])):
            inner = inner[1:]
        while inner and (inner[-1].word in ARTICLES or is_joint(inner[-1])):
            inner = inner[:-1]
        if inner:
            self.wishes.append(self._text(inner[0].start if start is None else start, inner[-1].end))

    def _has(self, words: Sequence[Token], some: frozenset[str]) -> bool:
        return any(token.word in some or token.stem in some for token in words)

    def _text(self, start: int, end: int) -> str:
        return " ".join(self.text[start:end].split())
