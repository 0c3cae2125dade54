"""Who writes summaries: a language model in this process, or one behind an OpenAI-compatible address.

Nothing heavy happens before the first `write`, which only the jobs process calls.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from logging import getLogger
from pathlib import Path
from typing import Any, Protocol

from app.domain.errors import Misconfigured, PortraitError, Unavailable
from app.encoders.device import use_threads

log = getLogger(__name__)

LOCAL = "local:"
MAX_NEW_TOKENS = 200
MAX_TIME_S = 60.0
TIMEOUT_S, CONNECT_S = 60.0, 5.0
MAX_ANSWER_BYTES = 1_000_000


class Narrator(Protocol):
    """`name` marks every text it wrote."""

    @property
    def name(self) -> str: ...

    def write(self, prompt: str) -> str:
        """The bare answer. Blocks for seconds up to a minute; raises Unavailable when there is none."""

    def close(self) -> None:
        """Ends a `write` that runs in another thread."""


def open_narrator(where: str | None, model: str | None, key: str | None) -> Narrator | None:
    """None without a narrator in the settings; raises Misconfigured where they do not fit together."""
    if where is None:
        return None
    if where.startswith(LOCAL) and where != LOCAL:
        return LocalNarrator(where.removeprefix(LOCAL))
    if not where.startswith(("http://", "https://")):
        raise Misconfigured(
            "The narrator is neither a local model nor an address.",
            "Set PORTRAIT_NARRATOR to local:FOLDER, local:NAME or an address such as http://localhost:8080/v1.",
        )
    if not model:
        raise Misconfigured(
            "The narrator's address is named, but not its model.",
            "Set PORTRAIT_NARRATOR_MODEL to a model that is served there.",
        )
    return RemoteNarrator(where, model, key)


class LocalNarrator:
    """A causal or a sequence-to-sequence model by transformers, or one .gguf file."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._write: Callable[[str], str] | None = None
        self._closed = threading.Event()

    @property
    def name(self) -> str:
        return Path(self._model).name.lower()

    def write(self, prompt: str) -> str:
        if self._write is None:
            self._write = self._loaded()
        try:
            return self._write(prompt)
        except Exception as error:  # whatever the model's library raises
            raise Unavailable("The narrator failed.", "See the log of the jobs process.") from error

    def close(self) -> None:
        self._closed.set()

    def _loaded(self) -> Callable[[str], str]:
        try:
            tokenizer, net, starts_anew = _load(self._model)
        except PortraitError:
            raise
        except Exception as error:  # what the model libraries raise for a folder that is no model
            log.error("the narrator could not be loaded: %s: %s", type(error).__name__, error)
            raise Unavailable("The narrator could not be loaded.", "Check PORTRAIT_NARRATOR.") from error

        def write(prompt: str) -> str:
            tokens = tokenizer(_framed(tokenizer, prompt), return_tensors="pt")
            made = net.generate(
                **tokens,
                do_sample=False,
                repetition_penalty=1.1,
                max_new_tokens=MAX_NEW_TOKENS,
                max_time=MAX_TIME_S,
                stopping_criteria=[lambda *_, **__: self._closed.is_set()],
            )
            start = 0 if starts_anew else tokens["input_ids"].shape[1]
            return str(tokenizer.decode(made[0, start:], skip_special_tokens=True))

        return write


def _load(model: str) -> tuple[Any, Any, bool]:
    """Tokenizer, model, and whether its answer does not repeat the prompt. Weights are safetensors or GGUF only."""
    import transformers

    path = Path(model)
    from_hub: Any = transformers
    use_threads(1)
    if path.suffix == ".gguf":
        options: dict[str, Any] = {"gguf_file": path.name}
        source = str(path.parent)
    else:
        options, source = {}, model
    config = from_hub.AutoConfig.from_pretrained(source, **options)
    kind = from_hub.AutoModelForSeq2SeqLM if config.is_encoder_decoder else from_hub.AutoModelForCausalLM
    safe = {} if options else {"use_safetensors": True}
    net = kind.from_pretrained(source, **options, **safe).eval()
    return from_hub.AutoTokenizer.from_pretrained(source, **options), net, bool(config.is_encoder_decoder)


def _framed(tokenizer: Any, prompt: str) -> str:
    """As a conversation where the model was taught to have one."""
    if not getattr(tokenizer, "chat_template", None):
        return prompt
    turn = [{"role": "user", "content": prompt}]
    return str(tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))


class RemoteNarrator:
    """`address` is the base URL, `/v1` included where the server wants it."""

    def __init__(self, address: str, model: str, key: str | None) -> None:
        import httpx2

        self.name = model
        headers = {"authorization": f"Bearer {key}"} if key else {}
        timeout = httpx2.Timeout(TIMEOUT_S, connect=CONNECT_S)
        # No redirects and no proxy of the environment: the key goes where it was meant to.
        self._client = httpx2.Client(headers=headers, timeout=timeout, follow_redirects=False, trust_env=False)
        self._url = f"{address.rstrip('/')}/chat/completions"

    def write(self, prompt: str) -> str:
        import httpx2

        body = {
            "model": self.name,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": MAX_NEW_TOKENS,
        }
        try:
            with self._client.stream("POST", self._url, json=body) as answer:
                if answer.status_code != 200:
                    raise _away(f"answered with {answer.status_code}")
                return _said(_bounded(answer))
        except (httpx2.HTTPError, RuntimeError) as error:  # RuntimeError: the client was closed
            raise _away("cannot be reached") from error

    def close(self) -> None:
        self._client.close()


def _bounded(answer: Any) -> bytes:
    read = b""
    for chunk in answer.iter_bytes():
        read += chunk
        if len(read) > MAX_ANSWER_BYTES:
            raise _away("answered with too much")
    return read


def _said(answer: bytes) -> str:
    try:
        said = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        raise _away("answered with something else than a completion") from error
    if not isinstance(said, str):
        raise _away("answered without a text")
    return said


def _away(how: str) -> Unavailable:
    return Unavailable(f"The narrator {how}.", "Check PORTRAIT_NARRATOR and PORTRAIT_NARRATOR_MODEL.")
