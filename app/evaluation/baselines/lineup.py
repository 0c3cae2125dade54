"""Who takes part, and in which setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from app.domain.catalogue import Vectors
from app.evaluation.baselines.counts import PersonalFrequency, Popular
from app.evaluation.baselines.factors import Bpr, Ials
from app.evaluation.baselines.pairs import Ease, ItemKnn, Slit
from app.evaluation.baselines.text import TextCosine, views_of
from app.evaluation.replay import Scorer, Track
from app.evaluation.tuning import Trial, best

Maker = Callable[[], Scorer]
ByTrack = Mapping[Track, Maker]

DECAYED = " decayed"
FACTORS = 64
TAU = 5.0  # in behaviours; +40 % NDCG@10 for EASE on ML-100K (QUALITY.md 2)


def competitors(raw: Vectors | None = None, tau: float = TAU, factors: int = FACTORS) -> dict[str, Maker]:
    """Makers by name, untuned. `raw` (V, D) are the encoder's embeddings; without them the text systems stay away."""
    views = views_of(raw)
    makers = counting()
    for suffix, decay in (("", None), (DECAYED, tau)):
        makers |= _learned(suffix, decay, factors) | {
            f"text {name}{suffix}": partial(TextCosine, vectors, decay) for name, vectors in views.items()
        }
    return makers


def tuned(trials: Mapping[str, Sequence[Trial]]) -> dict[str, ByTrack]:
    """Makers by name and track: each competitor in its best setting without decay, and in its best one with it."""
    makers: dict[str, ByTrack] = {name: dict.fromkeys(Track, make) for name, make in counting().items()}
    for fading, suffix in ((False, ""), (True, DECAYED)):
        for name, tried in trials.items():
            chosen = {track: best(tried, track, fading) for track in Track}
            makers[name + suffix] = {track: trial.make for track, trial in chosen.items() if trial}
    return makers


def counting() -> dict[str, Maker]:
    """Those that have no setting: each window stands for itself."""
    return {
        "popular": Popular,
        "popular 1 d": partial(Popular, days=1),
        "popular 7 d": partial(Popular, days=7),
        "popular 30 d": partial(Popular, days=30),
    }


def _learned(suffix: str, tau: float | None, factors: int) -> dict[str, Maker]:
    return {
        f"personal frequency{suffix}": partial(PersonalFrequency, tau),
        f"ItemKNN{suffix}": partial(ItemKnn, tau),
        f"EASE{suffix}": partial(Ease, tau),
        f"SLIT{suffix}": partial(Slit, tau),
        f"iALS{suffix}": partial(Ials, tau, factors),
        f"BPR{suffix}": partial(Bpr, tau, factors),
    }
