"""The log of all users as arrays."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.ingest.weigh import Weights, weigh
from app.retrieval.base import Log

COLUMNS = ("user_id", "item_id", "type", "at", "value")


def read_log(csv: bytes, weights: Weights) -> Log:
    """`csv` has the columns user_id, item_id, type, seconds since 1970 and value (may be empty), in order of time.

    1.5 million lines take a second or two.
    """
    table = _read(csv)
    type_names, types = _coded(table["type"])
    line_weights = _weights(types, type_names, table["value"], weights)
    user_ids, users = _coded(table["user_id"])
    item_ids, items = _coded(table["item_id"])
    return Log(
        users=users,
        items=items,
        at=np.asarray(table["at"]),
        weights=line_weights,
        types=types.astype(np.int16),
        n_users=len(user_ids),
        item_ids=item_ids,
        type_names=type_names,
    )


def _read(csv: bytes) -> Any:
    import pyarrow as pa
    from pyarrow import csv as pa_csv

    words = pa.dictionary(pa.int32(), pa.string())
    kinds = {"user_id": words, "item_id": words, "type": words, "at": pa.float64(), "value": pa.float64()}
    if not csv:
        return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})
    return pa_csv.read_csv(
        io.BytesIO(csv),
        read_options=pa_csv.ReadOptions(column_names=list(COLUMNS)),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(column_types=kinds, strings_can_be_null=False),
    )


def _coded(column: Any) -> tuple[list[str], NDArray[np.int32]]:
    """The distinct words, and for each line the number of its word."""
    whole = column.unify_dictionaries().combine_chunks()
    chunks = [chunk for chunk in getattr(whole, "chunks", [whole]) if len(chunk)]
    if not chunks:
        return [], np.empty(0, dtype=np.int32)
    words: list[str] = chunks[0].dictionary.to_pylist()
    return words, np.concatenate([np.asarray(chunk.indices) for chunk in chunks])


def _weights(types: NDArray[np.int32], names: list[str], values: Any, weights: Weights) -> NDArray[np.float32]:
    """(N,) each distinct pair of type and value is weighed once."""
    distinct, place = np.unique(np.asarray(values.to_numpy(), dtype=np.float64), return_inverse=True)
    pairs, pair_of = np.unique(types.astype(np.int64) * len(distinct) + place, return_inverse=True)
    weighed = []
    for type, number in zip(*np.divmod(pairs, max(len(distinct), 1)), strict=True):
        value = float(distinct[number])
        weighed.append(weigh(weights, names[type], None if np.isnan(value) else value))
    return np.array(weighed, dtype=np.float32)[pair_of]
