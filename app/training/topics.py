"""Topics of users: latent Dirichlet allocation over the categories that each of them turns to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue
from app.domain.item import label_of
from app.profiles.decay import HalfLives, fade
from app.profiles.leaves import leaves_of
from app.profiles.phrases import joined
from app.profiles.sums import Floats
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.training.segments import without_impressions

LEAST_USERS = 50
# A user with fewer categories shows nothing that hangs together.
LEAST_HELD = 2
# A category must be held by so many users, and the most held ones count.
LEAST_HOLDERS = 3
MOST_FACETS = 5_000
# 6 s for 10,000 users on one core.
N_USERS = 10_000
FEWEST_TOPICS, MOST_TOPICS = 8, 20
PRIOR = 0.1
N_EPOCHS = 5
SEED = 1
# Facets that may name a topic. A third joins when it says at least half of what the second does.
N_NAMING = 20
THIRD = 0.5


class Learned(NamedTuple):
    """For the disk; `profiles.topics.open_topics` reads them."""

    arrays: Arrays
    words: dict[str, Any]


def fit_topics(log: Log, catalogue: Catalogue, half_lives: HalfLives) -> Learned | None:
    """From all behaviours. None where too few users turn to more than one category."""
    counts, facets, unit = count_facets(log, catalogue, half_lives)
    n_topics = choose_n(*counts.shape)
    if not n_topics:
        return None
    model = _fitted(counts, n_topics)
    words = np.asarray(model.exp_dirichlet_component_, dtype=np.float64)
    chances = model.components_ / model.components_.sum(axis=1, keepdims=True)
    overall = np.asarray(counts.sum(axis=0)).ravel() / counts.sum()
    arrays = {"words": words, "prior": np.array([PRIOR]), "unit": np.array([unit])}
    return Learned(arrays, {"facets": facets, "names": name_topics(chances, overall, facets)})


def choose_n(n_users: int, n_facets: int) -> int:
    """8 topics for 50 users, 20 for 10,000, never more than half of the facets; 0 for no topics at all."""
    if n_users < LEAST_USERS or n_facets < 4:
        return 0
    wanted = FEWEST_TOPICS + round((MOST_TOPICS - FEWEST_TOPICS) * np.log(n_users / 50) / np.log(200))
    return int(min(wanted, MOST_TOPICS, n_facets // 2))


def _fitted(counts: Any, n_topics: int) -> Any:
    from sklearn.decomposition import LatentDirichletAllocation

    model = LatentDirichletAllocation(
        n_topics,
        doc_topic_prior=PRIOR,
        topic_word_prior=PRIOR,
        learning_method="online",
        batch_size=256,
        max_iter=N_EPOCHS,
        total_samples=counts.shape[0],
        random_state=SEED,
    )
    return model.fit(counts)


def count_facets(log: Log, catalogue: Catalogue, half_lives: HalfLives) -> tuple[Any, list[str], float]:
    """(U, W) sparse attention of some of the users, divided by the mean attention to an item; the facets; that mean."""
    from scipy import sparse

    users, items, attention = _attention(log, half_lives)
    leaves = leaves_of(catalogue, catalogue.rows(log.item_ids)[items])
    shape = (log.n_users, len(catalogue.facets))
    values = attention[leaves.places] * leaves.shares
    kept = np.flatnonzero(values > 0)
    whole = sparse.csr_matrix((values[kept], (users[leaves.places][kept], leaves.facets[kept])), shape=shape)
    facets = _held(np.bincount(whole.indices, minlength=shape[1]))
    counts = whole[:, facets].tocsr()
    some = np.flatnonzero(np.diff(counts.indptr) >= LEAST_HELD)
    if len(some) > N_USERS:
        some = np.sort(np.random.default_rng(SEED).choice(some, N_USERS, replace=False))
    unit = float(attention[attention > 0].mean()) if (attention > 0).any() else 1.0
    return counts[some] / unit, [catalogue.facets[facet] for facet in facets.tolist()], unit


def _held(holders: NDArray[np.int64]) -> NDArray[np.int64]:
    """Facets with enough holders, in order of number."""
    most = np.argsort(-holders, kind="stable")[:MOST_FACETS]
    return np.sort(most[holders[most] >= LEAST_HOLDERS])


def _attention(log: Log, half_lives: HalfLives) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Users and items (P,) with what the state of each user would hold: log1p of the decayed long sum less the
    refusals, when they last turned to some item.
    """
    acted = without_impressions(log)
    width = max(len(log.item_ids), 1)
    distinct, place = np.unique(acted.users.astype(np.int64) * width + acted.items, return_inverse=True)
    last_at = np.full(log.n_users, -np.inf)
    np.maximum.at(last_at, acted.users, acted.at)
    left = acted.weights * fade(last_at[acted.users] - acted.at, half_lives.long_days)
    sums = np.bincount(place, left, len(distinct))
    return distinct // width, distinct % width, np.log1p(np.maximum(sums, 0.0))


def name_topics(chances: Floats, overall: Floats, facets: Sequence[str]) -> list[str]:
    """(K, W) chances of the facets in each topic and (W,) in all -> names of two or three facets, all different.

    What tells most is p * ln(p / overall): the facet's part of the relative entropy between topic and everything.
    """
    gains = chances * np.log(np.maximum(chances, 1e-300) / np.maximum(overall, 1e-300))
    names: list[str] = []
    for topic, gain in enumerate(gains):
        order = np.argsort(-gain, kind="stable")[:N_NAMING]
        labels = list(dict.fromkeys(label_of(facets[place]) for place in order.tolist()))
        n = 3 if len(order) > 2 and gain[order[2]] >= THIRD * gain[order[1]] else 2
        possible = (joined(labels[:length]) for length in range(n, len(labels) + 1))
        names.append(next((name for name in possible if name not in names), f"topic {topic + 1}"))
    return names
