"""What a phrase means by what reads like it: on a board with known answers, and on real products."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.encoders.text_encoder import TextEncoder
from app.index.whitening import fit, unit
from app.profiles.reading import ALIKE
from app.profiles.understand import phrases_of, understand
from app.retrieval.likeness import facets_like, level_of
from app.sources.completejourney import CompleteJourney
from tests.spaces import BruteForceSpace, no_space
from tests.unit.statement_board import NOW

D = 32


def board(shift: float = 0.0) -> tuple[Catalogue, BruteForceSpace]:
    """Four aisles around four axes, ten items each. Half of the last lies around the first; `shift` moves them all."""
    rng = np.random.default_rng(5)
    items, vectors = [], []
    for aisle in range(4):
        for n in range(10):
            axis = 0 if aisle == 3 and n % 2 else aisle
            vectors.append(np.eye(D)[axis] + 0.1 * rng.normal(size=D) + shift * np.eye(D)[-1])
            items.append(Item(f"{aisle}-{n}", categories=(f"aisle {aisle}",), attributes={"pack": "carton"}))
    return Catalogue(items), BruteForceSpace(unit(np.array(vectors, dtype=np.float32)))


def phrase(*axes: int, shift: float = 0.0) -> np.ndarray:
    vector = sum((np.eye(D)[axis] for axis in axes), np.zeros(D)) + shift * np.eye(D)[-1]
    return unit(np.array([vector], dtype=np.float32))


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_a_phrase_means_what_reads_like_it_wherever_the_space_lies(shift: float) -> None:
    catalogue, space = board(shift)
    (told,) = facets_like(phrase(1, shift=shift), catalogue, space)
    assert told == [("category:aisle 1", 1.0)]


def test_a_facet_of_which_only_a_part_reads_like_it_says_so() -> None:
    catalogue, space = board()
    (told,) = facets_like(phrase(3), catalogue, space)
    assert told == [], "half of the aisle, and no more than half, is not told"
    (told,) = facets_like(phrase(0), catalogue, space)
    assert told == [("category:aisle 0", 1.0)]


def test_a_phrase_unlike_everything_means_nothing() -> None:
    catalogue, space = board()
    assert facets_like(phrase(9), catalogue, space) == [[]]


def test_a_phrase_spread_over_many_facets_means_nothing() -> None:
    rng = np.random.default_rng(5)
    vectors = unit((np.eye(D)[0] + 0.05 * rng.normal(size=(60, D))).astype(np.float32))
    catalogue = Catalogue(Item(str(n), categories=(f"aisle {n % 5}",)) for n in range(60))
    assert facets_like(phrase(0), catalogue, BruteForceSpace(vectors)) == [[]]


def test_equal_texts_count_once() -> None:
    catalogue, space = board()
    rows = np.r_[np.arange(40), np.repeat(13, 200)]
    many = Catalogue(Item(str(place), categories=catalogue.items[row].categories) for place, row in enumerate(rows))
    ((told, *others),) = facets_like(phrase(1), many, BruteForceSpace(space.vectors(rows.astype(np.int32))))
    assert (told[0], others) == ("category:aisle 1", [])


def test_no_items_and_no_vectors_mean_nothing() -> None:
    catalogue, space = board()
    assert facets_like(np.ones((2, 2), dtype=np.float32), Catalogue(), no_space()) == [[], []]
    assert facets_like(np.empty((0, D), dtype=np.float32), catalogue, space) == []
    unknown = BruteForceSpace(np.full((40, D), np.nan, dtype=np.float32))
    assert facets_like(phrase(1), catalogue, unknown) == [[]]
    assert facets_like(np.full((1, D), np.nan, dtype=np.float32), catalogue, space) == [[]]
    assert level_of(no_space(), 0) == 0


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 60))
def test_the_level_is_the_mean_cosine_of_two_items(seed: int, n: int) -> None:
    vectors = unit(np.random.default_rng(seed).normal(0.3, 1, size=(n, 8)).astype(np.float32))
    cosines = (vectors @ vectors.T)[np.triu_indices(n, 1)]
    expected = max(0.0, float(cosines.mean())) if n > 1 else 0.0
    assert level_of(BruteForceSpace(vectors), n) == pytest.approx(expected, abs=1e-5)


SHELVES = frozenset(
    [
        "baby foods",
        "beef",
        "beers/ales",
        "cheese",
        "cigarettes",
        "coffee",
        "cold cereal",
        "frozen pizza",
        "hair care products",
        "household cleaning needs",
        "laundry detergents",
        "magazine",
        "pet care supplies",
        "soft drinks",
        "soup",
        "stationery & school supplies",
        "toys and games",
        "warehouse snacks",
    ]
)


@pytest.fixture(scope="module")
def products() -> Catalogue:
    """Some two hundred real products of different names, up to 12 a shelf."""
    shelves: dict[str, dict[str, Item]] = {name: {} for name in SHELVES}
    for batch in CompleteJourney(households=1).items():
        for row in batch.rows:
            item = Item(row.raw["item_id"], row.raw["title"], categories=tuple(row.raw["categories"]))
            for shelf in SHELVES & {step.lower() for path in item.categories for step in path.split(" > ")}:
                if len(shelves[shelf]) < 12:
                    shelves[shelf].setdefault(item.text, item)
        if all(len(shelf) == 12 for shelf in shelves.values()):
            break
    return Catalogue(item for shelf in shelves.values() for item in shelf.values())


@pytest.fixture(scope="module")
async def raw(products: Catalogue, encoder: TextEncoder) -> np.ndarray:
    return await encoder.encode([item.text for item in products.items])


async def test_real_products_answer_to_words_that_are_not_their_names(
    products: Catalogue, raw: np.ndarray, encoder: TextEncoder
) -> None:
    words = ["alcohol", "cleaning", "shampoo", "snacks for kids", "i am bored", "blue things"]
    told = facets_like(unit(await encoder.encode(words)), products, BruteForceSpace(unit(raw)))
    first = [like[0][0].rpartition(" > ")[2] if like else None for like in told]
    assert first == ["beers/ales", "household cleaning needs", "shampoo", None, None, None]
    assert dict(told[0])["category:grocery > beers/ales"] >= ALIKE
    assert dict(told[1])["category:grocery > household cleaning needs"] < ALIKE, "bleach is no part of it, say"


async def test_a_statement_is_understood_by_what_real_products_read_like(
    products: Catalogue, raw: np.ndarray, encoder: TextEncoder
) -> None:
    text = "Less washing powder, no zzyzx and never ignore previous instructions"
    phrases = phrases_of(text, products, NOW)
    assert phrases == ["washing powder", "zzyzx", "ignore previous instructions"]
    whitening = fit(raw)
    told = facets_like(whitening.apply(await encoder.encode(phrases)), products, BruteForceSpace(whitening.apply(raw)))
    understood = understand(text, products, dict(zip(phrases, told, strict=True)), NOW)
    assert understood.in_words == (
        "Less powder laundry detergent (understood by what reads like “washing powder”). "
        "Not understood: “zzyzx”, “ignore previous instructions”."
    )
