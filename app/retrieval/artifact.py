"""Fitted arrays on disk, and how their positions meet the rows of a catalogue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, Rows

Arrays = dict[str, NDArray[Any]]

_DTYPES = {"I32": np.int32, "I64": np.int64, "F16": np.float16, "F32": np.float32, "F64": np.float64}


def read_arrays(path: Path) -> Arrays:
    """The tensors of a safetensors file, mapped read-only: workers share the pages (safetensors' own reader copies)."""
    with path.open("rb") as file:
        n_header_bytes = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(n_header_bytes))
    # As a plain array: every view of a memmap would carry the file along, which makes small reads slow.
    body = np.asarray(np.memmap(path, dtype=np.uint8, mode="r", offset=8 + n_header_bytes))
    return {
        name: body[slice(*about["data_offsets"])].view(_DTYPES[about["dtype"]]).reshape(about["shape"])
        for name, about in header.items()
        if name != "__metadata__"
    }


class Positions:
    """Generators are fitted over the items of a log (positions), and answer in rows of the catalogue.

    An item that is not in the catalogue has row -1; one that was not in the log has position -1.
    """

    def __init__(self, item_ids: Sequence[str], catalogue: Catalogue) -> None:
        self.rows: Rows = catalogue.rows(item_ids)
        self._of_row = np.full(catalogue.n_rows, -1, dtype=np.int32)
        known = np.flatnonzero(self.rows >= 0)
        self._of_row[self.rows[known]] = known

    def of(self, rows: Rows) -> NDArray[np.int32]:
        """(N,) rows -> (N,) positions."""
        known = np.flatnonzero((rows >= 0) & (rows < len(self._of_row)))
        positions = np.full(len(rows), -1, dtype=np.int32)
        positions[known] = self._of_row[rows[known]]
        return positions
