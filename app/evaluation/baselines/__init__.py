"""The competitors, each a `replay.Scorer`: fitted from events, scoring a user's history over all items.

`counts` (what is popular, what this user repeats), `pairs` (ItemKNN, EASE and SLIT over pairs of items) and `text`.
Each that reads a history takes `tau`: its newest item counts 1, the one `tau` items before exp(-1); None is no decay.
`competitors` lists them all under the names used in reports.
"""

from app.evaluation.baselines.lineup import competitors

__all__ = ["competitors"]
