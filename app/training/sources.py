"""The sources of a learned folder, with the network among them where there is one."""

from __future__ import annotations

import json
from pathlib import Path

from app.domain.catalogue import Catalogue, ItemSpace
from app.networks.forward import load_forward
from app.retrieval.artifact import Positions, read_arrays
from app.retrieval.base import Generator
from app.retrieval.decoder import Decoder
from app.retrieval.load import load_generators


def load_sources(path: Path | None, catalogue: Catalogue, space: ItemSpace) -> tuple[Generator, ...]:
    """`path` is a folder that `training.pipeline` wrote; None gives the sources that need no fit."""
    generators = load_generators(path, catalogue, space)
    if path is None or not (path / "decoder.json").exists():
        return generators
    about = json.loads((path / "decoder.json").read_text())
    positions = Positions(json.loads((path / "items.json").read_text()), catalogue)
    arrays = read_arrays(path / "decoder.safetensors")
    reading = about["sizes"]["length"], about["type_names"]
    return (Decoder(arrays, positions, catalogue, load_forward(path), reading), *generators)
