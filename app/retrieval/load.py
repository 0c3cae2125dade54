"""The generators a worker answers with: fitted ones from an artifact, the others from catalogue and space alone."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

from app.domain.catalogue import Catalogue, ItemSpace
from app.retrieval import ease, neighbours, slit
from app.retrieval.artifact import Positions, read_arrays
from app.retrieval.base import Generator
from app.retrieval.fresh import Fresh
from app.retrieval.habits import BuyAgain
from app.retrieval.interests import Interests
from app.retrieval.item_to_item import ItemToItem
from app.retrieval.people import load_people
from app.retrieval.segments import SegmentTrend
from app.retrieval.statement import Statements
from app.retrieval.text_map import TextMap
from app.retrieval.trend import Trend


def load_generators(path: Path | None, catalogue: Catalogue, space: ItemSpace) -> tuple[Generator, ...]:
    """`path` is a folder that `app.training.generators` wrote; None gives the generators that need no fit."""
    if path is None:
        return _unfitted(catalogue, space, Positions((), catalogue))
    positions = Positions(json.loads((path / "items.json").read_text()), catalogue)
    return (
        Trend(read_arrays(path / "trend.safetensors"), positions, catalogue),
        *(_item_to_item(path, source, positions, catalogue) for source in (slit, ease, neighbours)),
        ItemToItem(slit.LINES, read_arrays(path / "lines.safetensors"), positions, catalogue, slit.POWER, by_line=True),
        *_segment(path, positions),
        TextMap(read_arrays(path / "text_map.safetensors"), catalogue, space),
        *_unfitted(catalogue, space, positions),
    )


def load_online(path: Path, catalogue: Catalogue, space: ItemSpace) -> dict[str, Generator]:
    """By name, those that learned on since; `path` is a folder that `app.training.online` wrote."""
    positions = Positions(json.loads((path / "items.json").read_text()), catalogue)
    return {
        Trend.name: Trend(read_arrays(path / "trend.safetensors"), positions, catalogue),
        TextMap.name: TextMap(read_arrays(path / "text_map.safetensors"), catalogue, space),
    }


def _unfitted(catalogue: Catalogue, space: ItemSpace, positions: Positions) -> tuple[Generator, ...]:
    return (BuyAgain(), Interests(catalogue, space), Statements(space), Fresh(catalogue, space, positions))


def _segment(path: Path, positions: Positions) -> tuple[Generator, ...]:
    people = load_people(path)
    if people.segments is None:
        return ()
    return (SegmentTrend(read_arrays(path / "segment.safetensors"), positions, people.segments.names),)


def _item_to_item(path: Path, source: ModuleType, positions: Positions, catalogue: Catalogue) -> ItemToItem:
    arrays = read_arrays(path / f"{source.NAME}.safetensors")
    return ItemToItem(source.NAME, arrays, positions, catalogue, source.POWER)
