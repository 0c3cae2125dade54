"""The gradient of a step of DP-SGD (Abadi et al., CCS 2016): each user's is cut to a length, their sum gets noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def clipped_sum(losses: Iterable[Tensor], parameters: Sequence[Tensor], bound: float) -> list[Tensor]:
    """Sums of gradients, shaped like `parameters`; each of `losses`, scalars, is that of one user.

    One user more or less changes them by at most `bound` (Euclidean, all parameters together), whatever it says: a
    gradient that is no number counts nothing.
    """
    sums = [torch.zeros_like(parameter) for parameter in parameters]
    for loss in losses:
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        length = float(torch.nn.utils.get_total_norm(gradients))
        if math.isfinite(length):
            for total, gradient in zip(sums, gradients, strict=True):
                total.add_(gradient, alpha=min(1.0, bound / (length + 1e-6)))
    return sums


def noised(sums: Iterable[Tensor], deviation: float) -> list[Tensor]:
    """With normal noise on every number, from torch's generator: its seed must be known to nobody.

    Each is half the sum of four draws, so that the last digits of a float do not tell which draw it was (Holohan and
    Braghin, ESORICS 2021).
    """
    return [one + deviation / 2 * torch.randn(4, *one.shape, device=one.device).sum(dim=0) for one in sums]
