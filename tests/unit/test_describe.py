"""The profile in words: every sentence rests on claims, every claim on behaviours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.domain.profile import Summary
from app.profiles import phrases
from app.profiles.decay import DAY_S, HalfLives
from app.profiles.describe import describe
from app.profiles.evidence import N_EVIDENCE, asked_for, prove
from app.profiles.features import rates_of, stage_of
from app.profiles.fold import fold
from app.profiles.habits import habits_of
from app.profiles.interests import interests_of
from app.profiles.state import State
from tests.spaces import no_space

NOW = 1_700_000_000.0  # 14 November 2023
HALF_LIVES = HalfLives()
KINDS = ("Frozen pizza", "Soft drinks", "Baby food", "Fish")
WEIGHTS = {"purchase": 1.0, "view": 0.2, "rating": 1.0, "dislike": -0.8, "search": 0.4, "impression": 0.0}


def _catalogue() -> Catalogue:
    """`Frozen pizza 0` .. `Frozen pizza 9`, and so on, among 60 things of other kinds."""
    size = {"size": "2 LB"}
    items = [Item(f"{kind} {n}", f"{kind} {n}, 2 LB", "", (kind,), size) for kind in KINDS for n in range(10)]
    return Catalogue(items + [Item(f"other {n}", "", "", (f"Kind {n % 12}",), size) for n in range(60)])


def _log(*did: tuple[str, str, float]) -> list[Interaction]:
    """(type, item or words, days ago)"""
    return [
        Interaction(
            n,
            f"b{n}",
            type_,
            NOW - days * DAY_S,
            WEIGHTS[type_],
            None if type_ == "search" else what,
            what if type_ == "search" else None,
        )
        for n, (type_, what, days) in enumerate(did, 1)
    ]


def _told(log: list[Interaction], now: float = NOW) -> Summary:
    state, catalogue = fold(State(), log, HALF_LIVES), _catalogue()
    interests, avoids = interests_of(state, catalogue, no_space(), HALF_LIVES, now)
    summary = describe(state, interests, avoids, habits_of(state, catalogue, state.last_at, 2), now)
    newest = sorted(log, key=lambda one: (one.at, one.behavior_id), reverse=True)
    proof = prove(asked_for(interests, avoids, summary), newest, catalogue, no_space())
    return proof.back_summary(summary)


HOUSEHOLD = _log(
    *[("purchase", f"Frozen pizza {n}", 30.0 + 3 * n) for n in range(10)],
    *[("purchase", f"Soft drinks {n}", 31.0 + 3 * n) for n in range(8)],
    *[("purchase", f"Baby food {n}", 1.0 + n) for n in range(5)],
    *[("purchase", "Frozen pizza 0", 60.0 - 10 * n) for n in range(6)],
    *[("dislike", f"Fish {n}", 20.0) for n in range(2)],
    ("search", "gluten free   pasta", 2.0),
)


def test_a_household_is_told_as_a_person_would():
    assert _told(HOUSEHOLD).text == (
        "Buys mostly frozen pizza and soft drinks; comes back for Frozen pizza 0 about every 8 days. "
        "Lately buys more baby food; avoids fish; searched for “gluten free pasta”. "
        "32 behaviours, 29 of them purchases, on 27 days since September 2023, about every 2 days."
    )


def test_every_claim_brings_its_newest_behaviours_and_they_are_about_it():
    summary = _told(HOUSEHOLD)
    by_id = {one.behavior_id: one for one in HOUSEHOLD}
    assert len(summary.claims) == 7
    for claim in summary.claims:
        assert 1 <= len(claim.evidence) <= N_EVIDENCE
        for one in claim.evidence:
            behavior = by_id[one.behavior_id]
            assert claim.name is None or (behavior.weight < 0) == ("Avoids" in claim.text)
            if claim.facet is not None:
                assert str(one.item_id).lower().startswith(claim.facet.removeprefix("category:"))
            elif claim.item_id is not None:
                assert one.item_id == claim.item_id
            elif claim.type is not None:
                assert one.type == claim.type
            else:
                assert one.text == "gluten free   pasta"
    pizza = next(claim for claim in summary.claims if claim.facet == "category:frozen pizza")
    mine = [one for one in HOUSEHOLD if (one.item_id or "").startswith("Frozen pizza")]
    newest = sorted(mine, key=lambda one: (one.at, one.behavior_id), reverse=True)
    assert [one.behavior_id for one in pizza.evidence] == [one.behavior_id for one in newest[:N_EVIDENCE]]


def test_the_evidence_of_the_summary_is_that_of_its_claims_newest_first():
    summary = _told(HOUSEHOLD)
    times = [one.occurred_at for one in summary.evidence]
    assert times == sorted(times, reverse=True)
    assert {one.behavior_id for one in summary.evidence} == {
        one.behavior_id for claim in summary.claims for one in claim.evidence
    }


def test_who_buys_of_everything_is_not_said_to_buy_mostly_one_thing():
    log = _log(*[("purchase", f"other {n}", float(n)) for n in range(60)])
    assert _told(log).text.startswith("Buys a bit of everything, above all kind ")


def test_one_refusal_is_told_as_one():
    assert _told(_log(("dislike", "Fish 1", 1.0), ("view", "Soft drinks 1", 1.0))).text == (
        "Looks mostly at soft drinks. Turned down fish. New here, 2 behaviours so far, one of them a view."
    )


def test_nobody_is_said_to_buy_what_they_only_looked_at():
    log = _log(("purchase", "Fish 1", 3.0), *[("view", f"Soft drinks {n}", 2.0) for n in range(4)])
    summary = _told(log)
    assert summary.text.startswith("Buys mostly fish; turns to soft drinks.")
    assert not any(claim.text.startswith("Buys") and claim.name == "soft drinks" for claim in summary.claims)


def test_what_takes_most_of_the_attention_is_told_first_though_it_is_new():
    log = _log(("purchase", "Fish 1", 320.0), ("purchase", "Soft drinks 1", 0.1))
    assert _told(log).text == (
        "Buys mostly soft drinks and fish. Lately buys more soft drinks. New here, 2 purchases so far."
    )


def test_a_verb_that_not_everything_bears_out_is_not_used():
    log = _log(("rating", "Fish 1", 3.0), *[("view", f"Fish {n}", 2.0) for n in range(4)])
    assert _told(log).text.startswith("Turns mostly to fish.")


def test_who_has_been_away_is_told_with_the_last_day():
    assert _told(HOUSEHOLD, NOW + 90 * DAY_S).text.endswith("; last seen on 13 November 2023.")
    assert "last seen" not in _told(HOUSEHOLD).text


@pytest.mark.parametrize(
    ("log", "text"),
    [
        ([], "Nothing is known about this user yet."),
        (
            [Interaction(1, "b", "view", NOW, 0.2, "Fish 1", flagged=True)],
            "Only behaviours that look automatic so far; they are left out.",
        ),
        (_log(*[("impression", "Fish 1", 1.0)] * 2), "Was shown items twice and has turned to none yet."),
        (_log(("view", "Fish 1", 1.0)), "Looks mostly at fish. New here, 1 view so far."),
        (_log(("rating", "Fish 1", 1.0)), "Likes mostly fish. New here, 1 rating so far."),
        (_log(("search", "boats", 1.0)), "Searched for “boats”. New here, 1 behaviour so far."),
        (_log(("view", "not there yet", 1.0)), "New here, 1 view so far."),
    ],
)
def test_little_is_told_as_little(log, text):
    assert _told(log).text == text


def test_a_habit_that_was_given_up_is_no_habit():
    log = _log(*[("purchase", "Fish 1", 200.0 - 7 * n) for n in range(6)], ("purchase", "Fish 2", 1.0))
    assert "Comes back" not in _told(log).text


def test_lines_of_one_basket_are_no_habit():
    assert "Comes back" not in _told(_log(*[("purchase", "Fish 1", 2.0)] * 6)).text


@given(st.text(max_size=300))
def test_what_somebody_wrote_stays_short_and_on_one_line(text):
    quoted = phrases.quoted(text)
    assert len(quoted) <= 62
    assert len(quoted.splitlines()) == 1


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (1.0, "nearly every day"),
        (4.2, "about every 4 days"),
        (7.0, "about every week"),
        (14.0, "about every 2 weeks"),
        (61.0, "about every 2 months"),
    ],
)
def test_rhythms_are_said_as_people_say_them(days, words):
    assert phrases.every(days) == words


def test_words_are_joined_as_people_do():
    assert [phrases.joined(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_rates_are_per_impression_and_per_click():
    state = State(counts={"impression": 10, "click": 4, "purchase": 1}, days=[1, 2])
    rates = rates_of(state)
    assert (rates.activity, rates.click, rates.purchase) == (2.5, 0.4, 0.25)


def test_rates_without_a_denominator_are_unknown_and_never_above_one():
    assert rates_of(State(counts={"purchase": 3}, days=[1])).click is None
    assert rates_of(State(counts={"purchase": 3}, days=[1])).purchase is None
    assert rates_of(State(counts={"purchase": 3, "click": 1}, days=[1])).purchase == 1.0


@pytest.mark.parametrize(("n", "stage"), [(0, "new"), (4, "new"), (5, "warming"), (29, "warming"), (30, "established")])
def test_stages_go_by_what_the_user_did(n, stage):
    assert stage_of(State(counts={"view": n, "impression": 100})) == stage
