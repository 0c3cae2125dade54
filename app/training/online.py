"""What is learned as behaviours arrive: sums that a fit over the whole log would reach too, for `trend` and `text_map`.

log of the users with news -> Learner.take -> sums over all users -> Learner.arrays -> the two generators' arrays
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Rows, Vectors
from app.profiles.decay import DAY_S, fade
from app.retrieval import text_map, trend
from app.retrieval.artifact import Arrays, read_arrays
from app.retrieval.base import Log
from app.retrieval.caps import capped

Counts = NDArray[np.float64]
N_HALF_LIVES = len(trend.HALF_LIVES_DAYS)
NEVER = 1e18  # seconds since 1970


@dataclass(frozen=True, slots=True)
class Fitted:
    """What only a whole fit learns: how far each half-life is trusted (H,), how sharp the map's chances are (1,)."""

    mixture: Counts
    sharpness: Counts

    @classmethod
    def read(cls, folder: Path) -> Fitted:
        """From a folder that `training.generators` wrote."""
        mixture = read_arrays(folder / "trend.safetensors")["mixture"]
        return cls(np.array(mixture), np.array(read_arrays(folder / "text_map.safetensors")["sharpness"]))


class Learner:
    """Sums over the behaviours of all users; which of them are in it, the caller keeps.

    Whatever the batches and the order in which behaviours come, also late ones: `arrays` are those of a fit over all
    that was taken, up to rounding, as long as no item changes its vector. Of an item that does, lessons before that
    keep what it was, until somebody begins anew. P items are numbered as they come.
    """

    def __init__(self, width: int) -> None:
        """`width` is D, that of the items' vectors."""
        self.item_ids: list[str] = []
        self._place_of: dict[str, int] = {}
        self._sums = text_map.Sums.empty(width + 1)
        self._gram = np.zeros((width + 1, width + 1))
        self._in_gram = np.zeros(0, dtype=np.bool_)
        self._counts: Counts = np.zeros((N_HALF_LIVES, 0))
        self._n = np.zeros(0, dtype=np.int64)
        self._first_at = np.empty(0)
        self._until = -np.inf

    @property
    def width(self) -> int:
        return len(self._gram) - 1

    @property
    def has_learned(self) -> bool:
        return bool(np.isfinite(self._until))

    def take(self, log: Log, fresh: Mask, vectors: Vectors) -> int:
        """`log` is all that is known of some users, `fresh` (N,) what of it was not taken yet.

        `vectors` (P', D) are those of the log's items, NaN where they have none. Returns how many of the fresh
        behaviours speak for an item.
        """
        wanted = log.weights > 0
        log, fresh = log.take(wanted), fresh[wanted]
        if not fresh.any():
            return 0
        since = np.full(log.n_users, NEVER)
        np.minimum.at(since, log.users[fresh], log.at[fresh])
        self._take_lessons(log, fresh, since, vectors)
        self._take_counts(log, fresh, since)
        return int(fresh.sum())

    def take_back(self, log: Log, vectors: Vectors) -> int:
        """Undoes what was taken of some users, all of whom `log` holds; returns how many behaviours that were.

        When an item was met first stays as it is: its behaviours come back as somebody else's.
        """
        log = log.take(log.weights > 0)
        if not len(log.at):
            return 0
        place_of, texts = text_map.placed(vectors)
        self._sums -= text_map.Sums.of(log, place_of, texts, np.ones(len(log.at), dtype=np.bool_))
        self._count(log, -1)
        self._counts[:, self._n == 0] = 0.0
        return len(log.at)

    def _take_lessons(self, log: Log, fresh: Mask, since: Counts, vectors: Vectors) -> None:
        """What came before a user's first fresh behaviour is as it was; all lessons after that are given anew."""
        place_of, texts = text_map.placed(vectors)
        before = log.take(~fresh)
        self._sums -= text_map.Sums.of(before, place_of, texts, before.at >= since[before.users])
        self._sums += text_map.Sums.of(log, place_of, texts, log.at >= since[log.users])
        used = np.unique(log.items)
        places = self._places([log.item_ids[item] for item in used.tolist()])
        new = ~self._in_gram[places] & (place_of[used] >= 0)
        self._gram += text_map.gram_of(texts[place_of[used[new]]])
        self._in_gram[places[new]] = True

    def _take_counts(self, log: Log, fresh: Mask, since: Counts) -> None:
        """Whole days are given anew: an earlier behaviour of the same day takes the place of a later one."""
        self._wait_until(float(log.at[fresh].max()))
        open_day = log.at // DAY_S >= (since // DAY_S)[log.users]
        for part, sign in ((log.take(open_day & ~fresh), -1), (log.take(open_day), 1)):
            if len(part.at):
                self._count(part, sign)
        self._counts[:, self._n == 0] = 0.0

    def _count(self, log: Log, sign: int) -> None:
        log = capped(log)
        used, place = np.unique(log.items, return_inverse=True)
        places = self._places([log.item_ids[item] for item in used.tolist()])
        np.minimum.at(self._first_at, places[place], log.at)
        self._n[places] += sign * np.bincount(place)
        for number, days in enumerate(trend.HALF_LIVES_DAYS):
            self._counts[number, places] += sign * np.bincount(place, fade(self._until - log.at, days))

    def _wait_until(self, moment: float) -> None:
        """Lets the counts fade."""
        if moment <= self._until:
            return
        if self.has_learned:
            for number, days in enumerate(trend.HALF_LIVES_DAYS):
                self._counts[number] *= fade(moment - self._until, days)
        self._until = moment

    def _places(self, item_ids: Sequence[str]) -> Rows:
        """(N,) numbers of the items; those that are new get the next ones."""
        for item_id in item_ids:
            if item_id not in self._place_of:
                self._place_of[item_id] = len(self.item_ids)
                self.item_ids.append(item_id)
        n_new = len(self.item_ids) - len(self._n)
        if n_new:
            self._in_gram = np.append(self._in_gram, np.zeros(n_new, dtype=np.bool_))
            self._counts = np.append(self._counts, np.zeros((N_HALF_LIVES, n_new)), axis=1)
            self._n = np.append(self._n, np.zeros(n_new, dtype=np.int64))
            self._first_at = np.append(self._first_at, np.full(n_new, np.inf))
        return np.fromiter((self._place_of[item_id] for item_id in item_ids), dtype=np.int32, count=len(item_ids))

    def arrays(self, fitted: Fitted, version: str) -> dict[str, Arrays]:
        """As `trend.Trend` and `text_map.TextMap` read them; `version` is that of the vectors' space."""
        return {
            "trend": {
                "counts": np.maximum(self._counts, 0.0).astype(np.float32),
                "mixture": fitted.mixture,
                "until": np.array([self._until]),
                "first_at": self._first_at,
            },
            "text_map": {
                "map": self._sums.solve(self._gram).astype(np.float32),
                "sharpness": fitted.sharpness,
                "version": text_map.as_numbers(version),
            },
        }

    def write(self, folder: Path, fitted: Fitted, version: str) -> None:
        """`trend`, `text_map` and `sums` as safetensors, and `items.json`; `read` goes on from there."""
        from safetensors.numpy import save_file

        for name, tensors in (self.arrays(fitted, version) | {"sums": self._state()}).items():
            save_file({key: np.ascontiguousarray(one) for key, one in tensors.items()}, folder / f"{name}.safetensors")
        (folder / "items.json").write_text(json.dumps(self.item_ids))

    def _state(self) -> Arrays:
        return {
            "before": self._sums.before,
            "between": self._sums.between,
            "gram": self._gram,
            "in_gram": self._in_gram.astype(np.int32),
            "counts": self._counts,
            "n": self._n,
            "first_at": self._first_at,
            "until": np.array([self._until]),
        }

    @classmethod
    def read(cls, folder: Path) -> Learner:
        """From a folder that `write` filled."""
        state = {name: np.array(one) for name, one in read_arrays(folder / "sums.safetensors").items()}
        learner = cls(len(state["gram"]) - 1)
        learner._places(json.loads((folder / "items.json").read_text()))
        learner._sums = text_map.Sums(state["before"], state["between"])
        learner._gram, learner._in_gram = state["gram"], state["in_gram"].astype(np.bool_)
        learner._counts, learner._n = state["counts"], state["n"]
        learner._first_at, learner._until = state["first_at"], float(state["until"][0])
        return learner
