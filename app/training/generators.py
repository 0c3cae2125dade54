"""Fits every generator that learns from the log, and writes them as one artifact."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from app.retrieval import neighbours, trend
from app.retrieval.base import Log

FITS = {"trend": trend.fit, "neighbours": neighbours.fit}


def fit_generators(log: Log) -> Callable[[Path], None]:
    """Blocking, seconds to a minute. What it returns writes `<name>.safetensors` and `items.json` into a folder."""
    arrays = {name: fit(log) for name, fit in FITS.items()}

    def write(folder: Path) -> None:
        from safetensors.numpy import save_file

        for name, tensors in arrays.items():
            save_file(tensors, folder / f"{name}.safetensors")
        (folder / "items.json").write_text(json.dumps(log.item_ids))

    return write
