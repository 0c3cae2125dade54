"""Exams and outcomes as .npz files, without pickle: what two environments with different libraries can both read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.evaluation.events import Events, Vocabulary
from app.evaluation.replay import Exam, Outcome, Track

_EVENTS = ("users", "items", "at", "weights", "types")


def save_exam(exam: Exam, path: Path) -> None:
    """Names stay behind: users and items are numbers."""
    events = exam.events
    columns = {name: getattr(events, name) for name in _EVENTS}
    sizes = np.array([events.n_users, events.n_items, len(events.vocabulary.types), exam.start])
    np.savez(path, sizes=sizes, queries=exam.queries, known_at=exam.known_at, **columns)


def load_exam(path: Path) -> Exam:
    with np.load(path, allow_pickle=False) as stored:
        n_users, n_items, n_types, start = stored["sizes"].tolist()
        names = (tuple(map(str, range(n))) for n in (n_users, n_items, n_types))
        events = Events(*(stored[name] for name in _EVENTS), Vocabulary(*names))
        return Exam(events, start, stored["queries"], stored["known_at"])


def save_outcomes(outcomes: dict[Track, Outcome], path: Path) -> None:
    parts = {f"{track.value}_records": outcome.records for track, outcome in outcomes.items()}
    parts |= {f"{track.value}_slates": outcome.slates for track, outcome in outcomes.items()}
    np.savez(path, **parts)


def load_outcomes(path: Path) -> dict[Track, Outcome]:
    with np.load(path, allow_pickle=False) as stored:
        return {
            track: Outcome(stored[f"{track.value}_records"], stored[f"{track.value}_slates"])
            for track in Track
            if f"{track.value}_records" in stored
        }
