"""The history of a profile: deterministic, never rewritten by what comes later, true to each moment's profile."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue
from app.domain.history import EditMark, Version
from app.domain.item import Item
from app.profiles.decay import DAY_S, HalfLives
from app.profiles.fold import fold
from app.profiles.history import RATIO, STEP, TOLD_FROM, history_of
from app.profiles.interests import interests_of
from app.profiles.spans import PAUSE_S, Mark, spans_of
from app.profiles.state import State
from tests.spaces import no_space

NOW = 1_700_000_000.0
HALF_LIVES = HalfLives()
KINDS = 8
CATALOGUE = Catalogue(
    [
        Item(f"{kind}-{n}", f"Thing {n} of {kind}", "", (f"Shop > Kind {kind}",))
        for kind in range(KINDS)
        for n in range(40)
    ]
    + [Item(f"other-{n}", "", "", (f"Shop > Other {n % 20}",)) for n in range(200)]
)
WEIGHTS = {"purchase": 1.0, "view": 0.2, "dislike": -0.8, "impression": 0.0}


def _log(*did: tuple[str, str, float]) -> list[Interaction]:
    """(type, item, days ago)"""
    return [
        Interaction(n, f"b{n}", type_, NOW - days * DAY_S, WEIGHTS[type_], item)
        for n, (type_, item, days) in enumerate(did, 1)
    ]


def _history(log: list[Interaction], **options) -> list[Version]:
    return history_of(log, CATALOGUE, no_space(), HALF_LIVES, **options)


def _said(version: Version) -> list[tuple[str, str]]:
    return [(change.kind, change.label) for change in version.changes]


@st.composite
def logs(draw: st.DrawFn) -> list[Interaction]:
    """Up to 120 behaviours of changing tastes; places in the log in another order than times."""
    seed = random.Random(draw(st.integers(0, 2**32)))
    n = draw(st.integers(0, 120))
    moments = sorted(NOW - seed.choice([0.01, 1.0, 30.0]) * seed.random() * DAY_S * 10 for _ in range(n))
    places = list(range(1, n + 1))
    seed.shuffle(places)
    return [
        Interaction(place, f"b{place}", type_, at, WEIGHTS[type_], f"{seed.randrange(KINDS)}-{seed.randrange(40)}")
        for place, at, type_ in zip(places, moments, seed.choices(list(WEIGHTS), k=n), strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(logs(), st.randoms())
def test_the_same_log_gives_the_same_history_in_whatever_order_it_comes(log, shuffling):
    shuffled = list(log)
    shuffling.shuffle(shuffled)
    assert _history(shuffled) == _history(log)


@settings(max_examples=60, deadline=None)
@given(logs(), st.integers(0, 120))
def test_what_comes_later_moves_no_older_version(log, n):
    """But the last, which always shows and may be taken together with what follows."""
    log.sort(key=lambda one: one.at)
    early = _history(log[:n])[:-1]
    late = _history(log)[: len(early)]
    assert [(one.at, one.n_behaviors, one.changes, one.caused_by) for one in early] == [
        (one.at, one.n_behaviors, one.changes, one.caused_by) for one in late
    ]


@settings(max_examples=60, deadline=None)
@given(logs())
def test_the_changes_added_up_are_the_profile_of_that_moment(log):
    """Replayed from the start, each version's changes lead to the interests and avoids that a reading gives."""
    told: dict[str, float] = {}
    avoided: set[str] = set()
    for version in _history(log):
        for change in version.changes:
            if change.kind in {"avoided", "no_longer_avoided"}:
                avoided ^= {change.facet}
                continue
            assert told.get(change.facet) == change.before
            told.pop(change.facet, None)
            if change.after is not None:
                told[change.facet] = change.after
        at = version.at.timestamp()
        state = fold(State(), (one for one in log if one.at <= at + 1e-6), HALF_LIVES)
        interests, avoids = interests_of(state, CATALOGUE, no_space(), HALF_LIVES, at)
        read = {one.facet: one.weight for one in interests}
        assert avoided == {one.facet for one in avoids}
        assert told.keys() <= read.keys()
        for facet, weight in read.items():
            if facet not in told:
                assert weight < TOLD_FROM
            elif weight != pytest.approx(told[facet]):
                grown = max(weight, told[facet]) / min(weight, told[facet])
                assert abs(weight - told[facet]) < STEP + 1e-9 or grown < RATIO + 1e-9


@settings(max_examples=60, deadline=None)
@given(logs())
def test_every_behavior_is_counted_once_and_the_newest_shows(log):
    history = _history(log)
    assert sum(one.n_behaviors for one in history) == len(log)
    assert not log or history[-1].at == datetime.fromtimestamp(max(one.at for one in log), UTC)


@settings(max_examples=60, deadline=None)
@given(logs())
def test_causes_lie_within_their_version_and_are_about_what_they_moved(log):
    by_id = {one.behavior_id: one for one in log}
    before = float("-inf")
    for version in _history(log):
        kinds = {change.facet: change.kind for change in version.changes}
        both = [facet for facet in kinds if [change.facet for change in version.changes].count(facet) > 1]
        for cause in version.caused_by:
            one = by_id[cause.behavior_id]
            assert before < one.at <= version.at.timestamp() + 1e-6
            assert one.weight != 0
            for facet in set(cause.facets) - set(both):  # one that went and is avoided has causes of both kinds
                mine = facet in {"category:shop", f"category:shop > kind {str(one.item_id).split('-')[0]}"}
                if kinds[facet] in {"appeared", "rose", "no_longer_avoided"}:
                    assert mine
                    assert one.weight > 0
                elif kinds[facet] == "avoided":
                    assert mine
                    assert one.weight < 0
                else:
                    assert mine == (one.weight < 0)
        before = version.at.timestamp()


