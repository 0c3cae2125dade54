"""A learned folder becomes a world to answer from."""

from __future__ import annotations

from pathlib import Path

from app.domain.catalogue import Catalogue, ItemSpace
from app.retrieval.base import World
from app.training.policies import load_policies
from app.training.sources import load_sources


def load_world(folder: Path | None, catalogue: Catalogue, space: ItemSpace, version: str) -> World:
    """Without a folder: the generators that need no fit, in the plain mixture."""
    policies = load_policies(folder) if folder else {}
    return World(catalogue, space, load_sources(folder, catalogue, space), version, policies)
