"""Who takes part."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from app.domain.catalogue import Vectors
from app.evaluation.baselines.counts import PersonalFrequency, Popular
from app.evaluation.baselines.factors import Bpr, Ials
from app.evaluation.baselines.pairs import Ease, ItemKnn, Slit
from app.evaluation.baselines.text import TextCosine, whitened
from app.evaluation.replay import Scorer

FACTORS = 64
TAU = 5.0  # in behaviours; +40 % NDCG@10 for EASE on ML-100K (QUALITY.md 2)


def competitors(
    raw: Vectors | None = None, tau: float = TAU, factors: int = FACTORS
) -> dict[str, Callable[[], Scorer]]:
    """Makers by name. `raw` (V, D) are the encoder's embeddings; without them the text systems stay away."""
    makers: dict[str, Callable[[], Scorer]] = {
        "popular": Popular,
        "popular 1 d": partial(Popular, days=1),
        "popular 7 d": partial(Popular, days=7),
        "popular 30 d": partial(Popular, days=30),
    }
    views = {} if raw is None else _views(raw)
    for suffix, decay in (("", None), (" decayed", tau)):
        makers |= _learned(suffix, decay, factors) | {
            f"text {name}{suffix}": partial(TextCosine, vectors, decay) for name, vectors in views.items()
        }
    return makers


def _learned(suffix: str, tau: float | None, factors: int) -> dict[str, Callable[[], Scorer]]:
    return {
        f"personal frequency{suffix}": partial(PersonalFrequency, tau),
        f"ItemKNN{suffix}": partial(ItemKnn, tau),
        f"EASE{suffix}": partial(Ease, tau),
        f"SLIT{suffix}": partial(Slit, tau),
        f"iALS{suffix}": partial(Ials, tau, factors),
        f"BPR{suffix}": partial(Bpr, tau, factors),
    }


def _views(raw: Vectors) -> dict[str, Vectors]:
    return {"raw": raw, "half-whitened": whitened(raw, 0.25), "whitened": whitened(raw, 0.5)}
