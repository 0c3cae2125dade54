"""Many callers, one model: their texts share passes of one worker thread, and none waits for another's crowd."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError

import numpy as np

from app.domain.catalogue import Vectors
from app.domain.errors import Unavailable

log = logging.getLogger(__name__)

# What a single text waits at most while a crowd is encoded: a pass of 32 short texts, or of 13 that fill the window of
# MiniLM, takes .05-.2 s on one core; passes of 64 or 128 bring no more texts a second.
MAX_TEXTS = 32
MAX_CHARACTERS = 8_192
# About half a minute of short texts; beyond that nobody waits for the answer any more.
MAX_WAITING = 20_000


class _Job:
    __slots__ = ("future", "n_taken", "out", "texts")

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.future: Future[Vectors] = Future()
        self.out: list[Vectors] = []
        self.n_taken = 0

    @property
    def n_left(self) -> int:
        return len(self.texts) - self.n_taken

    def take(self, n_texts: int, n_characters: int) -> list[str]:
        """The next texts that fit, at least one."""
        chosen = self.fitting(n_texts, n_characters) or self.texts[self.n_taken : self.n_taken + 1]
        self.n_taken += len(chosen)
        return chosen

    def fitting(self, n_texts: int, n_characters: int) -> list[str]:
        """As many of the texts to do as fit; padding makes each cost as much as the longest (texts are sorted)."""
        chosen = self.texts[self.n_taken : self.n_taken + n_texts]
        while chosen and len(chosen) * len(chosen[-1]) > n_characters:
            chosen.pop()
        return chosen


class Batcher:
    """Runs `encode` (texts -> (N, D)) in its own thread, on texts of several callers at a time.

    Jobs take turns: one that does not fit into a pass goes to the end of the queue after each pass.
    """

    def __init__(self, encode: Callable[[list[str]], Vectors], on_start: Callable[[], None] = lambda: None) -> None:
        self._encode = encode
        self._on_start = on_start
        self._waiting: deque[_Job] = deque()
        self._n_waiting = 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    @property
    def n_waiting(self) -> int:
        return self._n_waiting

    def submit(self, texts: list[str]) -> Future[Vectors]:
        """`texts` sorted by length, shortest first; the result has their order. Raises Unavailable when overrun."""
        job = _Job(texts)
        with self._changed:
            if self._closed or self._n_waiting + len(texts) > MAX_WAITING:
                raise Unavailable("More texts are waiting for the encoder than it can take.", "Try again in a minute.")
            self._waiting.append(job)
            self._n_waiting += len(texts)
            self._changed.notify()
        return job.future

    def close(self) -> None:
        """Ends the thread after the pass that is running; what still waits fails."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        self._on_start()
        while not self._closed:
            self._encode_chunk(self._next_chunk())
        for job in self._waiting:
            _fail(job, Unavailable("The encoder was closed.", "Try again when the service has restarted."))

    def _next_chunk(self) -> list[tuple[_Job, list[str]]]:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return [] if self._closed else self._fill()

    def _fill(self) -> list[tuple[_Job, list[str]]]:
        chunk: list[tuple[_Job, list[str]]] = []
        n_texts, n_characters = MAX_TEXTS, MAX_CHARACTERS
        while job := self._first_waiting():
            if chunk and len(job.fitting(n_texts, n_characters)) < job.n_left:
                break
            self._waiting.popleft()
            chosen = job.take(n_texts, n_characters)
            self._n_waiting -= len(chosen)
            chunk.append((job, chosen))
            if job.n_left:
                self._waiting.append(job)
                break
            n_texts -= len(chosen)
            n_characters -= len(chosen) * len(chosen[-1])
        return chunk

    def _first_waiting(self) -> _Job | None:
        while self._waiting and self._waiting[0].future.cancelled():
            self._n_waiting -= self._waiting.popleft().n_left
        return self._waiting[0] if self._waiting else None

    def _encode_chunk(self, chunk: list[tuple[_Job, list[str]]]) -> None:
        if not chunk:
            return
        try:
            vectors = self._encode([text for _, chosen in chunk for text in chosen])
        except Exception as error:  # whatever the model's library raises, the thread goes on for the next caller
            log.warning("encoding failed: %s", type(error).__name__)
            for job, _ in chunk:
                self._drop(job, error)
            return
        start = 0
        for job, chosen in chunk:
            self._hand_over(job, vectors[start : start + len(chosen)])
            start += len(chosen)

    def _hand_over(self, job: _Job, vectors: Vectors) -> None:
        if not np.isfinite(vectors).all():
            self._drop(job, Unavailable("The encoder gave numbers that are not finite.", "Restart the service."))
            return
        job.out.append(vectors)
        if not job.n_left:
            _finish(job)

    def _drop(self, job: _Job, error: Exception) -> None:
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                self._n_waiting -= job.n_left
        _fail(job, error)


def _finish(job: _Job) -> None:
    try:
        job.future.set_result(np.concatenate(job.out))
    except InvalidStateError:  # the caller has gone
        return


def _fail(job: _Job, error: Exception) -> None:
    failure = error if isinstance(error, Unavailable) else Unavailable("The encoder failed.", "See the server's log.")
    try:
        job.future.set_exception(failure)
    except InvalidStateError:  # the caller has gone
        return
