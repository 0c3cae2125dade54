"""Fits every generator that learns from the log, and writes them as one artifact."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from app.domain.catalogue import Catalogue, ItemSpace
from app.retrieval import ease, neighbours, slit, text_map, trend
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log

FITS: Mapping[str, Callable[[Log], Arrays]] = MappingProxyType(
    {"trend": trend.fit, "neighbours": neighbours.fit, "slit": slit.fit, "lines": slit.fit_lines, "ease": ease.fit}
)


def fit_generators(log: Log, catalogue: Catalogue, space: ItemSpace) -> Callable[[Path], None]:
    """Blocking, seconds to a minute. What it returns writes `<name>.safetensors` and `items.json` into a folder."""
    wanted = log.wanted().compact()
    arrays = {name: fit(wanted) for name, fit in FITS.items()}
    arrays["text_map"] = text_map.fit(wanted, space.vectors(catalogue.rows(wanted.item_ids)), space.version)

    def write(folder: Path) -> None:
        from safetensors.numpy import save_file

        for name, tensors in arrays.items():
            save_file(tensors, folder / f"{name}.safetensors")
        (folder / "items.json").write_text(json.dumps(wanted.item_ids))

    return write
