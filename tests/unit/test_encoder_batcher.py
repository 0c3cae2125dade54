import threading
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.catalogue import Vectors
from app.domain.errors import Unavailable
from app.encoders import batcher
from app.encoders.batcher import Batcher


def lengths(texts: list[str]) -> Vectors:
    """A function of which every answer is known."""
    return np.array([[len(text), hash(text) % 1000] for text in texts], dtype=np.float32)


class Gate:
    """Records the passes, and holds the first one until `open` is set."""

    def __init__(self, encode: Callable[[list[str]], Vectors] = lengths) -> None:
        self.passes: list[list[str]] = []
        self.entered = threading.Event()
        self.open = threading.Event()
        self._encode = encode

    def __call__(self, texts: list[str]) -> Vectors:
        self.passes.append(texts)
        self.entered.set()
        assert self.open.wait(10)
        return self._encode(texts)


def held(gate: Gate) -> tuple[Batcher, Future[Vectors]]:
    """A batcher whose thread is busy with one text, so that what is submitted next has to queue."""
    work = Batcher(gate)
    first = work.submit(["first"])
    assert gate.entered.wait(10)
    return work, first


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.text(max_size=3000), min_size=1, max_size=200), max_size=6))
def test_every_caller_gets_the_vectors_of_their_own_texts(jobs: list[list[str]]) -> None:
    work = Batcher(lengths)
    jobs = [sorted(texts, key=len) for texts in jobs]
    futures = [work.submit(texts) for texts in jobs]
    for texts, future in zip(jobs, futures, strict=True):
        np.testing.assert_array_equal(future.result(10), lengths(texts))
    work.close()


def test_small_jobs_share_a_pass() -> None:
    gate = Gate()
    work, _ = held(gate)
    futures = [work.submit([name]) for name in "abc"]
    gate.open.set()
    for future in futures:
        future.result(10)
    assert gate.passes[1:] == [["a", "b", "c"]]
    work.close()


def test_one_text_waits_for_one_pass_of_a_crowd_and_not_for_all_of_it() -> None:
    gate = Gate()
    work, _ = held(gate)
    crowd = work.submit(["crowd"] * 500)
    single = work.submit(["single"])
    gate.open.set()
    crowd.result(10), single.result(10)
    assert ["single" in texts for texts in gate.passes].index(True) == 2
    assert max(map(len, gate.passes)) <= batcher.MAX_TEXTS
    work.close()


def test_a_pass_holds_fewer_texts_when_they_are_long() -> None:
    gate = Gate()
    gate.open.set()
    work = Batcher(gate)
    work.submit(["x" * 2000] * 40).result(10)
    assert max(map(len, gate.passes)) == batcher.MAX_CHARACTERS // 2000
    work.close()


def test_a_failing_pass_fails_its_callers_and_the_next_is_served() -> None:
    def failing(texts: list[str]) -> Vectors:
        if "bad" in texts:
            raise RuntimeError("no such text")
        return lengths(texts)

    work = Batcher(failing)
    with pytest.raises(Unavailable):
        work.submit(["bad"] * 200).result(10)
    np.testing.assert_array_equal(work.submit(["good"]).result(10), lengths(["good"]))
    work.close()


def test_numbers_that_are_not_finite_never_leave() -> None:
    def poisoned(texts: list[str]) -> Vectors:
        return np.array([[np.nan if text == "bad" else 1.0] for text in texts], dtype=np.float32)

    gate = Gate(poisoned)
    work, _ = held(gate)
    bad, good = work.submit(["bad"]), work.submit(["good"])
    gate.open.set()
    with pytest.raises(Unavailable):
        bad.result(10)
    assert good.result(10).tolist() == [[1.0]]
    work.close()


def test_a_caller_who_has_gone_is_not_worked_for() -> None:
    gate = Gate()
    work, _ = held(gate)
    gone, here = work.submit(["gone"]), work.submit(["here"])
    assert gone.cancel()
    gate.open.set()
    here.result(10)
    assert gate.passes[1:] == [["here"]]
    work.close()


def test_more_than_can_be_done_in_time_is_refused_and_there_is_room_again_later() -> None:
    gate = Gate()
    work, _ = held(gate)
    crowd = work.submit(["a"] * batcher.MAX_WAITING)
    with pytest.raises(Unavailable):
        work.submit(["b"])
    gate.open.set()
    crowd.result(30)
    assert len(work.submit(["b"]).result(10)) == 1
    work.close()


def test_closing_fails_what_still_waits() -> None:
    gate = Gate()
    work, first = held(gate)
    waiting = work.submit(["late"])
    closing = threading.Thread(target=work.close)
    closing.start()
    gate.open.set()
    closing.join(10)
    assert len(first.result(10)) == 1
    with pytest.raises(Unavailable):
        waiting.result(10)
