"""What every generator must do, and what each of them must find on the checkerboard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.domain.catalogue import Mask
from app.domain.item import Item
from app.profiles.decay import DAY_S
from app.profiles.state import State
from app.retrieval import load_generators
from app.retrieval.base import Generator, Query, StatementVector
from tests.unit import retrieval_board as board


def generator(name: str, folder: Path | None, items: board.Catalogue | None = None) -> Generator:
    items = items or board.catalogue()
    found = load_generators(folder, items, board.space(items.n_rows))
    return next(one for one in found if one.name == name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return board.artifact(tmp_path)


def hiding(*rows: int, n_items: int = board.N_ITEMS) -> Mask:
    mask = np.ones(n_items, dtype=np.bool_)
    mask[list(rows)] = False
    return mask


class GeneratorSuite:
    """Inherit, and give a generator, a query it can answer, and the rows that must lead its answer."""

    name: str
    right: frozenset[int]

    @pytest.fixture
    def subject(self, folder: Path) -> Generator:
        return generator(self.name, folder)

    def ask(self) -> Query:
        return board.query(board.state(board.EVEN_USER), hiding(0, 2, 4))

    def test_the_right_items_lead(self, subject: Generator) -> None:
        assert set(subject.score(self.ask()).rows[: len(self.right)].tolist()) == self.right

    def test_scores_are_chances_best_first(self, subject: Generator) -> None:
        scored = subject.score(self.ask())
        assert len(scored.rows) == len(scored.scores) > 0
        assert np.isfinite(scored.scores).all()
        assert (scored.scores >= 0).all()
        assert scored.scores.sum() <= 1 + 1e-5
        assert (np.diff(scored.scores) <= 0).all()

    def test_every_row_comes_once_and_is_allowed(self, subject: Generator) -> None:
        for seed in range(20):
            mask = np.random.default_rng(seed).random(board.N_ITEMS) < 0.5
            rows = subject.score(replace(self.ask(), allowed=mask)).rows
            assert len(set(rows.tolist())) == len(rows)
            assert mask[rows].all()

    def test_the_same_question_has_the_same_answer(self, subject: Generator, folder: Path) -> None:
        first, second = subject.score(self.ask()), generator(self.name, folder).score(self.ask())
        np.testing.assert_array_equal(first.rows, second.rows)
        np.testing.assert_array_equal(first.scores, second.scores)

    def test_no_more_than_asked_and_the_best_of_them(self, subject: Generator) -> None:
        whole = subject.score(self.ask())
        few = subject.score(replace(self.ask(), n=1))
        assert few.rows.tolist() == whole.rows[:1].tolist()

    def test_nothing_allowed_gives_nothing(self, subject: Generator) -> None:
        assert not len(subject.score(replace(self.ask(), allowed=np.zeros(board.N_ITEMS, dtype=np.bool_))).rows)

    def test_a_user_without_a_past_breaks_nothing(self, subject: Generator) -> None:
        scored = subject.score(board.query(State()))
        assert np.isfinite(scored.scores).all()

    def test_there_is_a_reason_for_every_item(self, subject: Generator) -> None:
        rows = subject.score(self.ask()).rows
        reasons = subject.reasons(self.ask(), rows)
        assert len(reasons) == len(rows)
        assert all(reason.code and reason.text for reason in reasons)


class TestTextMap(GeneratorSuite):
    name = "text_map"
    right = frozenset({6, 8, 10})

    def test_another_space_says_nothing(self, folder: Path) -> None:
        items, other = board.catalogue(), board.space()
        other.version = "another"
        found = next(one for one in load_generators(folder, items, other) if one.name == self.name)
        assert not len(found.score(self.ask()).rows)


class TestTrend(GeneratorSuite):
    name = "trend"
    # Five users take the odd items and four the even ones, at the same pace.
    right = frozenset({1, 3, 5, 7, 9, 11})

    def test_one_user_cannot_push_an_item(self, tmp_path: Path) -> None:
        lines = board.log()
        again = replace(
            lines,
            users=np.append(lines.users, np.zeros(500, np.int32)),
            items=np.append(lines.items, np.zeros(500, np.int32)),
            at=np.append(lines.at, np.full(500, lines.at[-1])),
            weights=np.ones(len(lines.at) + 500, np.float32),
            types=np.zeros(len(lines.at) + 500, np.int16),
        )
        scored = generator("trend", board.artifact(tmp_path, again)).score(board.query(State()))
        chance = dict(zip(scored.rows.tolist(), scored.scores.tolist(), strict=True))
        assert chance[0] < 3 * chance[2]

    def test_what_is_popular_now_beats_what_was(self, tmp_path: Path) -> None:
        lines = board.log()
        late = replace(
            lines,
            users=np.append(lines.users, np.arange(9, dtype=np.int32)),
            items=np.append(lines.items, np.zeros(9, np.int32)),
            at=np.append(lines.at, np.full(9, board.NOW - DAY_S)),
            weights=np.ones(len(lines.at) + 9, np.float32),
            types=np.zeros(len(lines.at) + 9, np.int16),
        )
        assert generator("trend", board.artifact(tmp_path, late)).score(board.query(State())).rows[0] == 0

    def test_a_span_is_named_only_when_the_log_reaches_into_it(self, folder: Path) -> None:
        subject, ask = generator("trend", folder), board.query(State())
        rows = np.array([1], dtype=np.int32)
        near, late = (subject.reasons(replace(ask, now=board.NOW + days * DAY_S), rows)[0].text for days in (-14, 400))
        assert near in {f"Popular this {span} in Garden" for span in ("week", "month", "year")}
        assert late == "Popular in Garden"


class TestNeighbours(GeneratorSuite):
    name = "neighbours"
    right = frozenset({6, 8, 10})

    def test_the_other_colour_is_never_a_neighbour(self, folder: Path) -> None:
        scored = generator("neighbours", folder).score(board.query(board.state(board.EVEN_USER)))
        assert not (scored.rows % 2).any()

    def test_the_item_that_followed_leads(self, folder: Path) -> None:
        scored = generator("neighbours", folder).score(board.query(board.state([("i4", 1.0)]), hiding(4)))
        assert scored.rows[0] == 6

    def test_the_reason_names_what_was_done_with_the_item(self, folder: Path) -> None:
        subject = generator("neighbours", folder)
        for type_, verb in (("purchase", "bought"), ("view", "looked at"), ("like", "liked")):
            ask = board.query(board.state([("i4", 1.0)], type_), hiding(4))
            reason = subject.reasons(ask, np.array([6], dtype=np.int32))[0]
            assert reason.text == f"Because you {verb} Item 4"
            assert reason.evidence == ("i4",)

    def test_an_item_of_the_log_that_left_the_catalogue_is_not_answered(self, folder: Path) -> None:
        items = board.catalogue(6)  # i0 .. i5
        scored = generator("neighbours", folder, items).score(board.query(board.state(board.EVEN_USER), items=items))
        assert set(scored.rows.tolist()) <= set(range(6))


class TestBuyAgain(GeneratorSuite):
    name = "habits"
    right = frozenset({0})

    def ask(self) -> Query:
        weekly = [("i0", 7.0 * week) for week in range(1, 5)]
        return board.query(board.state([*weekly, ("i2", 60.0), ("i1", 40.0)]))

    def test_what_was_bought_a_minute_ago_is_not_due(self, folder: Path) -> None:
        subject = generator("habits", folder)
        ask = board.query(board.state([("i0", 21.0), ("i0", 14.0), ("i0", 0.001), ("i2", 21.0), ("i2", 14.0)]))
        assert subject.score(ask).rows[0] == 2

    def test_the_reason_counts_right(self, folder: Path) -> None:
        subject = generator("habits", folder)
        ask = board.query(board.state([("i0", 38.0), ("i0", 26.0), ("i0", 14.0), ("i2", 1.0)]))
        reasons = subject.reasons(ask, np.array([0, 2], dtype=np.int32))
        assert reasons[0].text == "You buy it about every 12 days; the last time was 14 days ago"
        assert reasons[1].text == "You bought it 1 day ago"

    def test_a_view_is_no_habit(self, folder: Path) -> None:
        assert not len(generator("habits", folder).score(board.query(board.state(board.EVEN_USER, "view"))).rows)


class TestInterests(GeneratorSuite):
    name = "interests"
    right = frozenset({6, 8, 10})

    def test_a_narrow_filter_still_finds_what_is_allowed(self, folder: Path) -> None:
        ask = board.query(board.state(board.EVEN_USER), hiding(*range(11)))
        assert generator("interests", folder).score(ask).rows.tolist() == [11]

    def test_the_reason_names_the_category_that_is_shared(self, folder: Path) -> None:
        reasons = generator("interests", folder).reasons(self.ask(), np.array([6, 11], dtype=np.int32))
        assert reasons[0].text == "Because you are into frozen pizza"
        assert reasons[1].text.startswith("Close to Item ")


class TestStatements(GeneratorSuite):
    name = "statement"
    right = frozenset({1, 3, 5, 7, 9, 11})

    def ask(self) -> Query:
        odd = board.space().vectors(np.array([1], dtype=np.int32))[0]
        said = StatementVector(odd, 1.0, "a spade for my garden", "search")
        return replace(board.query(State()), statements=(said,))

    def test_what_was_said_long_ago_has_less_to_say(self, folder: Path) -> None:
        subject, ask = generator("statement", folder), self.ask()
        old = replace(ask, statements=(replace(ask.statements[0], weight=0.2),))
        assert subject.score(old).scores.sum() == pytest.approx(0.2, abs=1e-4)

    def test_the_reason_quotes_it(self, folder: Path) -> None:
        reason = generator("statement", folder).reasons(self.ask(), np.array([3], dtype=np.int32))[0]
        assert reason.text == 'Because you searched for "a spade for my garden"'


class TestFresh(GeneratorSuite):
    name = "fresh"
    right = frozenset({6, 8, 10})

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Learned from a log that knows the items 0 to 5 only."""
        lines = board.log()
        old = lines.items < 6
        known = replace(
            lines,
            users=lines.users[old],
            items=lines.items[old],
            at=lines.at[old],
            weights=lines.weights[old],
            types=lines.types[old],
            item_ids=lines.item_ids[:6],
        )
        return board.artifact(tmp_path, known)

    def test_an_item_put_while_the_service_runs_is_found_at_once(self, tmp_path: Path) -> None:
        items = board.catalogue()
        subject = load_generators(board.artifact(tmp_path), items, board.space(13))[-1]
        assert not len(subject.score(board.query(board.state(board.EVEN_USER), items=items)).rows)
        items.put(Item("i12", title="Item 12", categories=(board.CATEGORIES[0],)))
        assert subject.score(board.query(board.state(board.EVEN_USER), items=items)).rows.tolist() == [12]

    def test_nothing_is_called_undiscovered_before_a_log_was_read(self) -> None:
        assert not len(generator("fresh", None).score(self.ask()).rows)

    def test_the_reason_says_new_only_of_dated_items(self, folder: Path) -> None:
        reason = generator("fresh", folder).reasons(self.ask(), np.array([6], dtype=np.int32))[0]
        assert reason.text.startswith("Not yet discovered, and close to Item ")


def test_without_an_artifact_the_generators_that_need_no_fit_are_there() -> None:
    names = [one.name for one in load_generators(None, board.catalogue(), board.space())]
    assert names == ["habits", "interests", "statement", "fresh"]


def test_an_empty_catalogue_breaks_no_generator(folder: Path) -> None:
    items = board.Catalogue()
    for one in load_generators(folder, items, board.space(0)):
        assert not len(one.score(board.query(board.state(board.EVEN_USER), items=items)).rows)
