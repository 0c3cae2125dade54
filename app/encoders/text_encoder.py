"""The text encoder of this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from logging import getLogger
from typing import Any

import numpy as np

from app.domain.catalogue import Vectors
from app.domain.errors import Misconfigured, PortraitError, Unavailable
from app.encoders.batcher import Batcher
from app.encoders.device import choose_device, use_threads, yield_to_serving
from app.encoders.weights import DEFAULT_SHA256, locate, name_of

log = getLogger(__name__)

# MiniLM reads 256 tokens, about 1,200 characters of English; a tokenizer that is given 1 MB needs 3.7 s and 1 GB
# to throw the rest away.
MAX_CHARACTERS = 2_000
# Searches repeat, and catalogues say the same of many items (92k products, 19k texts); 1.5 kB each.
N_REMEMBERED = 8_192


class TextEncoder:
    """Turns texts into L2-normalised raw embeddings, D wide. Nothing heavy happens before `load`.

    `model` is a sentence-transformers folder or hub name, None the bundled all-MiniLM-L6-v2. `name` marks every
    stored vector and changes with the weights; for a model of your own it is complete only after `load`.
    `problem` says why the encoder is not ready, None when nothing is wrong.
    """

    def __init__(self, model: str | None = None, device: str | None = None, threads: int = 1) -> None:
        self.name = name_of(model, DEFAULT_SHA256 if model is None else "loading")
        self.width = 384 if model is None else 0
        self.problem: str | None = None
        self.model = model
        self._device = device
        self._threads = threads
        self._batcher: Batcher | None = None
        self._remembered: dict[str, Vectors] = {}

    @property
    def ready(self) -> bool:
        return self._batcher is not None

    @property
    def n_waiting(self) -> int:
        """Texts that are not taken up yet."""
        return self._batcher.n_waiting if self._batcher else 0

    def load(self) -> None:
        """Imports the libraries and reads the weights: seconds, so call it from a thread of its own.

        Raises ArtifactRefused for wrong weights, Misconfigured or Unavailable where there is no model or device;
        `problem` keeps the reason.
        """
        started = time.perf_counter()
        try:
            net = self._load_net()
        except PortraitError as error:
            self.problem = error.detail
            raise
        except Exception as error:  # what the model libraries raise for a folder that is no model
            self.problem = "The text encoder could not be loaded."
            raise Misconfigured(self.problem, "Check PORTRAIT_ENCODER_MODEL; the log has the cause.") from error
        self._batcher = Batcher(lambda texts: _encode(net, texts), on_start=yield_to_serving)
        self.problem = None
        log.info("text encoder %s ready after %.1f s on %s", self.name, time.perf_counter() - started, net.device)

    async def encode(self, texts: Sequence[str]) -> Vectors:
        """(N,) texts -> (N, D) float32, never NaN; texts beyond 2,000 characters are clipped.

        Equal texts are encoded once. Raises Unavailable when not loaded, overrun or failing.
        """
        batcher = self._running()
        clipped = [text[:MAX_CHARACTERS] for text in texts]
        known = {text: self._remembered[text] for text in clipped if text in self._remembered}
        missing = sorted(set(clipped) - known.keys(), key=lambda text: (len(text), text))
        if missing:
            vectors = await asyncio.wrap_future(batcher.submit(missing))
            known.update(zip(missing, vectors, strict=True))
        self._remember(known)
        return np.stack([known[text] for text in clipped]) if clipped else np.empty((0, self.width), dtype=np.float32)

    async def encode_raw(self, texts: Sequence[str]) -> list[bytes]:
        """The same as float16 bytes, as they are stored."""
        return [row.tobytes() for row in (await self.encode(texts)).astype(np.float16)]

    def close(self) -> None:
        if self._batcher is not None:
            self._batcher.close()
            self._batcher = None

    def _running(self) -> Batcher:
        if self._batcher is None:
            raise Unavailable(
                self.problem or "The text encoder is still loading.", "Try again in a few seconds; see /health/ready."
            )
        return self._batcher

    def _load_net(self) -> Any:  # a SentenceTransformer, which is imported only here
        weights = locate(self.model)
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        quiet: Any = logging
        quiet.disable_progress_bar()
        use_threads(self._threads)
        net = SentenceTransformer(str(weights.folder), device=choose_device(self._device), local_files_only=True)
        net.tokenizer.split_special_tokens = True  # `[SEP]` in a text is five characters, not an order to the model
        self.name = weights.name
        self.width = int(net.get_embedding_dimension() or 0)
        _encode(net, ["warm"])  # the first pass allocates, .2-.5 s
        return net

    def _remember(self, known: dict[str, Vectors]) -> None:
        for text, vector in known.items():
            self._remembered.pop(text, None)
            self._remembered[text] = vector
        while len(self._remembered) > N_REMEMBERED:
            self._remembered.pop(next(iter(self._remembered)))


def _encode(net: Any, texts: list[str]) -> Vectors:
    vectors: Vectors = net.encode(
        texts, batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
    )
    return np.asarray(vectors, dtype=np.float32)
