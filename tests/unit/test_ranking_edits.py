"""What a person asked for by hand, done to slates: pure effects, and promises over many users."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalogue import Catalogue
from app.domain.edit import Action, Edit, Kind, Rule
from app.domain.item import Item, facets_of
from app.domain.recommendation import Wish
from app.profiles.state import State
from app.ranking.edits import MOST, THEME, Asked, Bound, bounded, contributions_of, first, target, weigh
from app.ranking.targets import Touch, rows_of_facet
from app.retrieval import load_generators
from app.retrieval.base import World
from app.services.rank import Moment, Ranked, Stopwatch, rank
from app.services.tastes import leanings_of
from tests.spaces import BruteForceSpace, no_space
from tests.unit import retrieval_board as board

N_KINDS, N_EACH = 12, 20
N_ITEMS = N_KINDS * N_EACH


def edits(*rules: tuple[Action, str], kind: Kind = "facet") -> tuple[Edit, ...]:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    made = [Rule(action, kind, target, target.rpartition(" > ")[2]) for action, target in rules]
    return tuple(Edit(f"e{seq}", seq, (rule,), None, "", None, when) for seq, rule in enumerate(made, 1))


def kind_of(item_id: str) -> int:
    return int(item_id[1:]) // N_EACH


def facet(kind: int) -> str:
    return f"category:shop > kind {kind}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A shop of 12 kinds of 20 items, where each of 60 users turns to three kinds, the first one most."""
    items = Catalogue(
        Item(f"i{row}", f"Item {row}", categories=(f"Shop > Kind {row // N_EACH} > Shelf {row % 2}",))
        for row in range(N_ITEMS)
    )
    vectors = np.zeros((N_ITEMS, N_KINDS + N_ITEMS), dtype=np.float32)
    vectors[np.arange(N_ITEMS), np.arange(N_ITEMS) // N_EACH] = 1.0
    vectors[np.arange(N_ITEMS), N_KINDS + np.arange(N_ITEMS)] = 0.6
    space = BruteForceSpace(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return World(
        items, space, load_generators(_fitted(tmp_path_factory.mktemp("shop"), items, space), items, space), "1"
    )


def _fitted(folder: Path, items: Catalogue, space: BruteForceSpace) -> Path:
    from app.training.generators import fit_generators

    random = np.random.default_rng(1)
    lines = [
        (board.NOW - 30 * board.DAY_S * random.random(), user, _drawn(random, user))
        for user in range(60)
        for _ in range(40)
    ]
    at, users, rows = (np.array(column) for column in zip(*sorted(lines), strict=True))
    log = board.Log(
        users.astype(np.int32),
        rows.astype(np.int32),
        at,
        np.ones(len(at), dtype=np.float32),
        np.zeros(len(at), dtype=np.int16),
        60,
        [f"i{row}" for row in range(N_ITEMS)],
        ["purchase"],
    )
    fit_generators(log, items, space)(folder)
    return folder


def _drawn(random: np.random.Generator, user: int) -> int:
    kind = (user + random.choice([0, 1, 4, 7], p=[0.5, 0.25, 0.15, 0.1])) % N_KINDS
    return int(kind * N_EACH + min(random.geometric(0.15) - 1, N_EACH - 1))


def shopper(user: int) -> State:
    random = np.random.default_rng(1000 + user)
    return board.state([(f"i{_drawn(random, user)}", float(random.integers(1, 20))) for _ in range(8)])


def slate(world: World, user: State, wish: Wish, made: tuple[Edit, ...] = ()) -> Ranked:
    leanings = leanings_of(world, user, board.HALF_LIVES, edits=made)
    return rank(world, wish, Moment(leanings, board.NOW, board.HALF_LIVES), Stopwatch())


def share(ranked: Ranked, kind: int) -> float:
    return sum(kind_of(one.item_id) == kind for one in ranked.items) / len(ranked.items)


# Targets


def test_a_facet_touches_everything_below_its_path() -> None:
    items = Catalogue(
        [Item("a", categories=("Food > Fish > Herring",)), Item("b", categories=("Food > Fishing rods",))]
    )
    assert rows_of_facet(items, no_space(), "category:food > fish").tolist() == [0]
    assert rows_of_facet(items, no_space(), "category:food").tolist() == [0, 1]
    assert rows_of_facet(items, no_space(), "category:nothing").tolist() == []


def test_a_facet_that_found_no_place_among_the_many_of_an_item_touches_it_too() -> None:
    many = {f"name{number:02}": "value" for number in range(30)}
    items = Catalogue([Item("a", attributes={"name29": "value"}), Item("b", attributes=many)])
    assert rows_of_facet(items, no_space(), "name29:value").tolist() == [0, 1]
    items.put(Item("b"))
    assert rows_of_facet(items, no_space(), "name29:value").tolist() == [0]


def test_an_item_that_is_put_now_is_touched_now() -> None:
    items = Catalogue([Item("a", categories=("Fish",))])
    assert rows_of_facet(items, no_space(), "category:fish").tolist() == [0]
    items.put(Item("b", categories=("Fish",)))
    assert rows_of_facet(items, no_space(), "category:fish").tolist() == [0, 1]
    items.put(Item("a", categories=("Fruit",)))
    assert rows_of_facet(items, no_space(), "category:fish").tolist() == [1]


def test_an_interest_cluster_is_a_facet() -> None:
    assert rows_of_facet(board.catalogue(), board.space(), "cluster:odd").tolist() == [1, 3, 5, 7, 9, 11]


# Pure effects


@given(st.integers(0, 20), st.integers(1, 20))
def test_more_is_never_less_and_leaves_a_third_to_others(n: int, k: int) -> None:
    n = min(n, k)
    assert target(n, k) >= n
    assert target(n, k) <= max(n, MOST * k)
    if 1.5 * n <= MOST * k and n + 2 <= MOST * k:
        assert target(n, k) >= 1.3 * n


@given(
    st.lists(st.floats(1e-9, 1.0), min_size=2, max_size=60),
    st.sets(st.integers(0, 59)),
    st.sampled_from(["more", "less"]),
    st.integers(1, 20),
)
def test_a_rule_moves_its_own_one_way_and_keeps_their_order(
    scores: list[float], members: set[int], action: Action, limit: int
) -> None:
    held = np.sort(np.array(scores, dtype=np.float32))[::-1]
    rows = np.arange(len(held), dtype=np.int32)
    mine = np.array(sorted(members & set(rows.tolist())), dtype=np.int32)
    touch = Touch(Rule(action, "facet", "f", "f"), mine)
    natural = np.arange(min(limit, len(held)))
    weighed = weigh(rows, held, natural, Asked((touch,)))
    after = held * weighed.factors
    assert np.isfinite(after).all()
    assert (after >= 0).all()
    assert (weighed.factors[~np.isin(rows, mine)] == 1).all()
    assert (weighed.factors[mine] >= 1).all() if action == "more" else (weighed.factors[mine] < 1).all()
    assert after.max() <= held.max() * 1.0001
    assert (np.diff(after[mine]) <= 1e-6).all()
    order = np.argsort(-after, kind="stable")[: len(natural)]
    n, before = int(np.isin(order, mine).sum()), int(np.isin(natural, mine).sum())
    assert n >= before if action == "more" else n <= before


def test_diversity_does_not_undo_an_edit() -> None:
    """The mix left two of six that there should be, and kept three that there should not."""
    members = np.arange(20) < 8
    more = bounded(np.array([0, 1, 9, 10, 11, 12, 13, 14]), 20, [Bound(members, 5, 6)])
    assert [place for place in more if members[place]] == [0, 1, 2, 3, 4]
    assert more[:3].tolist() == [0, 1, 9]
    less = bounded(np.array([0, 9, 1, 10, 2]), 20, [Bound(members, 0, 1)])
    assert less.tolist() == [0, 9, 8, 10, 11]


def test_a_bound_gives_way_where_there_is_nothing_else() -> None:
    assert bounded(np.array([0, 1]), 2, [Bound(np.array([True, True]), 0, 1)]).tolist() == [0, 1]


def test_pinned_items_come_first_and_of_a_pinned_facet_one_is_among_the_first_three() -> None:
    item = Touch(Rule("pin", "item", "x", "x"), np.array([16], dtype=np.int32))
    kind = Touch(Rule("pin", "facet", "f", "f"), np.array([13, 14], dtype=np.int32))
    rows = np.arange(10, 20, dtype=np.int32)
    assert first(np.arange(5), rows, Asked((item,))).tolist() == [6, 0, 1, 2, 3]
    assert first(np.arange(5), rows, Asked((kind,))).tolist() == [0, 1, 3, 2, 4]
    assert first(np.arange(5), rows, Asked((item, kind))).tolist() == [6, 0, 3, 1, 2]


def test_an_account_of_a_score_has_what_was_asked_for_as_a_theme() -> None:
    assert contributions_of({"trend": 0.75, "slit": 0.25}, 2.0, False) == {THEME: 0.5, "trend": 0.375, "slit": 0.125}
    assert contributions_of({"trend": 1.0}, 0.25, False) == {"trend": 1.0, THEME: -0.75}
    assert contributions_of({"popularity": 0.5}, np.e, True) == {THEME: 1.0, "popularity": 0.5}
    assert contributions_of({"popularity": 0.5}, 1.0, True) == {"popularity": 0.5}


# Slates


def test_never_is_never(world: World) -> None:
    """Ten thousand recommendations and more to 200 users, each with things they never want to see."""
    random = np.random.default_rng(7)
    n_shown = 0
    for user in range(200):
        kinds = random.choice(N_KINDS, 2, replace=False)
        barred = {facet(int(kinds[0])), f"category:shop > kind {kinds[1]} > shelf 1"}
        item = f"i{random.integers(N_ITEMS)}"
        made = edits(*(("never", one) for one in barred)) + edits(("never", item), kind="item")
        made += (
            edits(("more", facet(int(kinds[0]))), ("pin", facet(int(random.integers(N_KINDS)))))[:1] if user % 2 else ()
        )
        made = tuple(
            Edit(f"e{seq}", seq, one.rules, None, "", None, one.created_at) for seq, one in enumerate(reversed(made))
        )
        wish = Wish(
            limit=int(random.integers(40, 70)),
            seen="include" if user % 3 else "exclude",
            diversity=float(random.random()),
            candidates=tuple(f"i{row}" for row in range(0, N_ITEMS, 3)) if user % 7 == 0 else None,
        )
        ranked = slate(world, shopper(user), wish, made)
        n_shown += len(ranked.items)
        for one in ranked.items:
            assert one.item_id != item
            assert not barred & set(facets_of(world.catalogue.items[world.catalogue.row_of[one.item_id]]))
        assert ranked.dropped["never"] > 0
    assert n_shown >= 10_000


@pytest.mark.parametrize("diversity", [0.0, 0.3, 0.7])
def test_more_of_something_is_more_of_it_and_not_only_it(world: World, diversity: float) -> None:
    gains, wish = [], Wish(limit=20, diversity=diversity)
    for user in range(200):
        kind = (user * 5) % N_KINDS
        before = share(slate(world, shopper(user), wish), kind)
        after = share(slate(world, shopper(user), wish, edits(("more", facet(kind)))), kind)
        gains.append((before, after))
        assert after >= before
        assert after <= max(before, MOST)
    before, after = (float(np.mean(column)) for column in zip(*gains, strict=True))
    assert after >= 1.3 * before
    some = [(b, a) for b, a in gains if b]
    assert np.mean([a / b for b, a in some]) >= 1.3
    assert all(a >= 0.1 for _, a in gains)


@pytest.mark.parametrize("diversity", [0.0, 0.3, 0.7])
def test_less_of_something_is_less_of_it(world: World, diversity: float) -> None:
    wish = Wish(limit=20, diversity=diversity)
    for user in range(60):
        kind = user % N_KINDS
        before = share(slate(world, shopper(user), wish), kind)
        assert share(slate(world, shopper(user), wish, edits(("less", facet(kind)))), kind) <= before / 2


def test_what_no_source_would_bring_is_brought_when_it_is_asked_for(world: World) -> None:
    user, wish = shopper(0), Wish(limit=20, seen="include", diversity=0.0)
    narrow = "category:shop > kind 9 > shelf 1"
    assert not any(kind_of(one.item_id) == 9 for one in slate(world, user, wish).items)
    ranked = slate(world, user, wish, edits(("more", narrow)))
    mine = [one for one in ranked.items if kind_of(one.item_id) == 9]
    assert len(mine) >= 2
    assert all(one.reason and (one.reason.code, one.reason.evidence) == ("asked", (narrow,)) for one in mine)
    assert {one.reason.text for one in mine if one.reason} == {"You asked for more shelf 1"}


def test_two_wishes_for_more_are_both_heard(world: World) -> None:
    made = edits(("more", facet(5)), ("more", facet(6)), ("less", facet(0)))
    ranked = slate(world, shopper(0), Wish(limit=20), made)
    assert share(ranked, 5) >= 0.1
    assert share(ranked, 6) >= 0.1
    assert len(ranked.items) == 20


def test_a_pinned_item_is_first_while_it_is_allowed(world: World) -> None:
    made = edits(("pin", "i239"), kind="item")
    ranked = slate(world, shopper(0), Wish(limit=5), made)
    assert ranked.items[0].item_id == "i239"
    assert ranked.items[0].reason is not None
    assert ranked.items[0].reason.text == "You asked to see this first"
    assert [one.rank for one in ranked.items] == [1, 2, 3, 4, 5]
    hidden = slate(world, shopper(0), Wish(limit=5, exclude=("i239",)), made)
    assert "i239" not in {one.item_id for one in hidden.items}


def test_of_a_pinned_facet_one_is_among_the_first_three(world: World) -> None:
    for user in range(24):
        kind = (user + 3) % N_KINDS
        ranked = slate(world, shopper(user), Wish(limit=20), edits(("pin", facet(kind))))
        assert kind in [kind_of(one.item_id) for one in ranked.items[:3]]


def test_the_newest_of_contradicting_edits_wins(world: World) -> None:
    plain, wish = shopper(0), Wish(limit=20)
    assert share(slate(world, plain, wish, edits(("never", facet(0)), ("more", facet(0)))), 0) > 0
    assert share(slate(world, plain, wish, edits(("more", facet(0)), ("never", facet(0)))), 0) == 0


def test_full_explanations_name_what_was_asked_for(world: World) -> None:
    ranked = slate(world, shopper(0), Wish(explain="full"), edits(("more", facet(5))))
    told = {kind_of(one.item_id): one.contributions or {} for one in ranked.items}
    assert told[5][THEME] > 0
    assert all(THEME not in parts for kind, parts in told.items() if kind != 5)
    for one in ranked.items:
        assert one.contributions is not None
        assert sum(one.contributions.values()) == pytest.approx(1.0, abs=1e-2)


def test_without_models_and_vectors_edits_hold_all_the_same() -> None:
    items = board.catalogue()
    world = World(items, no_space(), load_generators(None, items, no_space()), "none")
    made = edits(("never", "category:garden"), ("more", "category:grocery > frozen pizza"))
    ranked = slate(world, State(), Wish(limit=12), made)
    assert {one.item_id for one in ranked.items} == {f"i{row}" for row in range(0, 12, 2)}


def test_never_hides_what_a_scenario_pins_or_draws(world: World) -> None:
    wish = Wish(limit=20, pinned=("i0", "i40"), exploration=0.5, seen="include")
    assert [one.item_id for one in slate(world, shopper(0), wish).items[:2]] == ["i0", "i40"]
    for user in range(20):
        shown = slate(world, shopper(user), wish, edits(("never", facet(0)))).items
        assert shown[0].item_id == "i40"
        assert not any(kind_of(one.item_id) == 0 for one in shown)


def test_the_quota_of_a_scenario_holds_whatever_is_asked_for(world: World) -> None:
    wish = Wish(limit=20, quotas={"Kind 5": 2})
    for made in (edits(("more", facet(5))), edits(("pin", facet(5)))):
        ranked = slate(world, shopper(5), wish, made)
        assert sum(kind_of(one.item_id) == 5 for one in ranked.items) == 2
        assert len(ranked.items) == 20


def test_what_is_pinned_by_hand_comes_after_what_a_scenario_pins(world: World) -> None:
    ranked = slate(world, shopper(0), Wish(limit=5, pinned=("i40",)), edits(("pin", "i239"), kind="item"))
    assert [one.item_id for one in ranked.items[:2]] == ["i40", "i239"]
    assert [one.reason.code for one in ranked.items[:2] if one.reason] == ["pinned", "asked"]
