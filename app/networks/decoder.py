"""P(y_{t+1} | y_{1:t}, x) = softmax(W h_t + b): a causal transformer over the behaviours of a user.

Shapes: B users (windows of their behaviours), T behaviours of each, oldest first; D width, V items, E width of a text
vector, F profile features. A window begins with one token made of the profile x, so there are T + 1 hidden states:
number t has read x and y_1 to y_t and speaks of y_{t+1}.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

# Time is told apart on a logarithmic scale: minutes, in steps of half an octave, up to 30 years.
N_BUCKETS = 48


@dataclass(frozen=True, slots=True)
class DecoderSizes:
    n_types: int
    n_features: int
    width: int = 64
    n_layers: int = 2
    n_heads: int = 2
    length: int = 50
    dropout: float = 0.2


@dataclass(frozen=True, slots=True)
class Behaviors:
    """What happened, padded on the right with whatever: no state that comes before can see it.

    `items` (B, T) are numbers of items, which tell repeats apart, and `types` (B, T) those of behaviour types, 0 where
    unknown; `at` (B, T) is when, and `asked_at` (B, T) when the next one was asked for, both float64 seconds;
    `profile` (B, F) is x.
    """

    items: Tensor
    types: Tensor
    at: Tensor
    asked_at: Tensor
    profile: Tensor


class ItemTable(nn.Module):
    """The items as (V, D): what a behaviour enters with, and the W of the softmax. One table, so both are learned.

    An item is its own embedding plus what its text says. In training a share of the embeddings is left out at each
    step, so that the text learns to stand for an item with few behaviours.
    """

    def __init__(self, texts: Tensor, width: int, id_dropout: float) -> None:
        """`texts` (V, E) are half-whitened vectors; a row of NaN is an item without one."""
        super().__init__()
        has_text = texts.isfinite().all(dim=1, keepdim=True)
        self.ids = nn.Embedding(len(texts), width)
        self.text_map = nn.Linear(texts.shape[1], width, bias=False)
        self.bias = nn.Parameter(torch.zeros(len(texts)))
        self.register_buffer("texts", torch.where(has_text, texts, 0.0), persistent=False)
        self.register_buffer("droppable", has_text, persistent=False)
        self.id_dropout = id_dropout
        nn.init.normal_(self.ids.weight, std=0.05)
        nn.init.normal_(self.text_map.weight, std=0.05)

    def forward(self, items: Tensor) -> Tensor:
        """(U,) numbers of items -> (U, D)."""
        ids = self.ids(items)
        if self.training and self.id_dropout:
            kept = torch.rand(len(items), 1, device=ids.device) >= self.id_dropout
            ids = ids * (kept | ~self.get_buffer("droppable")[items])
        vectors: Tensor = ids + self.text_map(self.get_buffer("texts")[items])
        return vectors


class Decoder(nn.Module):
    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        width = sizes.width
        self.sizes = sizes
        self.types = nn.Embedding(sizes.n_types + 1, width)
        self.gaps = nn.Embedding(N_BUCKETS, width)
        self.prefix = nn.Linear(sizes.n_features, width)
        self.biases = RelativeBiases(sizes.length, sizes.n_heads)
        self.dropout = nn.Dropout(sizes.dropout)
        # Not gelu or relu: in evaluation torch has a shorter way for them that takes an additive mask for one of yes
        # and no (pytorch issue 107084), so that all with a bias but 0 is hidden.
        block = nn.TransformerEncoderLayer(
            width, sizes.n_heads, 4 * width, sizes.dropout, functional.silu, batch_first=True, norm_first=True
        )
        norm = nn.LayerNorm(width)
        self.blocks = nn.TransformerEncoder(block, sizes.n_layers, norm, enable_nested_tensor=False)
        for table in (self.types, self.gaps):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, vectors: Tensor, behaviors: Behaviors) -> Tensor:
        """`vectors` (B, T, D) of the items -> hidden states (B, T + 1, D)."""
        gaps = self.gaps(bucket(behaviors.asked_at - behaviors.at))
        # The factor keeps an item audible beside the type and the gap, whose tables are shared by all.
        tokens = vectors * vectors.shape[-1] ** 0.5 + self.types(behaviors.types) + gaps
        tokens = torch.cat([self.prefix(behaviors.profile)[:, None], tokens], dim=1)
        hidden: Tensor = self.blocks(self.dropout(tokens), mask=self.biases(behaviors).flatten(0, 1))
        return hidden


class NextItem(nn.Module):
    """All that is learned: softmax(table @ h_t + table.bias)."""

    def __init__(self, table: ItemTable, decoder: Decoder) -> None:
        super().__init__()
        self.table = table
        self.decoder = decoder


class RelativeBiases(nn.Module):
    """What the order and the time add to attention: how many items came since, and how long before the request.

    An item is seen at its newest time only, as in a query: once it comes again, its earlier token is hidden.
    """

    def __init__(self, length: int, n_heads: int) -> None:
        super().__init__()
        self.steps = nn.Parameter(torch.zeros(n_heads, length))
        self.ages = nn.Parameter(torch.zeros(n_heads, N_BUCKETS))
        self.profile = nn.Parameter(torch.zeros(n_heads))

    def forward(self, behaviors: Behaviors) -> Tensor:
        """(B, heads, T + 1, T + 1), the row who looks and the column who is looked at; -inf where nobody may."""
        seen = _seen(behaviors.items)
        steps = (seen.flip(-1).cumsum(-1).flip(-1) - 1).clamp(0, self.steps.shape[1] - 1)
        ages = bucket(behaviors.asked_at[:, :, None] - behaviors.at[:, None, :])
        bias = (self.steps[:, steps] + self.ages[:, ages]).transpose(0, 1)
        bias = bias.masked_fill(~seen[:, None], -torch.inf)
        n_users, n_heads, length, _ = bias.shape
        profile = self.profile[None, :, None, None].expand(n_users, n_heads, length + 1, 1)
        blind = bias.new_full((n_users, n_heads, 1, length), -torch.inf)
        return torch.cat([profile, torch.cat([blind, bias], dim=2)], dim=3)


def _seen(items: Tensor) -> Tensor:
    """(B, T) -> (B, T, T) true where the state of the row sees the behaviour of the column."""
    later = (items[:, :, None] == items[:, None, :]).triu(1)  # the same item again: column after row
    hidden = (later.cumsum(2) > 0).transpose(1, 2)
    return torch.ones_like(later).tril() & ~hidden


def bucket(seconds: Tensor) -> Tensor:
    """Float64 seconds -> numbers below N_BUCKETS."""
    octaves = torch.log2(1 + seconds.clamp(min=0) / 60)
    return (2 * octaves).long().clamp(max=N_BUCKETS - 1)
