"""Who wins is known: three worlds, users who never leave theirs, and vectors that know the worlds or do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.domain.catalogue import Vectors
from app.domain.errors import InvalidInput
from app.domain.item import Item
from app.profiles.decay import DAY_S
from app.retrieval.base import Log
from app.training.encoder_gate import EncoderExam, is_withheld, judge_encoder, set_encoder_exam

N_ITEMS, N_WORLDS = 90, 3
START = 1_700_000_000.0
ITEMS = [Item(f"i{number}", f"Item {number}") for number in range(N_ITEMS)]


def board(n_users: int = 90, n_steps: int = 12) -> Log:
    """User u takes items of world u mod 3, one a day, in an order of their own."""
    rng = np.random.default_rng(5)
    lines = [
        (START + step * DAY_S + user, user, N_WORLDS * place + user % N_WORLDS)
        for user in range(n_users)
        for step, place in enumerate(rng.permutation(N_ITEMS // N_WORLDS)[:n_steps].tolist())
    ]
    at, users, numbers = (np.array(column) for column in zip(*sorted(lines), strict=True))
    return Log(
        users=users.astype(np.int32),
        items=numbers.astype(np.int32),
        at=at.astype(np.float64),
        weights=np.ones(len(at), dtype=np.float32),
        types=np.zeros(len(at), dtype=np.int16),
        n_users=n_users,
        item_ids=[item.item_id for item in ITEMS],
        type_names=["purchase"],
    )


def knowing(seed: int = 0) -> Vectors:
    vectors = 0.1 * np.random.default_rng(seed).normal(size=(N_ITEMS, 8)).astype(np.float32)
    vectors[np.arange(N_ITEMS), np.arange(N_ITEMS) % N_WORLDS] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def ignorant(seed: int = 1) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(N_ITEMS, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


EXAM = set_encoder_exam(board(), ITEMS)


def test_an_encoder_that_knows_what_belongs_together_wins() -> None:
    verdict = judge_encoder(EXAM, champion=ignorant(), challenger=knowing())
    assert verdict["promoted"], verdict
    figures = verdict["figures"]
    assert figures["new items, cosine, challenger"] > 2 * figures["new items, cosine, champion"]
    assert figures["cold items, cosine, challenger"] > figures["cold items, cosine, champion"]
    assert len(verdict["reasons"]) == 4


def test_the_other_way_round_it_loses() -> None:
    verdict = judge_encoder(EXAM, champion=knowing(), challenger=ignorant())
    assert not verdict["promoted"]
    assert any("cold items" in reason for reason in verdict["reasons"])
    assert any("new items, text map" in reason for reason in verdict["reasons"])


def test_the_same_encoder_is_not_better() -> None:
    verdict = judge_encoder(EXAM, champion=knowing(), challenger=knowing())
    assert not verdict["promoted"]
    assert all("not sure" in reason for reason in verdict["reasons"])


def test_what_costs_cold_items_is_not_promoted_even_if_it_is_better_on_all() -> None:
    """The challenger knows the worlds of all items but those that it was not allowed to learn."""
    spoilt = knowing()
    spoilt[EXAM.withheld] = ignorant()[EXAM.withheld]
    champion = ignorant()
    champion[EXAM.withheld] = knowing()[EXAM.withheld]
    verdict = judge_encoder(EXAM, champion, spoilt)
    assert not verdict["promoted"]
    assert all(reason.startswith("cold items") for reason in verdict["reasons"]), verdict


def test_items_without_a_vector_take_part_as_the_last() -> None:
    blind = knowing()
    blind[:30] = np.nan
    verdict = judge_encoder(EXAM, champion=blind, challenger=knowing())
    assert verdict["figures"]["new items, cosine, challenger"] > verdict["figures"]["new items, cosine, champion"]


def test_pairs_come_from_before_the_exam_and_without_what_is_withheld() -> None:
    asked_from = EXAM.main.events.at[EXAM.main.start]
    assert EXAM.lessons.at.max() < asked_from
    assert 0 < EXAM.withheld.sum() < 0.3 * N_ITEMS
    assert [text == "" for text in EXAM.texts] == EXAM.withheld.tolist()
    assert EXAM.withheld[EXAM.cold.events.items[EXAM.cold.queries]].all()


def test_only_what_is_new_to_a_user_with_a_past_is_asked() -> None:
    again = board()
    twice = replace(again, items=np.where(again.at >= START + 11 * DAY_S, again.items[0], again.items))
    exam = set_encoder_exam(replace(twice, items=twice.items.astype(np.int32)), ITEMS)
    for query in exam.main.queries.tolist():
        before = exam.main.events.items[:query][exam.main.events.users[:query] == exam.main.events.users[query]]
        assert len(before)
        assert exam.main.events.items[query] not in before


def test_the_same_items_are_withheld_whatever_comes_to_the_catalogue() -> None:
    share = np.mean([is_withheld(f"item {number}") for number in range(20_000)])
    assert share == pytest.approx(0.15, abs=0.01)
    more = set_encoder_exam(board(), [Item("new", "Something new"), *ITEMS])
    assert _withheld_ids(more) - {"new"} == _withheld_ids(EXAM)


def _withheld_ids(exam: EncoderExam) -> set[str]:
    return {item.item_id for item, held in zip(exam.items, exam.withheld, strict=True) if held}


def test_items_without_text_and_behaviors_on_unknown_ones_are_passed_over() -> None:
    some = [*ITEMS[:60], *(Item(item.item_id) for item in ITEMS[60:80])]
    exam = set_encoder_exam(board(), some)
    assert [item.item_id for item in exam.items] == [item.item_id for item in ITEMS[:60]]
    known = set(range(60))
    assert set(exam.lessons.items.tolist()) <= known
    expected = np.isin(board().items, list(known))
    assert len(exam.main.events) == expected.sum()


def test_of_a_large_catalogue_the_most_active_items_take_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.training.encoder_gate.MOST_ITEMS", N_ITEMS)
    idle = [Item(f"idle {number}", "Nobody wants this") for number in range(50)]
    assert set_encoder_exam(board(), [*idle, *ITEMS]).items == ITEMS


@pytest.mark.parametrize(
    ("log", "items", "said"),
    [
        (board(), [Item(item.item_id) for item in ITEMS], "No item has a text"),
        (board(), [], "No item has a text"),
        (board(n_users=1), ITEMS, "users turned to something new"),
        (board(n_users=19), ITEMS, "19 users"),
        (board().take(slice(0, 0)), ITEMS, "enough time"),
    ],
)
def test_too_little_to_judge_by_is_refused_before_anything_is_trained(log: Log, items: list[Item], said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refusal:
        set_encoder_exam(log, items)
    assert refusal.value.hint
