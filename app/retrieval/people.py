"""Segments and topics as a learned folder holds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.profiles.people import People
from app.profiles.segments import open_segments
from app.profiles.topics import open_topics
from app.retrieval.artifact import Arrays, read_arrays

SEGMENTS, TOPICS = "segments", "topics"


def load_people(folder: Path | None) -> People:
    """What is not in the folder was not to be learned: the log was too small."""
    segments, topics = _read(folder, SEGMENTS), _read(folder, TOPICS)
    return People(open_segments(*segments) if segments else None, open_topics(*topics) if topics else None)


def _read(folder: Path | None, name: str) -> tuple[Arrays, dict[str, Any]] | None:
    if folder is None or not (folder / f"{name}.json").is_file():
        return None
    return read_arrays(folder / f"{name}.safetensors"), json.loads((folder / f"{name}.json").read_text())
