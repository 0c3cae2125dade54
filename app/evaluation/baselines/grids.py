"""In which settings each competitor is tried: nine for everybody who has any."""

from __future__ import annotations

from app.domain.catalogue import Vectors
from app.evaluation.baselines.counts import PersonalFrequency
from app.evaluation.baselines.factors import Bpr, Ials
from app.evaluation.baselines.pairs import Ease, ItemKnn, Slit
from app.evaluation.baselines.text import TextCosine, views_of
from app.evaluation.tuning import Grid

# For those that have nothing else to choose.
MANY_TAUS = (None, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)


def grids(raw: Vectors | None = None) -> dict[str, Grid]:
    """By name of the competitor. The values are around what their authors and libraries recommend."""
    learned = {
        "personal frequency": Grid(lambda tau, _: PersonalFrequency(tau), "", (0.0,), MANY_TAUS),
        "ItemKNN": Grid(lambda tau, shrink: ItemKnn(tau, shrink=shrink), "shrink", (1.0, 10.0, 100.0)),
        "EASE": Grid(Ease, "lam", (50.0, 250.0, 1_000.0)),
        "SLIT": Grid(Slit, "lam", (10.0, 30.0, 300.0), learns_fading=True),
        "iALS": Grid(lambda tau, alpha: Ials(tau, alpha=alpha), "alpha", (1.0, 10.0, 40.0)),
        "BPR": Grid(lambda tau, rate: Bpr(tau, learning_rate=rate), "learning rate", (0.01, 0.05, 0.1)),
    }
    return learned | {f"text {name}": _text(vectors) for name, vectors in views_of(raw).items()}


def _text(vectors: Vectors) -> Grid:
    return Grid(lambda tau, _: TextCosine(vectors, tau), "", (0.0,), MANY_TAUS)
