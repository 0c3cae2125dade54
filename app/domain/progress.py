"""How long work says how far it is, and learns that it is no longer wanted."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """`share` of the work that is done (0 to 1) and the `stage` it is in. Cheap, from any thread.

    Raises `Cancelled` when the work is to stop: call it often, and leave nothing half done around it.
    """

    def __call__(self, share: float, stage: str) -> None: ...


def unwatched(share: float, stage: str) -> None:
    """For work that nobody watches."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """The progress of one step, which takes the whole from `start` to `end`."""

    def tell(share: float, stage: str) -> None:
        progress(start + share * (end - start), stage)

    return tell
