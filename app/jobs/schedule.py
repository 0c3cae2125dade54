"""What is due when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.domain.errors import PortraitError
from app.jobs.beside import Beside
from app.jobs.news import RetrainOnNews
from app.services.context import Context
from app.services.decide import forget_old_decisions
from app.services.embed_texts import embed_texts
from app.services.learn_online import LearnOnline
from app.services.narrations import narrate
from app.services.publish_space import publish_space
from app.services.retention import forget_old_behaviors

MOST_S = 60.0


@dataclass(slots=True)
class Step:
    """One job. `every_s` is the pause after it found nothing to do; after success it is asked again at once, or when it
    has rested so long that it takes no more than its `share` of the time: others answer requests on the same cores.

    A step that goes on failing is tried less and less often, down to every `MOST_S` seconds.
    """

    name: str
    run: Callable[[Context], Awaitable[int | None]]
    every_s: float
    share: float = 1.0
    due_at: float = 0.0
    n_failures: int = 0

    def done(self, result: int | None, started: float, ended: float) -> None:
        self.n_failures = 0
        rest = (ended - started) * (1.0 / self.share - 1.0)
        self.due_at = ended + max(rest, 0.0 if result else self.every_s)

    def failed(self, error: Exception, at: float) -> str:
        """Returns what to say of it."""
        self.n_failures += 1
        self.due_at = at + min(self.every_s * 2**self.n_failures, MOST_S)
        said = error.detail if isinstance(error, PortraitError) else type(error).__name__
        return f"{self.name} failed, again in {self.due_at - at:.0f} s: {said}"


def steps() -> list[Step]:
    """In this order: a space is made of vectors, and what is learned from behaviours comes last, as a job."""
    return [
        Step("embed_texts", embed_texts, every_s=1.0),
        Step("publish_space", publish_space, every_s=5.0),
        Step("learn_online", LearnOnline(), every_s=10.0, share=0.25),
        Step("forget_decisions", forget_old_decisions, every_s=3_600.0),
        Step("forget_behaviors", forget_old_behaviors, every_s=3_600.0),
        Step("ask_for_training", RetrainOnNews(), every_s=10.0),
        Step("narrate", Beside(narrate), every_s=1.0),
    ]
