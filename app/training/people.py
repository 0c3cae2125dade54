"""What is learned of all users together, as part of a model: segments and topics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.domain.catalogue import Catalogue
from app.profiles.decay import HalfLives
from app.profiles.segments import Numbers
from app.retrieval.base import Log
from app.retrieval.people import SEGMENTS, TOPICS
from app.training import segments, topics


@dataclass(frozen=True, slots=True)
class LearnedPeople:
    """`of_user` (U,) is the segment of each user of the log, -1 for none. Either part is None where it is too small."""

    segments: segments.Learned | None
    topics: topics.Learned | None
    of_user: Numbers

    def write(self, folder: Path) -> None:
        """`<part>.safetensors` and `<part>.json`; `retrieval.people.load_people` reads them."""
        from safetensors.numpy import save_file

        for name, part in ((SEGMENTS, self.segments), (TOPICS, self.topics)):
            if part is not None:
                save_file(
                    {key: np.ascontiguousarray(one) for key, one in part.arrays.items()}, folder / f"{name}.safetensors"
                )
                (folder / f"{name}.json").write_text(json.dumps(part.words))


def fit_people(log: Log, catalogue: Catalogue, half_lives: HalfLives) -> LearnedPeople:
    """From all behaviours. Blocking, seconds: 2 to 9 for 60,000 behaviours of 3,000 users up to a million of 2,000."""
    kinds = segments.fit_segments(log, catalogue)
    of_user = kinds.of_user if kinds else np.full(log.n_users, -1, dtype=np.int32)
    return LearnedPeople(kinds, topics.fit_topics(log, catalogue, half_lives), of_user)
