"""Where candidates come from: one generator a file, what it learns (`fit`) and how it scores together.

A `Query` enters, each generator answers with `Scored`, and `fuse` makes one list of them.
Start with `base`, then `query` (user state -> query) and `load` (artifact on disk -> generators).
"""

from app.retrieval.load import load_generators

__all__ = ["load_generators"]
