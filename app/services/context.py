"""The parts a use case works with; `app.bootstrap` puts them together."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.encoders.narrator import Narrator
from app.encoders.text_encoder import TextEncoder
from app.ingest.rules import IngestRules
from app.profiles.decay import HalfLives
from app.registry.store import Store
from app.retrieval.base import World
from app.services.checkpoints import CheckpointSaver
from app.services.decisions import DecisionSaver
from app.services.narrations import Wishes
from app.services.quarantine import Quarantine
from app.services.scenarios import Scenarios
from app.services.turns import Turns
from app.storage.engine import Database
from app.training.pipeline import Plan

NOT_LOADED = "not loaded"  # the model version of the empty world that a process begins with


@dataclass(slots=True)
class Context:
    """One process's parts. `world` is replaced whole by `follow`; take it once for each request."""

    db: Database
    encoder: TextEncoder
    store: Store
    world: World
    now: Callable[[], datetime]
    ingest: IngestRules = field(default_factory=IngestRules)
    half_lives: HalfLives = field(default_factory=HalfLives)
    decoder_minutes: float = 0.0
    decoder_epsilon: float | None = None
    decisions_days: float = 30.0
    checkpoints: CheckpointSaver = field(default_factory=CheckpointSaver)
    narrator: Narrator | None = None
    wishes: Wishes = field(default_factory=Wishes)
    decisions: DecisionSaver = field(default_factory=DecisionSaver)
    quarantine: Quarantine = field(default_factory=Quarantine)
    scenarios: Scenarios = field(default_factory=Scenarios)
    turns: Turns = field(default_factory=Turns)
    # What erased users are known again by and receipts are signed with: one for the whole installation.
    secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    def __post_init__(self) -> None:
        self.decisions.secret = self.secret

    @property
    def plan(self) -> Plan:
        """How models are learned here."""
        return Plan(self.half_lives, self.decoder_minutes, self.store.root / "unfinished", self.decoder_epsilon)
