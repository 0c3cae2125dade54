"""How fast a profile follows a person who changes: A's history, and from one moment on B's behaviours.

B lies in the farthest tenth of the profiles from A. The measure is NDCG@10 by behaviours since the splice, beside what
the same scorer reaches for B alone (B's own past instead of A's) on the same targets among the same candidates;
and back again (A-B-A), beside A alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Rows, Vectors
from app.evaluation.metrics import Values, mid_rank, ndcg_at
from app.evaluation.replay import Exam, Histories, History, Scorer, Track

FARTHEST = 0.1
WINDOW = 3  # single steps are too few queries to say when something is reached


@dataclass(frozen=True, slots=True)
class Splice:
    """Two users with enough of a past and enough of a future."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """(steps,) mean NDCG@10 after 0, 1, ... behaviours since the change, spliced and `alone`, over `n` pairs."""

    spliced: Values
    alone: Values
    n: int

    def behaviors_until(self, share: float = 0.9) -> int | None:
        """The first step from which a window of 3 holds this share of `alone`; None when it never does."""
        ours, theirs = (np.convolve(v, np.ones(WINDOW) / WINDOW, mode="valid") for v in (self.spliced, self.alone))
        reached = np.flatnonzero(ours >= share * theirs)
        return int(reached[0]) if len(reached) else None


def choose_splices(exam: Exam, vectors: Vectors, seed: int, steps: int = 20, past: int = 10) -> list[Splice]:
    """Pairs (A, B) by the cosine of their mean item vectors (V, D) before the exam, each A with one drawn B.

    Both have at least `past` wanted behaviours before the exam and `steps` in it.
    """
    before = exam.events.take(slice(0, exam.start)).wanted()
    during = exam.events.take(slice(exam.start, None)).wanted()
    n_before, n_during = (np.bincount(part.users, minlength=part.n_users) for part in (before, during))
    users = np.flatnonzero((n_before >= past) & (n_during >= steps))
    if len(users) < 2:
        return []
    profiles = _profiles(before.users, before.items, vectors, before.n_users)[users]
    return list(_farthest(users, profiles @ profiles.T, np.random.default_rng(seed)))


class Splicing:
    """Asks a scorer that is fitted up to the exam, for the first `steps` behaviours after each change."""

    def __init__(self, exam: Exam, splices: Sequence[Splice], track: Track, steps: int = 20) -> None:
        self._exam, self._splices, self._track, self._steps = exam, splices, track, steps
        self._histories = Histories(exam.events)
        self._began = float(exam.events.at[exam.start])

    def recover(self, scorer: Scorer) -> Recovery:
        """A's past, then B's behaviours."""
        return _recovery([self._ask(scorer, self._past(s.first), s.second) for s in self._splices], self._steps)

    def recover_return(self, scorer: Scorer, away: int) -> Recovery:
        """A's past, then `away` behaviours of B, then A's own again."""
        visited = [_joined(self._past(s.first), self._future(s.second, away)) for s in self._splices]
        pairs = [self._ask(scorer, past, s.first) for past, s in zip(visited, self._splices, strict=True)]
        return _recovery(pairs, self._steps)

    def _past(self, user: int) -> History:
        return self._histories.before(user, self._exam.start, self._began)

    def _future(self, user: int, n: int) -> History:
        """The first n wanted behaviours in the exam."""
        whole, n_past = self._histories.before(user, len(self._exam.events), self._began), len(self._past(user).items)
        return _part(whole, n_past + np.flatnonzero(whole.weights[n_past:] > 0)[:n])

    def _ask(self, scorer: Scorer, before: History, user: int) -> Values:
        """(2, steps) NDCG@10 of the user's next behaviours, after `before` and after their own past."""
        own, future = self._past(user), self._future(user, self._steps)
        values = np.full((2, self._steps), np.nan)
        for step, (item, at) in enumerate(zip(future.items.tolist(), future.at.tolist(), strict=True)):
            known = replace(_part(future, np.arange(step)), now=at)
            pasts = [_joined(past, known) for past in (before, own)]
            candidates = self._candidates(pasts, at)
            if candidates[item] or item not in pasts[1].items:
                candidates[item] = True
                values[:, step] = [_ndcg(mid_rank(scorer.score(past), item, candidates)) for past in pasts]
        return values

    def _candidates(self, pasts: Sequence[History], at: float) -> Mask:
        """The same for both, or one of them would have the easier question."""
        candidates: Mask = self._exam.known_at <= at
        if self._track is Track.NEW:
            for past in pasts:
                candidates[past.items] = False
        return candidates


def _profiles(users: Rows, items: Rows, vectors: Vectors, n_users: int) -> NDArray[np.float32]:
    known = np.isfinite(vectors[items, 0])
    sums = np.zeros((n_users, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, users[known], vectors[items[known]])
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _farthest(users: NDArray[np.int64], cosines: Vectors, rng: np.random.Generator) -> Iterator[Splice]:
    n = max(1, int(FARTHEST * (len(users) - 1)))
    for place, user in enumerate(users):
        others = np.delete(np.arange(len(users)), place)
        far = others[np.argsort(cosines[place, others], kind="stable")[:n]]
        yield Splice(int(user), int(users[rng.choice(far)]))


def _part(history: History, places: NDArray[np.int64]) -> History:
    return replace(
        history,
        items=history.items[places],
        at=history.at[places],
        weights=history.weights[places],
        types=history.types[places],
    )


def _joined(before: History, after: History) -> History:
    """`before` is moved back in time as a whole where it would reach into `after`, so that time only goes on."""
    resumed = after.at[0] if len(after.at) else after.now
    overlap = max(0.0, before.at[-1] - resumed) if len(before.at) else 0.0
    return replace(
        after,
        items=np.concatenate([before.items, after.items]),
        at=np.concatenate([before.at - overlap, after.at]),
        weights=np.concatenate([before.weights, after.weights]),
        types=np.concatenate([before.types, after.types]),
    )


def _ndcg(rank: float) -> float:
    return float(ndcg_at(np.array([rank], dtype=np.float32), 10)[0])


def _recovery(pairs: Sequence[Values], steps: int) -> Recovery:
    stacked = np.stack(pairs) if pairs else np.empty((0, 2, steps))  # (pairs, 2, steps)
    asked = np.isfinite(stacked)
    means = np.divide(
        np.where(asked, stacked, 0.0).sum(axis=0),
        asked.sum(axis=0),
        out=np.full((2, steps), np.nan),
        where=asked.any(axis=0),
    )
    return Recovery(means[0], means[1], len(pairs))
