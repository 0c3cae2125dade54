"""What a scenario does to a slate, in memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.domain.recommendation import Wish
from app.profiles.decay import DAY_S
from app.profiles.state import State
from app.ranking.boost import factors_of
from app.ranking.explore import n_explored
from app.retrieval import load_generators
from app.retrieval.base import PLAIN, Policy, World
from app.retrieval.candidates import gather, heard, lifted, rerank, tilted
from app.retrieval.context import situated
from app.retrieval.features import NAMES, features
from app.retrieval.query import build_query
from app.services.rank import Moment, Ranked, Stopwatch, rank
from app.services.tastes import leanings_of
from app.services.tell import EXPLORE, LIFTED, PINNED
from tests.unit import retrieval_board as board


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    items, space = board.catalogue(), board.space()
    return World(items, space, load_generators(board.artifact(tmp_path_factory.mktemp("fit")), items, space), "1")


EVEN = board.state(board.EVEN_USER)


def slate(world: World, wish: Wish, user: State = EVEN, seed: str = "rec_1") -> Ranked:
    leanings = leanings_of(world, user, board.HALF_LIVES)
    return rank(world, wish, Moment(leanings, board.NOW, board.HALF_LIVES, seed=seed), Stopwatch())


def ids(ranked: Ranked) -> list[str]:
    return [one.item_id for one in ranked.items]


class Second:
    """A ranker that looks at the word of one source alone."""

    def __init__(self, feature: str) -> None:
        self._column = NAMES.index(feature)

    def score(self, table: np.ndarray) -> np.ndarray:
        return np.nan_to_num(table[:, self._column], nan=-20.0)

    def parts(self, table: np.ndarray) -> np.ndarray:
        parts = np.zeros_like(table)
        parts[:, self._column] = self.score(table)
        return parts


def test_a_source_that_is_off_is_silent_everywhere(world: World) -> None:
    wish = Wish(seen="include", sources={"trend": 0.0, "slit": 0.0})
    deaf = heard(world, wish.sources)
    leanings = leanings_of(world, EVEN, board.HALF_LIVES)
    query = build_query(leanings.taste, world.catalogue.available.copy(), board.NOW, 50, board.HALF_LIVES)
    fused = gather(deaf, query, PLAIN, wish.sources)
    assert {"trend", "slit"} & set(fused.sources) == set()
    table = features(query, fused, deaf)
    whole = features(query, gather(world, query, PLAIN), world)
    for name in ("chance trend", "chance slit", "share 7 d", "known_days"):
        assert np.isnan(table[:, NAMES.index(name)]).all()
        assert np.isfinite(whole[:, NAMES.index(name)]).any()
    full = slate(world, Wish(seen="include", sources=wish.sources, explain="full"))
    assert not any({"trend", "slit"} & set(one.contributions or {}) for one in full.items)


def test_scaling_a_source_scales_its_part_of_the_plain_mixture(world: World) -> None:
    leanings = leanings_of(world, EVEN, board.HALF_LIVES)
    query = build_query(leanings.taste, world.catalogue.available.copy(), board.NOW, 50, board.HALF_LIVES)
    plain, scaled = gather(world, query, PLAIN), tilted(gather(world, query, PLAIN), {"trend": 5.0, "ease": 0.5})
    weights = np.array([{"trend": 5.0, "ease": 0.5}.get(source, 1.0) for source in plain.sources])
    expected = dict(zip(plain.rows.tolist(), (weights @ plain.parts).tolist(), strict=True))
    assert dict(zip(scaled.rows.tolist(), scaled.scores.tolist(), strict=True)) == pytest.approx(expected, rel=1e-5)
    assert (np.diff(scaled.scores) <= 0).all()


def test_scaling_moves_what_a_ranker_ordered_too(world: World) -> None:
    leanings = leanings_of(world, EVEN, board.HALF_LIVES)
    query = build_query(leanings.taste, world.catalogue.available.copy(), board.NOW, 50, board.HALF_LIVES)
    policy = Policy(ranker=Second("chance trend"))
    ranked = rerank(world, query, gather(world, query, policy), policy)
    moved = tilted(ranked, {"slit": 50.0})
    gained = [
        moved.scores[moved.rows.tolist().index(row)] / ranked.scores[place]
        for place, row in enumerate(ranked.rows.tolist())
    ]
    slit = ranked.parts[ranked.sources.index("slit")]
    assert max(np.array(gained)[slit > 0]) > 2.0
    assert np.array(gained)[slit == 0] == pytest.approx(1.0)


def test_pinned_items_come_first_once_and_only_where_they_may(world: World) -> None:
    wish = Wish(limit=4, pinned=("i7", "nobody", "i0", "i7", "i5"), exclude=("i5",))
    ranked = slate(world, wish)
    assert ids(ranked)[0] == "i7"  # i0 is known to the user, i5 is excluded
    assert ids(ranked).count("i7") == 1
    assert ranked.items[0].source == PINNED
    assert ranked.items[0].reason is not None
    assert [one.rank for one in ranked.items] == [1, 2, 3, 4]
    assert ids(slate(world, Wish(limit=1, pinned=("i7", "i9")))) == ["i7"]


def test_what_carries_a_boosted_facet_moves_by_its_factor(world: World) -> None:
    assert ids(slate(world, Wish(limit=1, diversity=0.0)))[0] in {"i6", "i8", "i10"}
    boosted = slate(world, Wish(limit=3, diversity=0.0, boosted={"category:tools": 1_000.0}))
    assert all(int(one[1:]) % 2 for one in ids(boosted))
    none = slate(world, Wish(limit=12, diversity=0.0, boosted={"category:tools": 0.0}))
    assert [int(one[1:]) % 2 for one in ids(none)] == sorted(int(one[1:]) % 2 for one in ids(none))


def test_facets_are_read_as_the_catalogue_writes_them_and_by_their_last_steps() -> None:
    items = Catalogue(
        [
            Item("a", categories=("Food > Dairy > Cheese",), attributes={"brand": "X"}),
            Item("b", categories=("Food > Bread",), attributes={"brand": "X"}),
            Item("c"),
        ]
    )
    rows = np.arange(3, dtype=np.int32)
    factors = factors_of(items, rows, {"category:Dairy > Cheese": 2.0, "brand:x": 3.0, "brand:unknown": 9.0})
    assert factors.tolist() == [6.0, 3.0, 1.0]


def test_what_is_wanted_here_is_accounted_for_in_log_odds(world: World) -> None:
    taught = World(world.catalogue, world.space, world.generators, "1", {"new": Policy(ranker=Second("chance trend"))})
    wish = Wish(limit=12, diversity=0.0, explain="full", boosted={"category:tools": 2.0})
    for one in slate(taught, wish).items:
        told = (one.contributions or {}).get(LIFTED)
        assert told == (pytest.approx(np.log(2), abs=1e-3) if int(one.item_id[1:]) % 2 else None)


def test_plain_ranking_passes_over_what_was_learned(world: World) -> None:
    taught = World(world.catalogue, world.space, world.generators, "1", {"new": Policy(ranker=Second("chance fresh"))})
    wish = Wish(limit=9, diversity=0.0, ranking="plain")
    assert slate(taught, wish) == slate(world, wish)
    assert [one.score for one in slate(taught, Wish(limit=9)).items] != [one.score for one in slate(world, wish).items]


def test_what_is_at_hand_leads_and_does_not_come_itself(world: World) -> None:
    alone = slate(world, Wish(limit=3, diversity=0.0, context_items=("i1",)), State())
    assert all(int(one[1:]) % 2 for one in ids(alone))
    assert "i1" not in ids(alone)
    beside = slate(world, Wish(limit=3, diversity=0.0, context_items=("i1",)))
    assert all(int(one[1:]) % 2 for one in ids(beside))
    assert slate(world, Wish(limit=3, context_items=("nobody",))) == slate(world, Wish(limit=3))


def test_what_is_at_hand_stands_before_the_past() -> None:
    query = board.query(EVEN)
    around = situated(query, np.array([1, 2], dtype=np.int32), board.space())
    assert around.past.tolist() == [1, 2, 0, 4]
    assert around.types == ("view", "purchase", "purchase", "purchase")
    assert around.recency[:2].tolist() == [1.0, 1.0]
    assert around.recency[2:].max() < 0.1
    assert around.past_at[0] == board.NOW
    assert around.past_at[2] == board.NOW - DAY_S
    assert len(around.past) == len(around.recency) == len(around.line_recency) == len(around.types)


WISHES = st.builds(
    Wish,
    limit=st.integers(1, 14),
    seen=st.sampled_from(["exclude", "include"]),
    diversity=st.sampled_from([0.0, 0.3]),
    exploration=st.sampled_from([0.0, 0.1, 0.5]),
    pinned=st.lists(st.sampled_from(["i1", "i6", "i8", "nobody"])).map(tuple),
    quotas=st.dictionaries(st.sampled_from(["tools", "grocery", "none"]), st.sampled_from([0, 1, 3, 0.25, 0.5])),
    boosted=st.dictionaries(st.sampled_from(["category:tools", "brand:x"]), st.sampled_from([0.0, 0.5, 4.0])),
    sources=st.dictionaries(st.sampled_from(["trend", "slit", "interests"]), st.sampled_from([0.0, 0.5, 4.0])),
    context_items=st.lists(st.sampled_from(["i3", "i4", "nobody"])).map(tuple),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(WISHES, st.text(max_size=5))
def test_every_slate_holds_to_all_that_is_set(world: World, wish: Wish, seed: str) -> None:
    ranked = slate(world, wish, seed=seed)
    shown = ids(ranked)
    assert slate(world, wish, seed=seed) == ranked
    assert len(shown) == len(set(shown)) <= wish.limit
    assert [one.rank for one in ranked.items] == list(range(1, len(shown) + 1))
    pinned = [one.item_id for one in ranked.items if one.source == PINNED]
    assert shown[: len(pinned)] == pinned
    drawn = [one for one in ranked.items if one.source == EXPLORE]
    assert list(ranked.items[len(shown) - len(drawn) :]) == drawn
    assert len(drawn) <= n_explored(wish.exploration, wish.limit)
    assert all(one.propensity is not None and 0 < one.propensity <= 1 for one in drawn)
    assert all(one.propensity is None for one in ranked.items if one.source != EXPLORE)
    for category, quota in wish.quotas.items():
        colour = {"grocery": 0, "tools": 1}.get(category)
        n = sum(int(one[1:]) % 2 == colour for one in shown)
        most = quota if quota >= 1 else int(quota * wish.limit)
        assert n <= max(most, sum(int(one[1:]) % 2 == colour for one in pinned))
    assert not set(shown) & set(wish.context_items)


def test_the_last_places_are_drawn_by_the_seed_and_all_may_come(world: World) -> None:
    wish = Wish(limit=4, exploration=0.25, seen="include", diversity=0.0)
    settled = ids(slate(world, wish))[:3]
    lasts = set()
    for number in range(200):
        ranked = slate(world, wish, seed=f"rec_{number}")
        assert ids(ranked)[:3] == settled
        assert ranked.items[3].source == EXPLORE
        assert ranked.items[3].reason is not None
        assert ranked.items[3].reason.text == "Something new to try"
        lasts.add(ranked.items[3].item_id)
    assert lasts == {f"i{row}" for row in range(12)} - set(settled)


def test_lifting_keeps_rows_and_parts_together(world: World) -> None:
    leanings = leanings_of(world, EVEN, board.HALF_LIVES)
    query = build_query(leanings.taste, world.catalogue.available.copy(), board.NOW, 50, board.HALF_LIVES)
    fused = gather(world, query, PLAIN)
    factors = np.linspace(0.1, 9.0, len(fused.rows)).astype(np.float32)
    moved = lifted(fused, factors)
    for place, row in enumerate(moved.rows.tolist()):
        before = fused.rows.tolist().index(row)
        assert (moved.parts[:, place] == fused.parts[:, before]).all()
        assert moved.scores[place] == pytest.approx(fused.scores[before] * factors[before])
