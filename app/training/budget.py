"""What a training with noise may tell of any one user, and how much noise that takes. Opacus does the accounting."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from app.domain.errors import Misconfigured

# Those of Opacus, and higher ones, which small budgets need.
ORDERS = (*(1 + tenth / 10 for tenth in range(1, 100)), *range(12, 64), 80, 96, 128, 192, 256, 512)


@dataclass(frozen=True, slots=True)
class Budget:
    """`n_steps` steps, each on users drawn independently with the chance `sample_rate`, each with normal noise of
    `noise_multiplier` times the length that a user's gradient is cut to, are (`epsilon`, `delta`)-private.
    """

    epsilon: float
    delta: float
    noise_multiplier: float
    sample_rate: float
    n_steps: int

    def spent(self, n_steps: int) -> float:
        """The epsilon of the first steps, by Renyi privacy of the sampled Gaussian (Mironov et al. 2019)."""
        accountant = _opacus().RDPAccountant()
        accountant.history = [(self.noise_multiplier, self.sample_rate, n_steps)] if n_steps else []
        return float(accountant.get_epsilon(self.delta, alphas=list(ORDERS)))

    def about(self, n_steps: int) -> dict[str, Any]:
        """As JSON: what was spent by so many steps, of what."""
        return asdict(self) | {
            "unit": "user",
            "budget": self.epsilon,
            "epsilon": self.spent(n_steps),
            "n_steps": n_steps,
        }


def plan_budget(epsilon: float, n_users: int, batch: int, n_steps: int) -> Budget:
    """For `batch` users a step on average; delta is 1 / `n_users`^1.1, less than the chance to be any one of them.

    Raises `Misconfigured` without Opacus, and where no noise is enough.
    """
    utils = _opacus().utils
    sample_rate, delta = min(1.0, batch / n_users), n_users**-1.1
    try:
        multiplier = utils.get_noise_multiplier(
            target_epsilon=epsilon,
            target_delta=delta,
            sample_rate=sample_rate,
            steps=n_steps,
            epsilon_tolerance=epsilon / 100,
            alphas=list(ORDERS),
        )
    except ValueError:
        raise Misconfigured(
            f"No noise makes a decoder as private as PORTRAIT_DECODER_EPSILON={epsilon:g} asks for.",
            "Set it to 0.5 or more, or leave the decoder out.",
        ) from None
    return Budget(epsilon, delta, float(multiplier), sample_rate, n_steps)


def require_budgets() -> None:
    """Raises `Misconfigured` without Opacus: to be known before anything is learned."""
    _opacus()


def _opacus() -> Any:
    try:
        from opacus import accountants
        from opacus.accountants import utils  # noqa: F401 (makes it an attribute)
    except ImportError:
        raise Misconfigured(
            "PORTRAIT_DECODER_EPSILON needs Opacus: pip install 'portrait[privacy]'.",
            "Install it, or unset PORTRAIT_DECODER_EPSILON to train the decoder without privacy.",
        ) from None
    return accountants
