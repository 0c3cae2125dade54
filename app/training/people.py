"""What users have in common: segments of people who behave alike, and topics that they are after."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue
from app.profiles.decay import HalfLives
from app.retrieval import segments as segment_trend
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.retrieval.people import SEGMENTS, TOPICS
from app.training.segments import fit_segments
from app.training.topics import fit_topics


def fit_people(log: Log, catalogue: Catalogue, half_lives: HalfLives) -> Callable[[Path], None]:
    """What it returns writes what there was enough to learn; `segment` is what is popular in each segment."""
    segments, topics = fit_segments(log, catalogue), fit_topics(log, catalogue, half_lives)
    popular = _popular(log, segments.of_user) if segments else None

    def write(folder: Path) -> None:
        if segments and popular:
            _save(folder, SEGMENTS, segments.arrays, segments.words)
            _save(folder, segment_trend.SegmentTrend.name, popular, {})
        if topics:
            _save(folder, TOPICS, topics.arrays, topics.words)

    return write


def _popular(log: Log, of_user: NDArray[np.int32]) -> Arrays:
    return segment_trend.fit(log.wanted().compact(), of_user)


def _save(folder: Path, name: str, arrays: Arrays, words: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    save_file({key: np.ascontiguousarray(one) for key, one in arrays.items()}, folder / f"{name}.safetensors")
    (folder / f"{name}.json").write_text(json.dumps(words))
