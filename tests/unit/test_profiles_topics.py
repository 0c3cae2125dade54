"""Topics: two that were planted are separated, and one user is folded in as scikit-learn would."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import LatentDirichletAllocation

from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.ingest.weigh import BUILT_IN
from app.profiles.state import State
from app.profiles.sums import Floats
from app.profiles.topics import Topics, open_topics
from app.training.topics import PRIOR, choose_n, count_facets, fit_topics, name_topics
from tests.unit import people_board as board

# Eight categories, of which the first four and the last four are turned to by different people.
FIRST, SECOND = ("bread", "milk", "eggs", "cheese"), ("horror", "romance", "science", "western")


def _catalogue() -> Catalogue:
    return Catalogue(
        Item(f"{kind}-{n}", categories=(f"All > {kind}",)) for kind in (*FIRST, *SECOND) for n in range(10)
    )


def _lines(seed: int = 0) -> list[board.Line]:
    rng = np.random.default_rng(seed)
    return [
        (user, f"{rng.choice(FIRST if user < 60 else SECOND)}-{rng.integers(10)}", "purchase", 60 * rng.random())
        for user in range(120)
        for _ in range(15)
    ]


@pytest.fixture(scope="module")
def topics() -> Topics:
    learned = fit_topics(board.log_of(_lines()), _catalogue(), board.HALF_LIVES)
    assert learned is not None
    return open_topics(learned.arrays, learned.words)


def _group(name: str) -> set[bool]:
    """Which of the planted groups the words of a name come from."""
    return {word in FIRST for word in (*FIRST, *SECOND) if word in name}


def test_two_planted_topics_are_separated(topics):
    items, lines = _catalogue(), _lines()
    told = [topics.told(_shares(topics, board.state_of(lines, user), items)) for user in range(120)]
    for user, names in enumerate(told):
        assert 1 <= len(names) <= 3
        assert _group(names[0]) == {user < 60}
    assert len(set(topics.names)) == len(topics.names)


def test_shares_follow_a_user_between_the_groups(topics):
    lines = [(0, f"{kind}-{n}", "purchase", 1.0) for kind in ("bread", "milk", "western", "horror") for n in range(5)]
    shares = _shares(topics, board.state_of(lines, 0), _catalogue())
    assert shares is not None
    assert shares.sum() == pytest.approx(1.0)
    assert {group for name in topics.told(shares) for group in _group(name)} == {True, False}


@pytest.mark.parametrize("seed", range(5))
def test_folding_in_ends_where_sklearn_does(seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.8, (80, 30)) * rng.random((80, 30))
    model = LatentDirichletAllocation(6, doc_topic_prior=PRIOR, topic_word_prior=PRIOR, random_state=seed).fit(counts)
    facets = tuple(f"category:{n}" for n in range(30))
    ours = Topics(model.exp_dirichlet_component_, PRIOR, 1.0, facets, tuple("abcdef"))
    model.set_params(mean_change_tol=1e-9, max_doc_update_iter=10_000)
    theirs = model.transform(counts)
    for user in range(20):
        np.testing.assert_allclose(ours.fold_in(counts[user]), theirs[user], atol=5e-3)


def test_training_counts_the_attention_that_serving_reads(topics):
    """A user with a refusal, an old purchase and a late look that says nothing of taste."""
    items = _catalogue()
    lines = [
        *_lines(),
        (120, "bread-1", "purchase", 50.0),
        (120, "bread-1", "skip", 20.0),
        (120, "milk-2", "purchase", 40.0),
        (120, "eggs-3", "view", 3.0),
        (120, "eggs-3", "never weighed", 0.0),
        (120, "eggs-4", "impression", -1.0),
    ]
    weights = dict(BUILT_IN) | {"never weighed": 0.0}
    log = board.log_of(lines, weights)
    counts, facets, unit = count_facets(log, items, board.HALF_LIVES)
    counted = np.asarray(counts[-1].todense()).ravel()
    reading = Topics(topics.words, topics.prior, unit, tuple(facets), topics.names)
    state = board.state_of(lines, 120, weights)
    read = reading.counts_of(state, board.leaves_of(state, items), items, board.HALF_LIVES)
    np.testing.assert_allclose(read, counted, atol=1e-6)
    assert counted[facets.index("category:all > bread")] > 0


@pytest.mark.parametrize(
    ("lines", "items"),
    [
        ([], _catalogue()),
        ([(0, "bread-1", "purchase", 1.0)], _catalogue()),
        (_lines(), Catalogue()),
        (_lines(), Catalogue(Item(f"{kind}-{n}") for kind in FIRST for n in range(10))),
        (_lines(), Catalogue(Item(f"{kind}-{n}", categories=("All",)) for kind in FIRST for n in range(10))),
        ([(user, "bread-1", "dislike", 1.0) for user in range(200)], _catalogue()),
    ],
    ids=["nobody", "one", "no catalogue", "no categories", "one category", "only refusals"],
)
def test_no_topics_where_there_are_none(lines, items):
    assert fit_topics(board.log_of(lines), items, board.HALF_LIVES) is None


def test_all_at_one_time_is_no_obstacle():
    lines = [(user, item, type_, 1.0) for user, item, type_, _ in _lines()]
    assert fit_topics(board.log_of(lines), _catalogue(), board.HALF_LIVES) is not None


@pytest.mark.parametrize("lines", [[], [(0, "unknown", "purchase", 1.0)], [(0, "bread-1", "dislike", 1.0)]])
def test_of_whom_nothing_is_known_nothing_is_told(topics, lines):
    shares = _shares(topics, board.state_of(lines, 0) if lines else State(), _catalogue())
    assert shares is None
    assert topics.told(shares) == ()


def test_facets_are_known_by_their_names_whatever_their_number(topics):
    turned = Catalogue(list(_catalogue().items)[::-1])
    state = board.state_of(_lines(), 0)
    np.testing.assert_allclose(_shares(topics, state, turned), _shares(topics, state, _catalogue()))


def test_the_number_of_topics_grows_with_the_data():
    assert [choose_n(*size) for size in [(49, 100), (50, 3), (50, 100), (700, 100), (10_000, 100), (10_000, 10)]] == [
        0, 0, 8, 14, 20, 5
    ]  # fmt: skip


def test_names_are_what_tells_a_topic_from_all():
    facets = ["category:all", "category:all > bread", "category:all > milk", "category:horror", "category:romance"]
    chances = np.array([[0.5, 0.3, 0.18, 0.01, 0.01], [0.5, 0.01, 0.01, 0.28, 0.2], [0.5, 0.01, 0.01, 0.28, 0.2]])
    names = name_topics(chances, chances.mean(axis=0), facets)
    assert names[0] == "bread and milk"
    assert names[1] == "horror and romance"
    assert len(set(names)) == 3


def _shares(topics: Topics, state: State, items: Catalogue) -> Floats | None:
    return topics.shares_of(state, board.leaves_of(state, items), items, board.HALF_LIVES)
