"""A decoder with a budget: what one user can change is bounded, noise hides it, and no step is made beyond."""

from __future__ import annotations

import secrets
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from opacus.accountants import PRVAccountant, RDPAccountant

from app.cli.models import _verdict
from app.domain.errors import Misconfigured
from app.networks.clipping import clipped_sum, noised
from app.retrieval.base import Log
from app.storage.models import StoredModel
from app.training.budget import ORDERS, plan_budget
from app.training.decoder import CHECKPOINT, DecoderSettings, _Training, train_decoder
from app.training.decoder_private import CLIP, PrivateSteps
from app.training.decoder_windows import Sequences
from tests.unit.test_training_decoder import V, board, texts

# All 40 users of the board at each step, which is quickest to account for.
PRIVATE = DecoderSettings(
    width=16, n_layers=1, length=6, batch=40, dropout=0.0, id_dropout=0.0, n_passes=4, epsilon=3.0
)


def training_of(log: Log, settings: DecoderSettings = PRIVATE) -> _Training:
    return _Training(log, texts(), settings, Sequences(log, settings.length, settings.seed, hold_out=False))


@pytest.mark.parametrize(
    ("epsilon", "n_users", "batch", "n_steps"), [(0.5, 1000, 50, 100), (3.0, 5000, 64, 300), (8.0, 4000, 80, 20)]
)
def test_the_budget_is_what_opacus_says_step_by_step(epsilon: float, n_users: int, batch: int, n_steps: int) -> None:
    budget = plan_budget(epsilon, n_users, batch, n_steps)
    assert budget.delta < 1 / n_users
    one_by_one = RDPAccountant()
    for _ in range(n_steps):
        one_by_one.step(noise_multiplier=budget.noise_multiplier, sample_rate=min(1.0, batch / n_users))
    assert budget.spent(n_steps) == pytest.approx(one_by_one.get_epsilon(budget.delta, alphas=list(ORDERS)))
    assert one_by_one.get_epsilon(budget.delta) == pytest.approx(budget.spent(n_steps), rel=0.001)
    assert 0.98 * epsilon <= budget.spent(n_steps) <= epsilon < budget.spent(n_steps + n_steps // 10)
    tighter = PRVAccountant()
    tighter.history = [(budget.noise_multiplier, budget.sample_rate, n_steps)]
    assert tighter.get_epsilon(budget.delta) <= epsilon
    assert budget.spent(0) == 0


def test_one_step_on_everybody_costs_what_the_formula_says() -> None:
    """Renyi privacy of order a is a / (2 s^2) for the Gaussian; delta from it by Canonne, Kamath and Steinke 2020."""
    budget = plan_budget(1.0, 100, 100, 1)
    orders = np.array(ORDERS)
    told = orders / (2 * budget.noise_multiplier**2)
    told += np.log((orders - 1) / orders) - (np.log(budget.delta) + np.log(orders)) / (orders - 1)
    assert budget.spent(1) == pytest.approx(told.min())


def test_no_noise_is_enough_for_some() -> None:
    with pytest.raises(Misconfigured, match=r"EPSILON=1e-05") as refusal:
        plan_budget(1e-5, 1000, 50, 100)
    assert "0.5" in refusal.value.hint


def test_one_user_more_or_less_changes_the_sum_by_the_bound_at_most() -> None:
    log = board(n_users=12)
    training = training_of(log)
    sequences, parameters = training._sequences, list(training._network.parameters())
    windows = sequences.one_each(sequences.users, np.random.default_rng(0))

    def sums(some: list[int], bound: float) -> torch.Tensor:
        losses = (training._loss(sequences.windows([windows[user]])) for user in some)
        return torch.cat([one.flatten() for one in clipped_sum(losses, parameters, bound)])

    everybody = list(range(12))
    for user in everybody:
        others = [other for other in everybody if other != user]
        change = torch.linalg.vector_norm(sums(everybody, 0.05) - sums(others, 0.05))
        assert 0.049 < change <= 0.05 + 1e-6
        assert torch.linalg.vector_norm(sums([user], 1e9)) > 0.05  # else there was nothing to cut


def test_whoever_is_extreme_counts_no_more() -> None:
    weight = torch.ones(3, requires_grad=True)
    (cut,) = clipped_sum([weight.sum() * 1e15], [weight], 0.5)
    assert torch.linalg.vector_norm(cut) == pytest.approx(0.5)
    (short,) = clipped_sum([weight.sum() * 0.01], [weight], 0.5)
    assert torch.allclose(short, torch.full((3,), 0.01))
    (none,) = clipped_sum([weight.sum() * torch.nan, weight.sum() * torch.inf], [weight], 0.5)
    assert torch.equal(none, torch.zeros(3))


def test_the_noise_is_as_wide_as_it_is_said_to_be() -> None:
    """40,000 draws, 5 sigmas."""
    (noise,) = noised([torch.zeros(200, 200)], 3.0)
    assert noise.std() == pytest.approx(3.0, abs=5 * 3.0 / np.sqrt(2 * noise.numel()))
    assert noise.mean() == pytest.approx(0.0, abs=5 * 3.0 / np.sqrt(noise.numel()))


def test_a_step_is_the_cut_sum_with_noise_over_the_users_expected() -> None:
    """Of nobody it is noise alone, as wide as the budget says; of a user each number is 1 / 100 more; 5 sigmas."""
    private = PrivateSteps(3.0, Sequences(board(), 6, 7, hold_out=False), 40, 50)
    weight = torch.zeros(100, 100, requires_grad=True)
    torch.manual_seed(secrets.randbits(63))
    width = CLIP * private.budget.noise_multiplier / 40
    for n_drawn in (0, 7):
        private.set_gradient([weight.sum() for _ in range(n_drawn)], [weight])
        assert weight.grad is not None
        assert weight.grad.std() == pytest.approx(width, abs=5 * width / np.sqrt(2 * weight.numel()))
        assert weight.grad.mean() == pytest.approx(n_drawn * CLIP / 100 / 40, abs=5 * width / np.sqrt(weight.numel()))


def test_users_are_drawn_independently_each_with_one_window_of_their_own() -> None:
    log = board(n_users=40)
    sequences = Sequences(log, 6, 7, hold_out=False)
    private = PrivateSteps(3.0, sequences, 10, 4000)
    drawn, together, begins = np.zeros(40), 0, set()
    for chosen in private.batches(10_000, 1000, np.random.default_rng(5)):
        users = [window.begin // 14 for window in chosen]
        assert len(users) == len(set(users))
        assert all(window.end - window.begin == 7 and window.end <= (window.begin // 14 + 1) * 14 for window in chosen)
        drawn[users] += 1
        together += {0, 1} <= set(users)
        begins |= {window.begin % 14 for window in chosen}
    assert begins == set(range(8))
    assert drawn == pytest.approx(3000 * 0.25, abs=5 * np.sqrt(3000 * 0.25 * 0.75))
    assert together == pytest.approx(3000 * 0.25**2, abs=5 * np.sqrt(3000 * 0.25**2))


def test_a_training_ends_with_its_budget(tmp_path: Path) -> None:
    told: list[str] = []
    sampled = replace(PRIVATE, batch=8, steps_per_round=3)
    trained = train_decoder(board(), texts(), sampled, lambda _, stage: told.append(stage), tmp_path)
    privacy = trained.about["privacy"]
    assert privacy["n_steps"] == trained.about["n_steps"] == 4 * 5
    assert privacy["sample_rate"] == pytest.approx(8 / 40)
    assert 0.98 * 3 < privacy["epsilon"] <= 3
    assert privacy["delta"] == pytest.approx(40**-1.1)
    assert told[-1] == f"epoch 4.2, epsilon {privacy['epsilon']:.2f}"
    assert trained.about["validation_ndcg_10"] is None
    assert all(np.isfinite(array).all() for array in trained.arrays.values())


def test_the_clock_ends_it_with_less_spent(tmp_path: Path) -> None:
    hasty = train_decoder(board(), texts(), replace(PRIVATE, minutes=1e-6), _say_nothing, tmp_path)
    assert hasty.about["privacy"]["n_steps"] == 1
    assert 0 < hasty.about["privacy"]["epsilon"] < 2


def test_what_was_spent_is_remembered_over_an_interruption(tmp_path: Path) -> None:
    told: list[str] = []

    def until_second(share: float, stage: str) -> None:
        told.append(stage)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_decoder(board(), texts(), PRIVATE, until_second, tmp_path)
    assert (tmp_path / CHECKPOINT).exists()
    trained = train_decoder(board(), texts(), PRIVATE, lambda _, stage: told.append(stage), tmp_path)
    spent = [float(stage.rsplit(" ", 1)[1]) for stage in told]
    assert len(spent) == 4
    assert spent == sorted(set(spent))
    assert trained.about["privacy"]["n_steps"] == 4
    assert trained.about["privacy"]["epsilon"] <= 3


def test_it_begins_with_nothing_of_the_log() -> None:
    log = board()
    one, other = training_of(log)._state(), training_of(replace(log, items=(log.items % 3).astype(np.int32)))._state()
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert torch.allclose(one["table.bias"], torch.zeros(V), atol=1e-6)


def test_nobody_can_repeat_the_noise(tmp_path: Path) -> None:
    first, second = (train_decoder(board(), texts(), PRIVATE, _say_nothing, tmp_path) for _ in range(2))
    assert np.abs(first.arrays["items"] - second.arrays["items"]).max() > 1e-5


def test_it_learns_where_the_budget_is_wide() -> None:
    wide = replace(PRIVATE, epsilon=100.0, n_passes=12, learning_rate=0.3)
    training = training_of(board(), wide)
    windows = training._sequences.windows(training._sequences.one_each(np.arange(40), np.random.default_rng(0)))
    before = training._loss(windows).item()
    while training.share < 1:
        training.round()
    after = training._loss(windows).item()
    assert before == pytest.approx(np.log(V), abs=0.2)
    assert after < before - 0.2


def test_without_opacus_it_is_refused_and_without_a_budget_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opacus", None)
    with pytest.raises(Misconfigured, match=r"portrait\[privacy\]"):
        train_decoder(board(), texts(), PRIVATE, _say_nothing, tmp_path)
    plain = train_decoder(board(), texts(), replace(PRIVATE, epsilon=None, n_passes=1), _say_nothing, tmp_path)
    assert "privacy" not in plain.about


def test_what_a_model_tells_of_a_user_is_listed() -> None:
    about = {"decoder_privacy": plan_budget(2.0, 40, 40, 4).about(4)}
    made = datetime(2026, 1, 1, tzinfo=UTC)
    model = StoredModel(
        1, "generators", {"about": about}, {"promoted": True, "reasons": ["new: won."]}, made, made, True
    )
    assert (
        _verdict(model)
        == f"won: new: won. decoder: epsilon {about['decoder_privacy']['epsilon']:.2f}, delta 2e-02 a user."
    )
    assert _verdict(replace(model, manifest={"about": {}})) == "won: new: won."


def _say_nothing(share: float, stage: str) -> None:
    pass
