from dataclasses import replace

import numpy as np
import pytest

from app.domain.errors import InvalidInput
from app.training.encoder import batches
from app.training.encoder_pairs import MOST_CHARACTERS, MOST_PER_USER, Pairs, pairs_of
from tests.unit.encoder_board import N_ITEMS, PER_WORLD, TITLES, log


def named(pairs: Pairs) -> set[tuple[str, str]]:
    return {(pairs.texts[a], pairs.texts[b]) for a, b in zip(pairs.anchors, pairs.positives, strict=True)}


def world_of(title: str) -> int:
    return TITLES.index(title) // PER_WORLD


def test_pairs_stay_within_what_people_stay_within() -> None:
    pairs = pairs_of(log(), TITLES, seed=1)
    assert len(pairs) >= 100
    assert all(world_of(one) == world_of(other) for one, other in named(pairs))
    assert {world_of(one) for one, _ in named(pairs)} == {0, 1, 2}


def test_no_pair_comes_twice_in_either_order_and_none_is_a_text_with_itself() -> None:
    pairs = pairs_of(log(), TITLES, seed=1)
    both = {frozenset(pair) for pair in named(pairs)}
    assert len(both) == len(pairs)
    assert all(len(pair) == 2 for pair in both)


def test_equal_texts_are_one() -> None:
    """Every item twice under one text: the texts are those of before, and so are the worlds."""
    doubled = replace(log(), item_ids=[f"i{number}" for number in range(2 * N_ITEMS)])
    doubled = replace(doubled, items=np.where(np.arange(len(doubled.at)) % 2, doubled.items + N_ITEMS, doubled.items))
    pairs = pairs_of(doubled, TITLES * 2, seed=1)
    assert pairs.texts == sorted(TITLES)
    assert named(pairs) == named(pairs_of(log(), TITLES, seed=1))


def test_items_without_a_text_are_in_no_pair() -> None:
    silent = {"violin", "tractor"}
    pairs = pairs_of(log(), ["" if title in silent else title for title in TITLES], seed=1)
    assert not silent & {title for pair in named(pairs) for title in pair}
    assert "" not in pairs.texts


def test_both_texts_are_clipped() -> None:
    pairs = pairs_of(log(), [f"{title} {'x' * 10_000}" for title in TITLES], seed=1)
    assert max(map(len, pairs.texts)) == MOST_CHARACTERS


def test_of_one_user_only_the_newest_behaviors_count() -> None:
    """Somebody who wanders through everything for long, and then stays in one world, leaves no pair between worlds."""
    own = log()
    wanderer = np.arange(5_000) % N_ITEMS
    calm = np.arange(MOST_PER_USER) % PER_WORLD
    n = len(wanderer) + len(calm)
    both = replace(
        own,
        users=np.concatenate([np.full(n, own.n_users, dtype=np.int32), own.users]),
        items=np.concatenate([wanderer, calm, own.items]).astype(np.int32),
        at=np.concatenate([own.at[0] - n + np.arange(n), own.at]),
        weights=np.ones(n + len(own.at), dtype=np.float32),
        types=np.zeros(n + len(own.at), dtype=np.int16),
        n_users=own.n_users + 1,
    )
    assert all(world_of(one) == world_of(other) for one, other in named(pairs_of(both, TITLES, seed=1)))


def test_what_speaks_against_an_item_makes_no_pair() -> None:
    own = log()
    disliked = own.items == TITLES.index("violin")
    weights = np.where(disliked, -1, 1).astype(np.float32)
    assert "violin" not in {
        title for pair in named(pairs_of(replace(own, weights=weights), TITLES, 1)) for title in pair
    }


def test_what_met_by_chance_is_no_pair() -> None:
    """Another user goes once from world to world; each text was met more often with others of its own."""
    own = log()
    jumps = np.array([0, 13, 25, 2, 15, 27])
    n = len(own.at) + len(jumps)
    mixed = replace(
        own,
        users=np.append(own.users, np.full(len(jumps), own.n_users, dtype=np.int32)),
        items=np.append(own.items, jumps).astype(np.int32),
        at=np.append(own.at, own.at[-1] + np.arange(len(jumps))),
        weights=np.ones(n, dtype=np.float32),
        types=np.zeros(n, dtype=np.int16),
        n_users=own.n_users + 1,
    )
    pairs = pairs_of(mixed, TITLES, seed=1)
    assert all(world_of(one) == world_of(other) for one, other in named(pairs))


@pytest.mark.parametrize("texts", [[""] * N_ITEMS, ["the same"] * N_ITEMS, [*TITLES[:5], *[""] * (N_ITEMS - 5)]])
def test_too_few_texts_are_refused_with_figures(texts: list[str]) -> None:
    with pytest.raises(InvalidInput, match=r"\d+ pairs of texts.*different texts") as refusal:
        pairs_of(log(), texts, seed=1)
    assert "titles or descriptions" in refusal.value.hint


def test_a_log_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="0 pairs"):
        pairs_of(log().take(slice(0, 0)), TITLES, seed=1)


def test_a_batch_never_holds_a_text_twice() -> None:
    pairs = pairs_of(log(), TITLES, seed=1)
    seen = set()
    for n_pass in range(2):
        for batch in batches(pairs, 8, seed=3, n_pass=n_pass):
            texts = [text for pair in batch for text in pair.values()]
            assert len(batch) == 8
            assert len(set(texts)) == len(texts)
            seen |= {(pair["anchor"], pair["positive"]) for pair in batch}
    assert seen <= named(pairs)
    assert len(seen) > 0.8 * len(pairs)


def test_passes_differ_and_can_be_repeated() -> None:
    pairs = pairs_of(log(), TITLES, seed=1)
    first, again, second = (list(batches(pairs, 8, 3, n_pass)) for n_pass in (0, 0, 1))
    assert first == again != second
