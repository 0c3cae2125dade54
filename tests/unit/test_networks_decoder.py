"""The network alone: what a state may see, what it may not, and what it is trained for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from app.networks.decoder import Behaviors, Decoder, DecoderSizes, ItemTable, bucket
from app.networks.losses import full_softmax, sampled_softmax

B, T, D, V, F = 3, 6, 16, 20, 4
HOUR = 3600.0


@pytest.fixture
def decoder() -> Decoder:
    torch.manual_seed(0)
    decoder = Decoder(DecoderSizes(n_types=2, n_features=F, width=D, length=T, dropout=0.0))
    for table in decoder.biases.parameters():  # as learned: what begins at 0 would hide a mistake
        torch.nn.init.normal_(table)
    return decoder


@pytest.fixture
def table() -> ItemTable:
    torch.manual_seed(1)
    return ItemTable(torch.randn(V, 8), D, id_dropout=0.0)


def behaviors(items: Tensor) -> Behaviors:
    n_users, length = items.shape
    at = torch.arange(length, dtype=torch.float64).repeat(n_users, 1) * 5 * HOUR
    types = (items % 3).clamp(max=2)
    return Behaviors(items, types, at, at + 5 * HOUR, torch.linspace(-1, 1, F).repeat(n_users, 1))


def some() -> Behaviors:
    return behaviors(torch.stack([torch.randperm(V, generator=torch.Generator().manual_seed(n))[:T] for n in range(B)]))


def states(decoder: Decoder, table: ItemTable, read: Behaviors) -> Tensor:
    vectors = table(read.items.flatten()).view(*read.items.shape, D)
    return decoder(vectors, read)


@torch.no_grad()
def test_what_comes_later_changes_nothing_before(decoder: Decoder, table: ItemTable) -> None:
    read = some()
    changed = replace(read, items=read.items.clone(), types=read.types.clone(), asked_at=read.asked_at.clone())
    changed.items[:, 3] = (read.items[:, 3] + 1) % V
    changed.types[:, 3] = (read.types[:, 3] + 1) % 3
    changed.asked_at[:, 3] += 1e6
    before, after = states(decoder, table, read), states(decoder, table, changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert ((before[:, 4:] - after[:, 4:]).abs().amax(dim=(0, 2)) > 1e-3).all()


@torch.no_grad()
def test_padding_changes_nothing(decoder: Decoder, table: ItemTable) -> None:
    read = some()
    short = Behaviors(read.items[:, :3], read.types[:, :3], read.at[:, :3], read.asked_at[:, :3], read.profile)
    torch.testing.assert_close(states(decoder, table, short), states(decoder, table, read)[:, :4])


@torch.no_grad()
def test_nothing_read_leaves_the_profile(decoder: Decoder, table: ItemTable) -> None:
    read = some()
    empty = Behaviors(read.items[:, :0], read.types[:, :0], read.at[:, :0], read.asked_at[:, :0], read.profile)
    other = replace(empty, profile=-read.profile)
    assert states(decoder, table, empty).shape == (B, 1, D)
    assert not torch.allclose(states(decoder, table, empty), states(decoder, table, other))


@torch.no_grad()
def test_evaluation_says_what_training_learned(decoder: Decoder, table: ItemTable) -> None:
    """Torch's shorter way of evaluation gets additive masks wrong; without dropout both must agree."""
    trained = states(decoder, table, some())
    decoder.eval()
    with torch.inference_mode():
        torch.testing.assert_close(states(decoder, table, some()), trained)


@torch.no_grad()
def test_an_item_that_comes_again_is_seen_once(decoder: Decoder, table: ItemTable) -> None:
    """With one layer: in more, the states between still remember that it was there."""
    decoder.blocks.layers = decoder.blocks.layers[:1]
    again = behaviors(torch.tensor([[4, 7, 9, 4]]))
    once = Behaviors(*(part[:, 1:] for part in (again.items, again.types, again.at, again.asked_at)), again.profile)
    torch.testing.assert_close(states(decoder, table, again)[:, -1], states(decoder, table, once)[:, -1])
    assert not torch.allclose(states(decoder, table, again)[:, -2], states(decoder, table, once)[:, -2])


@torch.no_grad()
def test_the_time_of_the_request_counts(decoder: Decoder, table: ItemTable) -> None:
    read = some()
    later = replace(read, asked_at=read.asked_at + torch.tensor([0.0] * (T - 1) + [90 * 24 * HOUR]))
    now, then = states(decoder, table, read), states(decoder, table, later)
    torch.testing.assert_close(now[:, :-1], then[:, :-1])
    assert not torch.allclose(now[:, -1], then[:, -1])


def test_buckets_tell_minutes_from_hours_and_years_from_decades() -> None:
    seconds = torch.tensor([-5.0, 0.0, 60.0, 120.0, HOUR, 24 * HOUR, 365 * 24 * HOUR, 1e12], dtype=torch.float64)
    numbers = bucket(seconds).tolist()
    assert numbers[0] == numbers[1] == 0
    assert numbers[1:] == sorted(set(numbers[1:]))
    assert numbers[-1] == 47


def test_what_enters_is_what_is_scored(decoder: Decoder, table: ItemTable) -> None:
    """One table: an item that is only wanted, never read, still learns where it enters."""
    read = behaviors(torch.tensor([[1, 2]]))
    hidden = states(decoder, table, read)[:, -1]
    full_softmax(hidden, torch.tensor([3]), table(torch.arange(V)), table.bias).backward()
    gradient = table.ids.weight.grad
    assert gradient is not None
    assert (gradient.norm(dim=1) > 0).all()
    assert len(list(table.parameters())) == 3  # embedding, text map, bias: no second matrix


def test_text_stands_for_an_embedding_that_is_left_out() -> None:
    texts = torch.randn(V, 8)
    texts[0] = torch.nan
    table = ItemTable(texts, D, id_dropout=1.0)
    with torch.no_grad():
        trained = table(torch.arange(V))
        table.eval()
        whole = table(torch.arange(V))
    torch.testing.assert_close(trained[1:], table.text_map(texts[1:]))
    torch.testing.assert_close(trained[0], table.ids.weight[0])  # without a text nothing else could stand for it
    torch.testing.assert_close(whole, table.ids.weight + table.text_map(texts.nan_to_num()))


@torch.no_grad()
@pytest.mark.parametrize("skewed", [False, True])
def test_sampled_loss_is_the_full_one_on_average(skewed: bool) -> None:
    generator = torch.Generator().manual_seed(5)
    hidden, items = torch.randn(7, D, generator=generator) / 2, torch.randn(V, D, generator=generator) / 2
    bias, targets = torch.randn(V, generator=generator), torch.randint(V, (7,), generator=generator)
    chances = torch.softmax(torch.randn(V, generator=generator) * skewed, dim=0)
    losses = []
    for _ in range(200):
        drawn = torch.multinomial(chances, 400, replacement=True, generator=generator)
        wanted = (targets, items[targets], bias[targets])
        losses.append(sampled_softmax(hidden, wanted, (drawn, items[drawn], bias[drawn]), chances[drawn].log()))
    full = full_softmax(hidden, targets, items, bias)
    assert torch.stack(losses).mean().item() == pytest.approx(full.item(), abs=0.02)
