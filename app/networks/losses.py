"""What the decoder is trained for: the chance of the item that came next, among all items.

Shapes: N states that are asked, D width, V items, S negatives.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def full_softmax(hidden: Tensor, targets: Tensor, items: Tensor, bias: Tensor) -> Tensor:
    """Mean -log P of `targets` (N,), numbers of rows in `items` (V, D) with `bias` (V,), at `hidden` (N, D)."""
    return functional.cross_entropy((hidden @ items.T + bias).float(), targets)


def sampled_softmax(
    hidden: Tensor, wanted: tuple[Tensor, Tensor, Tensor], drawn: tuple[Tensor, Tensor, Tensor], log_q: Tensor
) -> Tensor:
    """The same with the sum over all items estimated from S drawn ones, each with the chance exp(`log_q`) (S,).

    `wanted` are the targets (N,) with their vectors (N, D) and biases (N,), `drawn` the negatives (S,), (S, D), (S,),
    alike for all states. Each negative counts 1 / (S q), the logQ correction, so the estimated sum is right on average
    whatever q is (Bengio and Senecal 2008); one that is the target itself counts nothing.
    """
    targets, target_items, target_bias = wanted
    negatives, negative_items, negative_bias = drawn
    true = (hidden * target_items).sum(dim=1) + target_bias
    correction = log_q + torch.log(torch.tensor(float(len(negatives)), device=log_q.device))
    others = hidden @ negative_items.T + (negative_bias - correction)
    others = others.float().masked_fill(negatives[None] == targets[:, None], -torch.inf)
    total = torch.logsumexp(torch.cat([true.float()[:, None], others], dim=1), dim=1)
    return (total - true.float()).mean()


def ndcg_10(scores: Tensor, targets: Tensor) -> Tensor:
    """(N, V), (N,) -> (N,) of one right answer each, equal scores counting half: what the exam asks for."""
    true = scores.gather(1, targets[:, None])
    rank = (scores > true).sum(dim=1) + ((scores == true).sum(dim=1) + 1) / 2
    return torch.where(rank <= 10, 1 / torch.log2(1 + rank), 0.0)
