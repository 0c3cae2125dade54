import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.evaluation.events import Columns, Events, Floats, known_since, order_events
from app.evaluation.replay import Exam, Histories, History, Mode, Track, replay, set_exam, top
from app.evaluation.split import draw_withheld

TYPES = ["view", "buy"]


def events_of(rows: list[tuple[int, int, float]], n_items: int, weights: list[float] | None = None) -> Events:
    users, items, at = zip(*rows, strict=True)
    columns = Columns(
        [f"u{u}" for u in users], [f"i{v}" for v in items], np.array(at), np.array(weights or [1.0] * len(rows)),
        [TYPES[n % 2] for n in range(len(rows))],
    )  # fmt: skip
    return order_events(columns, [f"i{v}" for v in range(n_items)])


def random_events(seed: int, n: int = 80, n_items: int = 9) -> Events:
    rng = np.random.default_rng(seed)
    rows = [(int(rng.integers(5)), int(rng.integers(n_items)), float(t // 2)) for t in range(n)]
    return events_of(rows, n_items)


class Witness:
    """Counts what it was fitted on plus the user's history, and remembers everything it was shown."""

    def __init__(self) -> None:
        self.lessons: list[Events] = []
        self.histories: list[History] = []

    def fit(self, events: Events) -> None:
        self.lessons.append(events)

    def score(self, history: History) -> Floats:
        self.histories.append(history)
        lesson = self.lessons[-1]
        counts = np.bincount(lesson.items, minlength=lesson.n_items) + 10 * np.bincount(
            history.items, minlength=lesson.n_items
        )
        return counts.astype(np.float32)


def everything_known(events: Events) -> np.ndarray:
    return np.full(events.n_items, -np.inf)


def exam_of(events: Events, start: int) -> Exam:
    return set_exam(events, start, everything_known(events))


def test_ranks_by_hand() -> None:
    # counts at the cut: i0 3, i1 2, i2 1, i3 0; user 0 has had i0 and i1
    rows = [(0, 0, 1), (0, 1, 2), (1, 0, 3), (1, 1, 4), (2, 0, 5), (2, 2, 6), (0, 2, 7), (0, 0, 8), (3, 3, 9)]
    outcomes = replay(Witness(), exam_of(events_of(rows, 4), 6), Mode.UPDATED)
    everything, new = outcomes[Track.REPEATS].records, outcomes[Track.NEW].records
    # user 0 wants i2: own i0 and i1 lead, i2 is third; then i0 again: first; then a stranger wants i3: last
    assert everything["rank"].tolist() == [3.0, 1.0, 4.0]
    assert everything["n_candidates"].tolist() == [4, 4, 4]
    assert everything["n_history"].tolist() == [2, 3, 0]
    # among what user 0 has not had, i2 is first of two; the repeat is no question of this track
    assert new["query"].tolist() == [6, 8]
    assert new["rank"].tolist() == [1.0, 4.0]
    assert new["n_candidates"].tolist() == [2, 4]


def test_no_fit_and_no_history_reaches_the_behaviour_that_is_asked_for() -> None:
    events = random_events(1)
    for mode in Mode:
        witness = Witness()
        replay(witness, exam_of(events, 40), mode)
        assert all(len(lesson) < len(events) for lesson in witness.lessons)
        assert witness.lessons[0].at.max() < events.at[40]
        assert all(not len(h.at) or h.at.max() <= h.now for h in witness.histories)
        assert len({id(lesson) for lesson in witness.lessons}) == (10 if mode is Mode.REFITTED else 1)


def test_a_refit_sees_exactly_what_came_before_its_tenth() -> None:
    events = random_events(2, n=200)
    witness = Witness()
    replay(witness, exam_of(events, 100), Mode.REFITTED)
    begin, end = events.at[100], events.at[-1]
    for lesson, moment in zip(witness.lessons, np.linspace(begin, end, 11)[:-1], strict=True):
        assert len(lesson) == np.count_nonzero(events.at < moment)


def test_an_updated_profile_holds_all_earlier_behaviours_of_the_user_and_no_other() -> None:
    events = random_events(3)
    histories = Histories(events)
    for row in range(len(events)):
        history = histories.until(row)
        before = np.flatnonzero(events.users[:row] == events.users[row])
        assert history.items.tolist() == events.items[before].tolist()
        assert history.types.tolist() == events.types[before].tolist()
        assert history.now == events.at[row]


def test_a_frozen_profile_is_the_one_at_the_cut() -> None:
    events = random_events(4)
    witness = Witness()
    replay(witness, exam_of(events, 40), Mode.FROZEN)
    assert len(witness.histories) == len(np.unique(events.users[40:]))
    for history in witness.histories:
        assert history.items.tolist() == events.items[:40][events.users[:40] == history.user].tolist()
        assert history.now == events.at[40]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(50, 79), st.sampled_from([Mode.FROZEN, Mode.UPDATED]))
def test_what_comes_later_changes_nothing_before_it(seed: int, end: int, mode: Mode) -> None:
    events = random_events(seed)
    whole = replay(Witness(), exam_of(events, 40), mode)
    cut = replay(Witness(), exam_of(events.take(slice(0, end)), 40), mode)
    for track in Track:
        n = len(cut[track].records)
        assert (whole[track].records[:n] == cut[track].records).all()
        assert (whole[track].slates[:n] == cut[track].slates).all()


def test_records_come_in_order_of_the_queries_with_their_slates() -> None:
    events = random_events(5)
    outcome = replay(Witness(), exam_of(events, 40), Mode.UPDATED)[Track.REPEATS]
    assert exam_of(events, 40).queries.tolist() == list(range(40, 80))
    assert outcome.records["query"].tolist() == list(range(40, 80))
    assert (outcome.records["user"] == events.users[40:]).all()
    assert (outcome.records["item"] == events.items[40:]).all()
    first = outcome.records["rank"] == 1
    assert first.any()
    assert (outcome.slates[first, 0] == outcome.records["item"][first]).all()


def test_slates_of_the_new_track_show_nothing_that_the_user_had() -> None:
    events = random_events(6)
    outcome = replay(Witness(), exam_of(events, 20), Mode.UPDATED)[Track.NEW]
    histories = Histories(events)
    for record, slate in zip(outcome.records, outcome.slates, strict=True):
        assert not set(slate.tolist()) & set(histories.until(int(record["query"])).items.tolist())


def test_an_item_is_a_candidate_from_the_moment_it_is_known() -> None:
    rows = [(0, 0, 1.0), (1, 0, 2.0), (0, 1, 3.0), (1, 2, 4.0), (2, 1, 5.0)]
    events = events_of(rows, 3)
    records = replay(Witness(), set_exam(events, 2, known_since(events)), Mode.UPDATED)[Track.REPEATS].records
    assert records["n_candidates"].tolist() == [2, 3, 3]


def test_unwanted_behaviours_are_history_but_no_question() -> None:
    rows = [(0, 0, 1.0), (0, 1, 2.0), (0, 2, 3.0), (0, 1, 4.0)]
    events = events_of(rows, 3, weights=[1.0, 1.0, -1.0, 1.0])
    records = replay(Witness(), exam_of(events, 2), Mode.UPDATED)[Track.REPEATS].records
    assert records["query"].tolist() == [3]
    assert records["n_history"].tolist() == [3]


def test_withheld_items_are_asked_for_and_never_learned() -> None:
    events = random_events(7, n=200)
    withheld = draw_withheld(events, seed=0)
    witness = Witness()
    exam = set_exam(events, 100, everything_known(events), withheld)
    records = replay(witness, exam, Mode.REFITTED)[Track.REPEATS].records
    assert withheld[records["item"]].all()
    assert len(records) == np.count_nonzero(withheld[events.items[100:]])
    assert not any(withheld[lesson.items].any() for lesson in witness.lessons)


def test_top_leaves_out_what_has_no_score_and_breaks_ties_by_number() -> None:
    scores = np.array([1, np.nan, 3, 3, 3, 0, np.inf], dtype=np.float32)
    assert top(scores, np.ones(7, dtype=np.bool_), 2).tolist() == [2, 3]
    assert top(scores, np.array([1, 1, 0, 0, 0, 1, 1], dtype=np.bool_), 3).tolist() == [0, 5]


@pytest.mark.parametrize("mode", list(Mode))
def test_an_exam_without_questions_has_no_answers(mode: Mode) -> None:
    events = events_of([(0, 0, 1.0), (0, 1, 2.0)], 2, weights=[1.0, 0.0])
    for outcome in replay(Witness(), exam_of(events, 1), mode).values():
        assert len(outcome.records) == len(outcome.slates) == 0