def test_a_change_of_taste_is_told_with_what_caused_it():
    log = _log(
        *[("purchase", f"1-{n}", 200.0 - 3 * n) for n in range(20)],
        *[("purchase", f"2-{n}", 40.0 - 3 * n) for n in range(12)],
        ("dislike", "3-1", 1.0),
        ("dislike", "3-2", 0.5),
    )
    history = _history(log)
    assert _said(history[0]) == [("appeared", "kind 1")]
    kinds = [said for version in history for said in _said(version)]
    assert ("appeared", "kind 2") in kinds
    assert ("fell", "kind 1") in kinds
    assert kinds.index(("appeared", "kind 2")) < kinds.index(("avoided", "kind 3"))
    avoided = next(version for version in history if ("avoided", "kind 3") in _said(version))
    assert [(one.item_id, one.title, one.facets) for one in avoided.caused_by if one.type == "dislike"] == [
        ("3-2", "Thing 2 of 3", ("category:shop > kind 3",)),
        ("3-1", "Thing 1 of 3", ("category:shop > kind 3",)),
    ]


def test_a_turn_is_told_where_it_began():
    log = _log(
        *[("purchase", f"{n % 2}-{n}", 100.0 - 2 * n) for n in range(40)],
        *[("purchase", f"7-{n}", 15.0 - n) for n in range(12)],
    )
    turns = [one for one in _history(log) if one.drift]
    assert turns
    assert turns[-1].drift is not None
    assert turns[-1].drift.to_labels == ("kind 7",)
    assert abs(turns[-1].at.timestamp() - (NOW - 15 * DAY_S)) < 5 * DAY_S


def test_the_first_behaviors_each_show_and_thousands_are_told_together():
    few = _log(*[("purchase", f"{n}-1", 10.0 - n) for n in range(4)])
    assert [one.n_behaviors for one in _history(few)] == [1, 1, 1, 1]
    many = _log(*[("purchase", f"{n % KINDS}-{n % 40}", 700.0 - n / 7.5) for n in range(5_000)])
    assert len(list(spans_of(many, ()))) < 250
    assert 5 <= len(_history(many)) < 250


def test_since_looks_more_closely_and_what_was_there_is_no_news():
    log = _log(*[("purchase", f"1-{n % 40}", 400.0 - n / 10) for n in range(3_900)], ("purchase", "2-1", 0.2))
    far, near = _history(log), _history(log, since=NOW - 3 * DAY_S)
    recent = [one for one in far if one.at.timestamp() > NOW - 3 * DAY_S]
    assert len(near) >= len(recent)
    assert all(one.at.timestamp() > NOW - 3 * DAY_S for one in near)
    assert ("appeared", "kind 1") not in [said for version in near for said in _said(version)]
    assert _history(log, since=NOW) == []


def test_rows_of_one_instant_stay_together():
    log = _log(*[("purchase", f"{n % 3}-{n}", 5.0) for n in range(30)])
    assert [one.n_behaviors for one in _history(log)] == [30]


def test_flagged_rows_are_left_out():
    log = [Interaction(1, "b", "view", NOW, 0.2, "1-1", flagged=True)]
    assert _history(log) == []


def test_the_version_is_that_of_a_reading_at_that_moment():
    """A late behaviour has a high place in the log and an early time."""
    log = [
        Interaction(1, "b1", "purchase", NOW - 5 * DAY_S, 1.0, "1-1"),
        Interaction(2, "b2", "purchase", NOW - 1 * DAY_S, 1.0, "2-1"),
        Interaction(3, "b3", "purchase", NOW - 9 * DAY_S, 1.0, "3-1"),
    ]
    assert [one.version for one in _history(log)] == [3, 3, 3]
    assert [one.version for one in _history(log[:2])] == [1, 2]


def test_an_edit_is_a_version_of_its_own():
    log = _log(*[("purchase", f"1-{n}", 20.0 - n) for n in range(5)])
    mark = Mark(NOW - 17.5 * DAY_S, 9, EditMark("e1", "made", "never kind 1"))

    def read(state: State, at: float):
        interests, avoids = interests_of(state, CATALOGUE, no_space(), HALF_LIVES, at)
        return (interests if at < mark.at else ()), avoids

    history = _history(log, read=read, marks=[mark])
    told = next(one for one in history if one.edit)
    assert (told.edit, told.at.timestamp(), told.caused_by, told.version) == (mark.edit, mark.at, (), 9)
    assert _said(told) == [("gone", "kind 1")]
    assert [one.at for one in history] == sorted(one.at for one in history)


def test_a_session_is_not_torn_while_it_is_short():
    log = [Interaction(n, f"b{n}", "view", NOW + n * (PAUSE_S - 1), 0.2, "1-1") for n in range(1, 400)]
    spans = list(spans_of(log, ()))
    assert len(spans) < 60
    assert sum(len(span.rows) for span in spans) == len(log)
