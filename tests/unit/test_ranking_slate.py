"""A slate in memory: full, clean, explained, the same again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.domain.recommendation import Recommended, Wish
from app.profiles.state import State
from app.retrieval import load_generators
from app.retrieval.base import World
from app.services.rank import Moment, Ranked, Stopwatch, rank
from app.services.tastes import leanings_of
from app.services.tell import CATALOGUE
from tests.spaces import BruteForceSpace, no_space
from tests.unit import retrieval_board as board


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    items, space = board.catalogue(), board.space()
    return World(items, space, load_generators(board.artifact(tmp_path_factory.mktemp("fit")), items, space), "1")


def slate(world: World, wish: Wish, user: State | None = None) -> Ranked:
    leanings = leanings_of(world, user or State(), board.HALF_LIVES)
    return rank(world, wish, Moment(leanings, board.NOW, board.HALF_LIVES), Stopwatch())


def ids(ranked: Ranked) -> list[str]:
    return [one.item_id for one in ranked.items]


WISHES = st.builds(
    Wish,
    limit=st.integers(1, 30),
    category=st.sampled_from([None, "Grocery", "tools", "no such"]),
    exclude=st.lists(st.sampled_from(["i1", "i6", "nobody"])).map(tuple),
    candidates=st.one_of(st.none(), st.lists(st.sampled_from([f"i{row}" for row in range(14)])).map(tuple)),
    seen=st.sampled_from(["exclude", "purchased", "include"]),
    diversity=st.floats(0, 1),
    explain=st.sampled_from(["none", "short", "full"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WISHES, st.booleans())
def test_every_slate_is_clean_and_as_full_as_the_catalogue_allows(world: World, wish: Wish, known: bool) -> None:
    user = board.state(board.EVEN_USER) if known else State()
    ranked = slate(world, wish, user)
    shown = ids(ranked)
    forbidden = set(wish.exclude) | (set(user.items) if wish.seen != "include" else set())
    category = {"Grocery": 0, "tools": 1}
    possible = {
        f"i{row}"
        for row in range(12)
        if (wish.category is None or category.get(wish.category) == row % 2)
        and (wish.candidates is None or f"i{row}" in wish.candidates)
    } - forbidden
    assert len(shown) == len(set(shown)) == min(wish.limit, len(possible))
    assert set(shown) <= possible
    assert [one.rank for one in ranked.items] == list(range(1, len(shown) + 1))
    assert all(np.isfinite(one.score) for one in ranked.items)
    assert all((one.reason is None) == (wish.explain == "none") for one in ranked.items)
    assert slate(world, wish, user) == ranked


def test_the_user_gets_what_goes_with_their_past(world: World) -> None:
    ranked = slate(world, Wish(limit=3, diversity=0.0), board.state(board.EVEN_USER))
    assert set(ids(ranked)) == {"i6", "i8", "i10"}
    assert ranked.items[0].reason is not None
    assert ranked.items[0].reason.text.startswith("Because you bought Item ")


def test_habits_speak_when_the_policy_lets_seen_items_through(world: World) -> None:
    weekly = board.state([("i0", 7.0 * week) for week in range(1, 6)])
    assert "habits" not in {one.source for one in slate(world, Wish(), weekly).items}
    first = slate(world, Wish(seen="include"), weekly).items[0]
    assert (first.item_id, first.source) == ("i0", "habits")


def test_full_explanations_share_out_the_score(world: World) -> None:
    for one in slate(world, Wish(explain="full"), board.state(board.EVEN_USER)).items:
        if one.source != CATALOGUE:
            assert one.contributions is not None
            assert next(iter(one.contributions)) == one.source
            assert sum(one.contributions.values()) == pytest.approx(1.0, abs=1e-3)


def test_a_first_start_without_models_and_vectors_shows_the_newest() -> None:
    dates = (3, 9, None, 6)
    items = Catalogue(
        Item(f"i{row}", published_at=datetime(2026, 1, day, tzinfo=UTC) if day else None)
        for row, day in enumerate(dates)
    )
    world = World(items, no_space(), load_generators(None, items, no_space()), "none")
    ranked = slate(world, Wish(limit=9), board.state([("i0", 1.0)]))
    assert ids(ranked) == ["i1", "i3", "i2"]
    assert ranked.n_filled == 3
    assert {one.source for one in ranked.items} == {CATALOGUE}


def test_an_empty_catalogue_gives_an_empty_slate() -> None:
    world = World(Catalogue(), no_space(), load_generators(None, Catalogue(), no_space()), "none")
    assert slate(world, Wish(), board.state([("i0", 1.0)])).items == ()


def test_twins_do_not_fill_a_slate_at_default_diversity(tmp_path: Path) -> None:
    """Everybody takes thirty sizes of one product; other products are seldom taken."""
    items = board.catalogue(60)
    vectors = np.eye(61, dtype=np.float32)[[60 if row < 30 else row for row in range(60)]]
    space = BruteForceSpace(vectors)
    generators = load_generators(board.artifact(tmp_path, _twins()), items, space)
    world = World(items, space, generators, "1")
    shown = slate(world, Wish(limit=20), board.state([("i0", 1.0)])).items
    assert sum(_row(one) < 30 for one in shown) <= 5
    assert sum(_row(one) < 30 for one in slate(world, Wish(limit=20, diversity=0.0)).items) == 20


def _row(one: Recommended) -> int:
    return int(one.item_id[1:])


def _twins() -> board.Log:
    takers = [(row, user) for row in range(60) for user in range(30 if row < 30 else 3)]
    np.random.default_rng(0).shuffle(takers)
    items, users = (np.array(column, dtype=np.int32) for column in zip(*takers, strict=True))
    n = len(items)
    return board.Log(
        users=users,
        items=items,
        at=np.linspace(board.NOW - 86_400, board.NOW, n),
        weights=np.ones(n, dtype=np.float32),
        types=np.zeros(n, dtype=np.int16),
        n_users=30,
        item_ids=[f"i{row}" for row in range(60)],
        type_names=["purchase"],
    )
