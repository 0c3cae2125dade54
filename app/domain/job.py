"""A piece of work that is not done within its request: asked for, waited for, watched and cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

JobKind = Literal["train", "train_encoder", "space", "erase"]
JobStatus = Literal["queued", "running", "done", "failed", "cancelled"]

TRAIN: JobKind = "train"
TRAIN_ENCODER: JobKind = "train_encoder"
SPACE: JobKind = "space"
ERASE: JobKind = "erase"
# What takes minutes; the others are done within seconds and do not wait behind it.
LONG: tuple[JobKind, ...] = (TRAIN, TRAIN_ENCODER, SPACE)


@dataclass(frozen=True, slots=True)
class Job:
    """`result` is what came of it, `error` why nothing did; `log` are its last stages, each with its time."""

    job_id: str
    kind: JobKind
    parameters: dict[str, Any]
    status: JobStatus
    progress: float
    stage: str
    log: list[str]
    result: dict[str, Any] | None
    error: str | None
    cancel_requested: bool
    n_starts: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        return self.ended_at is not None
