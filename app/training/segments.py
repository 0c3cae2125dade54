"""Kinds of users: K-means over what they did, each kind with a name that tells it from the others."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue
from app.profiles.decay import DAY_S
from app.profiles.fold import IMPRESSION, PURCHASE
from app.profiles.leaves import leaves_of
from app.profiles.segments import FEATURES, Counted, Numbers, Segments, features_of, is_weekend, spread
from app.profiles.sums import Floats
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.training.segment_names import name_segments

# Fewer users are no kinds.
LEAST_USERS = 50
MOST_SEGMENTS = 8
# A kind holds at least this many users, and this share of them.
LEAST_MEMBERS = 10
LEAST_SHARE = 0.02
# K-means of so many users takes a second, and the silhouette of so many pairs .1 s.
N_FITTED = 20_000
N_JUDGED = 2_000
SEED = 1


class Learned(NamedTuple):
    """`arrays` and `words` are for the disk (`profiles.segments.open_segments` reads them); `of_user` (U,) is the
    segment of each user of the log, -1 for one who has not turned to any item.
    """

    arrays: Arrays
    words: dict[str, Any]
    of_user: Numbers


def fit_segments(log: Log, catalogue: Catalogue) -> Learned | None:
    """From all behaviours. None where there are too few users, or no two kinds of them."""
    counted = count_users(log, catalogue)
    active = np.flatnonzero(counted.n > 0)
    if len(active) < LEAST_USERS:
        return None
    features = features_of(counted)[active]
    segments = _without_names(features)
    placed = segments.place(features)
    centroids = _centroids(placed)
    if centroids is None:
        return None
    segments = _by_size(segments, centroids, features)
    of_active = segments.nearest(features)
    buyers = np.bincount(of_active, counted.n_purchases[active] > 0, len(centroids)) / np.bincount(of_active)
    names = name_segments(segments.centroids, (buyers >= 0.5).tolist())
    of_user = np.full(log.n_users, -1, dtype=np.int32)
    of_user[active] = of_active
    arrays = {"mean": segments.mean, "scale": segments.scale, "centroids": segments.centroids}
    return Learned(arrays, {"names": names, "features": list(FEATURES)}, of_user)


def _without_names(features: Floats) -> Segments:
    known = np.isfinite(features)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, features, 0.0).sum(axis=0) / n
    scale = np.sqrt((np.where(known, features - mean, 0.0) ** 2).sum(axis=0) / n)
    scale[scale < 1e-9 * np.maximum(np.abs(mean), 1.0)] = 0.0  # no spread but that of rounding
    return Segments(mean, scale, np.empty((0, features.shape[1])), ())


def _centroids(placed: Floats) -> Floats | None:
    """(S, F) of the number of segments with the best silhouette (Rousseeuw 1987)."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    rng = np.random.default_rng(SEED)
    fitted = placed[np.sort(rng.choice(len(placed), min(N_FITTED, len(placed)), replace=False))]
    judged = fitted[np.sort(rng.choice(len(fitted), min(N_JUDGED, len(fitted)), replace=False))]
    least = max(LEAST_MEMBERS, LEAST_SHARE * len(fitted))
    n_distinct = len(np.unique(judged, axis=0))
    best, best_score = None, 0.0
    for k in range(2, min(MOST_SEGMENTS, n_distinct) + 1):
        means = KMeans(k, n_init=4, random_state=SEED).fit(fitted)
        numbers = means.predict(judged)
        if np.bincount(means.labels_, minlength=k).min() < least or len(np.unique(numbers)) < 2:
            continue
        score = float(silhouette_score(judged, numbers)) if len(np.unique(numbers)) < len(judged) else 0.0
        if score > best_score:
            best, best_score = np.asarray(means.cluster_centers_, dtype=np.float64), score
    return best


def _by_size(segments: Segments, centroids: Floats, features: Floats) -> Segments:
    """The segment of most users comes first, so that the same log numbers them alike."""
    found = Segments(segments.mean, segments.scale, centroids, ())
    sizes = np.bincount(found.nearest(features), minlength=len(centroids))
    order = np.argsort(-sizes, kind="stable")
    return Segments(segments.mean, segments.scale, centroids[order[sizes[order] > 0]], ())


class _Pairs(NamedTuple):
    """P pairs of a user and an item they turned to: (P,) each."""

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    n_liked: Floats
    first_at: Floats
    last_at: Floats


def count_users(log: Log, catalogue: Catalogue) -> Counted:
    """(U,) each, in the numbers of the log: the same figures that `profiles.segments` counts of one state."""
    acted = without_impressions(log)
    pairs = _pairs(acted)
    n_users = log.n_users
    days, weekends = _days(pairs, n_users)
    leaves = leaves_of(catalogue, catalogue.rows(log.item_ids)[pairs.items])
    top, breadth = spread(pairs.users, pairs.n_liked, leaves, n_users)
    clicks = _n(log, "click")
    return Counted(
        n=np.bincount(acted.users, minlength=n_users).astype(np.float64),
        n_items=np.bincount(pairs.users, minlength=n_users).astype(np.float64),
        n_days=days,
        n_weekend_days=weekends,
        span_days=_span(pairs, n_users) / DAY_S,
        n_purchases=_n(log, PURCHASE),
        n_clicks=np.where(clicks > 0, clicks, _n(log, "view")),
        n_impressions=_n(log, IMPRESSION),
        top=top,
        breadth=breadth,
    )


def without_impressions(log: Log) -> Log:
    """What users were shown is not their doing."""
    return log.take(~_of_type(log, IMPRESSION))


def _of_type(log: Log, name: str) -> NDArray[np.bool_]:
    number = log.type_names.index(name) if name in log.type_names else -1
    return np.asarray(log.types == number)


def _n(log: Log, type_: str) -> Floats:
    return np.bincount(log.users[_of_type(log, type_)], minlength=log.n_users).astype(np.float64)


def _pairs(log: Log) -> _Pairs:
    width = max(len(log.item_ids), 1)
    keys = log.users.astype(np.int64) * width + log.items
    distinct, first, place = np.unique(keys, return_index=True, return_inverse=True)
    last_at = np.full(len(distinct), -np.inf)
    np.maximum.at(last_at, place, log.at)
    n_liked = np.bincount(place, log.weights > 0, len(distinct)).astype(np.float64)
    return _Pairs(distinct // width, distinct % width, n_liked, log.at[first], last_at)


def _days(pairs: _Pairs, n_users: int) -> tuple[Floats, Floats]:
    """Distinct days of first and last times, and how many of them lie on a weekend."""
    days = np.concatenate([pairs.first_at, pairs.last_at]) // DAY_S
    users = np.concatenate([pairs.users, pairs.users])
    distinct = np.unique(np.stack([users.astype(np.float64), days]), axis=1)
    of = distinct[0].astype(np.int64)
    n = np.bincount(of, minlength=n_users).astype(np.float64)
    return n, np.bincount(of, is_weekend(distinct[1]), n_users).astype(np.float64)


def _span(pairs: _Pairs, n_users: int) -> Floats:
    """Seconds between a user's first and last behaviour."""
    first, last = np.full(n_users, np.inf), np.full(n_users, -np.inf)
    np.minimum.at(first, pairs.users, pairs.first_at)
    np.maximum.at(last, pairs.users, pairs.last_at)
    return np.where(np.isfinite(first), last - np.where(np.isfinite(first), first, 0.0), 0.0)
