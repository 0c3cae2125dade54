"""Helpers of the tests of sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.sources.base import Batch


def raws(batches: Iterator[Batch]) -> list[dict[str, Any]]:
    return [row.raw for batch in batches for row in batch.rows]
