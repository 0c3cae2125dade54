"""A tuned encoder against MiniLM, and the verdict: `python -m benchmarks.encoder ifdb --data-dir DATA --minutes 5`."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

import numpy as np

from app.domain.item import Item
from app.encoders.text_encoder import TextEncoder
from app.encoders.weights import locate
from app.evaluation.events import Columns, order_events
from app.retrieval.base import Log
from app.services.train_encoder import encoded, half_whitened
from app.training.encoder import EncoderSettings, tune_encoder
from app.training.encoder_gate import judge_encoder, set_encoder_exam
from app.training.encoder_pairs import pairs_of
from benchmarks.quality.data import SETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=SETS)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--batch", type=int, default=EncoderSettings().batch)
    parser.add_argument("--learning-rate", type=float, default=EncoderSettings().learning_rate)
    given = parser.parse_args()
    exam = set_encoder_exam(*_read(given.data, given.data_dir))
    pairs = pairs_of(exam.lessons, exam.texts, seed=1)
    settings = EncoderSettings(minutes=given.minutes, batch=given.batch, learning_rate=given.learning_rate)
    champion = TextEncoder()
    champion.load()
    old = half_whitened(asyncio.run(encoded(champion, exam.items)))
    with tempfile.TemporaryDirectory() as folder:
        tuned = tune_encoder(pairs, locate(None).folder, settings, _told, Path(folder) / "scratch")
        tuned.write(Path(folder) / "tuned")
        challenger = TextEncoder(str(Path(folder) / "tuned"))
        challenger.load()
        new = half_whitened(asyncio.run(encoded(challenger, exam.items)))
    print(json.dumps({"data": given.data, **tuned.about, "verdict": judge_encoder(exam, old, new)}, indent=2))


def _read(name: str, data_dir: Path) -> tuple[Log, list[Item]]:
    columns: Columns
    columns, items = SETS[name](data_dir / name)
    events = order_events(columns, [item.item_id for item in items])
    words = events.vocabulary
    order = events.users, events.items, events.at, events.weights, np.asarray(events.types)
    return Log(*order, events.n_users, list(words.item_ids), list(words.types)), items


def _told(share: float, stage: str) -> None:
    print(f"{share:6.1%} {stage}", end="\r", flush=True)


if __name__ == "__main__":
    main()
