"""A board on which everybody walks from an item to the next: what comes next is certain, once the order is learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from app.domain.catalogue import Catalogue
from app.domain.errors import InvalidInput
from app.domain.item import Item
from app.networks.decoder import Behaviors, Decoder, DecoderSizes
from app.networks.forward import load_forward
from app.profiles.decay import DAY_S
from app.retrieval import decoder as retrieval
from app.retrieval.artifact import Positions, read_arrays
from app.retrieval.base import Floats, Log, Query
from app.retrieval.query import NO_HABITS, NOTHING_NEAR
from app.training.decoder import CHECKPOINT, DecoderSettings, TrainedDecoder, train_decoder
from app.training.decoder_windows import Sequences, batches

V = 15
START = 1_700_000_000.0
SETTINGS = DecoderSettings(
    width=16, n_layers=1, length=6, batch=16, learning_rate=0.02, n_passes=12, dropout=0.1, steps_per_round=10
)


def board(n_users: int = 40, n_steps: int = 14) -> Log:
    """User u begins at item u and goes one item forward a day."""
    users, steps = np.divmod(np.arange(n_users * n_steps), n_steps)
    at = START + steps * DAY_S + users
    order = np.argsort(at, kind="stable")
    return Log(
        users=users[order].astype(np.int32),
        items=((users + steps) % V)[order].astype(np.int32),
        at=at[order],
        weights=np.ones(len(at), dtype=np.float32),
        types=(steps % 2)[order].astype(np.int16),
        n_users=n_users,
        item_ids=[f"i{number}" for number in range(V)],
        type_names=["view", "purchase"],
    )


def texts(n: int = V) -> Floats:
    vectors = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    vectors[0] = np.nan
    return vectors


def train(folder: Path, log: Log | None = None, settings: DecoderSettings = SETTINGS) -> TrainedDecoder:
    log = board() if log is None else log
    return train_decoder(log, texts(len(log.item_ids)), settings, _say_nothing, folder)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedDecoder:
    torch.set_num_threads(1)
    return train(tmp_path_factory.mktemp("training"))


@pytest.fixture
def artifact(trained: TrainedDecoder, tmp_path: Path) -> Path:
    trained.write(tmp_path)
    return tmp_path


def generator(folder: Path, catalogue: Catalogue) -> retrieval.Decoder:
    positions = Positions([f"i{number}" for number in range(V)], catalogue)
    arrays = read_arrays(folder / "decoder.safetensors")
    return retrieval.Decoder(
        arrays, positions, catalogue, load_forward(folder), (SETTINGS.length, ["view", "purchase"])
    )


def query(past: list[int], catalogue: Catalogue) -> Query:
    """`past` are rows, newest first, a day apart."""
    at = START + 100 * DAY_S - np.arange(len(past)) * DAY_S
    return Query(
        past=np.array(past, dtype=np.int32),
        past_at=at,
        types=tuple("purchase" if place % 2 else "view" for place in range(len(past))),
        recency=np.ones(len(past), dtype=np.float32),
        line_recency=np.ones(len(past), dtype=np.float32),
        interests=(),
        near=NOTHING_NEAR,
        statements=(),
        habits=NO_HABITS,
        segment=-1,
        turn=0.0,
        allowed=np.ones(catalogue.n_rows, dtype=np.bool_),
        now=START + 101 * DAY_S,
        n=5,
    )


def items(numbers: list[int]) -> Catalogue:
    return Catalogue(Item(f"i{number}", title=f"Item {number}") for number in numbers)


def test_the_order_is_learned(trained: TrainedDecoder) -> None:
    assert trained.about["validation_ndcg_10"] > 0.9
    assert trained.about["seconds"] < 30


def test_beyond_the_full_softmax_too(tmp_path: Path) -> None:
    sampled = train(tmp_path, settings=replace(SETTINGS, full_softmax_items=10, n_negatives=256))
    assert sampled.about["validation_ndcg_10"] > 0.9


def test_an_interrupted_training_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """But for rounding: a sum of floats may differ by where in memory they lie."""
    brief = replace(SETTINGS, n_passes=5)
    whole, stages, later = train(tmp_path, settings=brief), [], []

    def until_third(share: float, stage: str) -> None:
        stages.append(stage)
        if len(stages) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_decoder(board(), texts(), brief, until_third, tmp_path)
    assert (tmp_path / CHECKPOINT).exists()
    assert stages[0].startswith("epoch 1.0, validation NDCG@10 0.")
    resumed = train_decoder(board(), texts(), brief, lambda share, stage: later.append((share, stage)), tmp_path)
    assert [share for share, _ in later] == [0.8, 1.0]
    assert resumed.arrays.keys() == whole.arrays.keys()
    for name, array in resumed.arrays.items():
        np.testing.assert_allclose(array, whole.arrays[name], atol=1e-3, err_msg=name)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_log_or_a_damaged_one_is_passed_over(tmp_path: Path) -> None:
    brief = replace(SETTINGS, n_passes=1)
    fresh = train(tmp_path, settings=brief)
    with pytest.raises(KeyboardInterrupt):
        train_decoder(board(n_users=20), texts(), brief, _interrupt, tmp_path)
    assert (tmp_path / CHECKPOINT).exists()
    np.testing.assert_allclose(train(tmp_path, settings=brief).arrays["items"], fresh.arrays["items"], atol=1e-4)
    (tmp_path / CHECKPOINT).write_bytes(b"no tensors")
    np.testing.assert_allclose(train(tmp_path, settings=brief).arrays["items"], fresh.arrays["items"], atol=1e-4)


def _say_nothing(share: float, stage: str) -> None:
    pass


def _interrupt(share: float, stage: str) -> None:
    raise KeyboardInterrupt


def test_the_clock_ends_it(tmp_path: Path) -> None:
    hasty = train(tmp_path, settings=replace(SETTINGS, minutes=1e-6))
    assert hasty.about["n_steps"] == 1


def test_too_little_is_refused(tmp_path: Path) -> None:
    few = board(n_users=5, n_steps=10)
    with pytest.raises(InvalidInput, match="45 behaviours"):
        train(tmp_path, few)
    lonely = board(n_users=300, n_steps=1)
    with pytest.raises(InvalidInput, match=": 0 behaviours"):
        train(tmp_path, lonely)
    nothing = board().take(slice(0, 0))
    with pytest.raises(InvalidInput):
        train(tmp_path, nothing)
    one_item = replace(board(), items=np.zeros(40 * 14, dtype=np.int32))
    with pytest.raises(InvalidInput, match="items is 1"):
        train(tmp_path, one_item)


def test_one_user_one_moment_or_no_text_give_a_decoder(tmp_path: Path) -> None:
    brief = replace(SETTINGS, n_passes=1)
    one_user = train(tmp_path, board(n_users=1, n_steps=200), brief)
    one_moment = train(tmp_path, replace(board(), at=np.full(40 * 14, START)), brief)
    assert one_moment.about["validation_ndcg_10"] is None  # nothing is newest, so there is no exam
    no_texts = train_decoder(board(), np.empty((V, 0), dtype=np.float32), brief, _say_nothing, tmp_path)
    for decoder in (one_user, one_moment, no_texts):
        assert all(np.isfinite(array).all() for array in decoder.arrays.values())


def test_every_behaviour_is_asked_for_once_and_the_held_ones_never() -> None:
    log = board()
    sequences = Sequences(log, length=6, seed=3)
    rng = np.random.default_rng(1)
    windows = [sequences.windows([window], sequences.shuffled(rng)) for window in sequences.cut(rng)]
    asked = np.concatenate([window.targets[window.targets >= 0] for window in windows])
    held = [sequences.windows([window]) for window in sequences.held]
    held_items = np.concatenate([window.targets[window.targets >= 0] for window in held])
    assert 0 < len(held_items) < 20
    assert np.array_equal(np.sort(np.concatenate([asked, held_items])), np.sort(log.items))
    newest = log.at[-1] - 0.05 * 13 * DAY_S
    assert all((window.asked_at.max() > newest) for window in held)


def test_a_batch_gives_what_its_windows_give_alone() -> None:
    sequences = Sequences(board(), length=6, seed=3)
    rng = np.random.default_rng(1)
    chosen = next(batches(sequences.cut(rng), 8, 1, rng))
    together = sequences.windows(chosen)
    for place, window in enumerate(chosen):
        alone = sequences.windows([window])
        length = alone.targets.shape[1]
        assert np.array_equal(together.targets[place, :length], alone.targets[0])
        assert (together.targets[place, length:] == -1).all()
        assert np.array_equal(together.profile[place], alone.profile[0])


def test_the_profile_is_what_lies_before_the_window() -> None:
    nothing = retrieval.profile_features(np.empty(0), np.empty(0, dtype=np.int64), 2, START)
    assert np.array_equal(nothing, np.zeros(7))
    at = START + np.array([0.0, 1.0, 3.0]) * DAY_S
    profile = retrieval.profile_features(at, np.array([1, 2, 2]), 2, START + 5 * DAY_S)
    np.testing.assert_allclose(profile[:4] * 4, np.log1p([3, 3, 3, 2]), rtol=1e-6)
    np.testing.assert_allclose(profile[4:], [0, 1 / 3, 2 / 3], rtol=1e-6)


def test_serving_says_what_the_network_says(artifact: Path, trained: TrainedDecoder) -> None:
    """One user at a time, newest first, against the last state of a batch, oldest first."""
    network = Decoder(DecoderSizes(**trained.about["sizes"]))
    tensors = {name: torch.from_numpy(array) for name, array in load_file(artifact / "decoder.safetensors").items()}
    prefix = "decoder."
    network.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
    network.eval()
    read = torch.tensor([[3, 1, 4, 9, 2, 6], [5, 3, 5, 8, 9, 7]])
    at = torch.tensor([[0.0, 9, 9, 50, 60, 61], [0, 1, 2, 3, 4, 5]], dtype=torch.float64) * 3600
    asked_at = torch.cat([at[:, 1:], at[:, -1:] + 7200], dim=1)
    types = torch.tensor([[1, 2, 1, 0, 1, 2]] * 2)
    profile = torch.rand(2, 7)
    with torch.no_grad():
        states = network(tensors["items"][read], Behaviors(read, types, at, asked_at, profile))[:, -1]
    forward = load_forward(artifact)
    names = ["wish", "view", "purchase"]
    for user in range(2):
        newest_first = read[user].flip(0).numpy().astype(np.int32)
        ages = (asked_at[user, -1] - at[user]).flip(0).numpy()
        told = forward(newest_first, [names[t] for t in types[user].flip(0)], ages, profile[user].numpy())
        np.testing.assert_allclose(told, states[user].numpy(), atol=1e-5)


def test_the_generator_goes_on_where_the_user_is(artifact: Path) -> None:
    """In a catalogue of another order, with an item that the log does not know and one that is gone."""
    catalogue = items([number for number in range(V, -1, -1) if number != 11])
    source = generator(artifact, catalogue)
    row = catalogue.row_of
    asked = query([row[f"i{number}"] for number in (6, 5, 4, V, 3, 2)], catalogue)
    scored = source.score(asked)
    assert scored.rows[0] == row["i7"]
    assert len(scored.rows) == 5
    assert scored.scores.sum() <= 1
    everything = scored.of(np.arange(catalogue.n_rows, dtype=np.int32))
    np.testing.assert_allclose(everything[scored.rows], scored.scores)
    assert np.isnan(everything[row[f"i{V}"]])
    assert np.nansum(everything) == pytest.approx(1, abs=1e-5)


def test_chances_are_among_what_is_allowed(artifact: Path) -> None:
    catalogue = items(list(range(V)))
    source = generator(artifact, catalogue)
    asked = query([6, 5, 4], catalogue)
    asked.allowed[[7, 6, 5, 4]] = False
    scored = source.score(asked)
    assert not set(scored.rows.tolist()) & {4, 5, 6, 7}
    assert scored.of(np.array([7], dtype=np.int32))[0] <= 1
    rest = np.flatnonzero(asked.allowed).astype(np.int32)
    assert scored.of(rest).sum() == pytest.approx(1, abs=1e-5)
    asked.allowed[:] = False
    assert not len(source.score(asked).rows)


def test_who_did_nothing_known_gets_nothing(artifact: Path) -> None:
    catalogue = items(list(range(V + 1)))
    source = generator(artifact, catalogue)
    assert not len(source.score(query([], catalogue)).rows)
    assert not len(source.score(query([V], catalogue)).rows)


def test_a_reason_names_the_likest_of_the_past(artifact: Path) -> None:
    catalogue = items(list(range(V + 1)))
    source = generator(artifact, catalogue)
    past = [V, 6, 5, 4]
    (reason,) = source.reasons(query(past, catalogue), np.array([7], dtype=np.int32))
    vectors = read_arrays(artifact / "decoder.safetensors")["items"]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likest = max(past[1:], key=lambda row: unit[row] @ unit[7])
    assert reason.evidence == (f"i{likest}",)
    assert reason.text == f"Fits what you did lately, such as Item {likest}"
