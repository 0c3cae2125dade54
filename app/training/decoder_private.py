"""The decoder's steps where what it tells of any one user is limited: one user is one example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from app.networks.clipping import clipped_sum, noised
from app.training.budget import plan_budget
from app.training.decoder_windows import Sequences, Window

if TYPE_CHECKING:
    from torch import Tensor

# Users' gradients are 2.5 to 7 long in the beginning (UCI online retail): all are cut and count alike, and Adam takes
# any scale.
CLIP = 1.0


class PrivateSteps:
    """Draws users for each step and makes its gradient of theirs, for as many steps as the budget was planned for."""

    def __init__(self, epsilon: float, sequences: Sequences, batch: int, n_steps: int) -> None:
        """Raises `Misconfigured` without Opacus, and where `epsilon` is too small for any noise."""
        self.budget = plan_budget(epsilon, len(sequences.users), batch, n_steps)
        self._sequences = sequences

    def batches(self, n: int, n_behind: int, rng: np.random.Generator) -> Iterator[list[Window]]:
        """Of each step one window of each user drawn, sometimes of nobody; none beyond the budget.

        `n_behind` steps were made before; `rng` must be seeded by the system: who was drawn is a secret.
        """
        users = self._sequences.users
        for _ in range(min(n, self.budget.n_steps - n_behind)):
            drawn = users[rng.random(len(users)) < self.budget.sample_rate]
            yield self._sequences.one_each(drawn, rng)

    def set_gradient(self, losses: Iterable[Tensor], parameters: Sequence[Tensor]) -> None:
        """`losses` are those of the users drawn."""
        sums = clipped_sum(losses, parameters, CLIP)
        expected = self.budget.sample_rate * len(self._sequences.users)
        for parameter, gradient in zip(parameters, noised(sums, CLIP * self.budget.noise_multiplier), strict=True):
            parameter.grad = gradient / expected
