"""The competitors, each a `replay.Scorer`: fitted from events, scoring a user's history over all items.

`counts` (what is popular, what this user repeats), `pairs` (ItemKNN, EASE and SLIT over pairs of items), `factors`
(iALS and BPR) and `text`.
Each that reads a history takes `tau`: its newest item counts 1, the one `tau` items before exp(-1); None is no decay.
`competitors` lists them all under the names used in reports; `grids` and `tuned` give each its best setting instead.
"""

from app.evaluation.baselines.grids import grids
from app.evaluation.baselines.lineup import competitors, tuned

__all__ = ["competitors", "grids", "tuned"]
