"""A learned folder becomes a world to answer from."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from app.domain.catalogue import Catalogue, ItemSpace
from app.networks.forward import load_forward
from app.profiles.people import People
from app.retrieval.artifact import Positions, read_arrays
from app.retrieval.base import Generator, Policy, World
from app.retrieval.decoder import Decoder
from app.retrieval.load import load_generators
from app.retrieval.people import load_people
from app.training.policies import load_policies


def load_world(folder: Path | None, catalogue: Catalogue, space: ItemSpace, version: str) -> World:
    """Without a folder: the sources that need no fit, in the plain mixture."""
    generators = load_generators(folder, catalogue, space)
    if folder is not None and (folder / "decoder.json").exists():
        generators = (_decoder(folder, catalogue), *generators)
    policies, people = _of_everybody(folder) if folder else ({}, People())
    return World(catalogue, space, generators, version, policies, people)


@lru_cache(maxsize=2)
def _of_everybody(folder: Path) -> tuple[dict[str, Policy], People]:
    """What does not hang on the catalogue, read once: a world is made anew with every new item, and a folder never
    changes.
    """
    return load_policies(folder), load_people(folder)


def _decoder(folder: Path, catalogue: Catalogue) -> Generator:
    about = json.loads((folder / "decoder.json").read_text())
    positions = Positions(json.loads((folder / "items.json").read_text()), catalogue)
    reading = about["sizes"]["length"], about["type_names"]
    return Decoder(read_arrays(folder / "decoder.safetensors"), positions, catalogue, load_forward(folder), reading)
