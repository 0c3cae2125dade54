"""The checkerboard: users and items have a colour, and everybody has all items of theirs but one. The board is not
square, so that a scorer which swaps users and items fails."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from app.evaluation.baselines import competitors
from app.evaluation.baselines.counts import DAY_S, PersonalFrequency, Popular
from app.evaluation.baselines.factors import Bpr, Ials
from app.evaluation.baselines.pairs import Ease, ItemKnn, Slit
from app.evaluation.baselines.past import each_once, reach
from app.evaluation.baselines.text import TextCosine, whitened
from app.evaluation.events import Columns, Events, known_since, order_events
from app.evaluation.replay import Histories, History, Mode, Scorer, Track, replay, set_exam

N_USERS, N_ITEMS = 24, 14


def board(seed: int = 0) -> tuple[Events, int]:
    """Everybody's six items in a random order, then, from the returned row on, the missing seventh."""
    rng = np.random.default_rng(seed)
    rows, last = [], []
    for user in range(N_USERS):
        own = rng.permutation(np.arange(user % 2, N_ITEMS, 2))
        rows += [(f"u{user}", f"i{item}") for item in own[:-1]]
        last.append((f"u{user}", f"i{own[-1]}"))
    rng.shuffle(rows)
    rows += last
    users, items = zip(*rows, strict=True)
    n = len(rows)
    columns = Columns(users, items, np.arange(float(n)), np.ones(n), ["view"] * n)
    return order_events(columns, [f"i{item}" for item in range(N_ITEMS)]), n - N_USERS


def colours() -> np.ndarray:
    """Texts that tell the colour, and a little more, so that no axis is empty."""
    vectors = np.random.default_rng(1).normal(scale=0.2, size=(N_ITEMS, 4)).astype(np.float32)
    vectors[:, 0] += np.where(np.arange(N_ITEMS) % 2, 1, -1)
    return vectors


def past_of(items: list[int], weights: list[float] | None = None, now: float = 100.0) -> History:
    n = len(items)
    return History(
        0, np.array(items, dtype=np.int32), np.arange(float(n)),
        np.array(weights or [1.0] * n, dtype=np.float32), np.zeros(n, dtype=np.int16), now,
    )  # fmt: skip


def events_of(rows: list[tuple[str, str, float]], n_items: int) -> Events:
    users, items, at = zip(*rows, strict=True)
    columns = Columns(users, items, np.array(at), np.ones(len(rows)), ["view"] * len(rows))
    return order_events(columns, [f"i{item}" for item in range(n_items)])


PERSONAL = [
    name
    for name in competitors(colours(), factors=2)
    if not name.startswith(("popular", "personal")) and name not in {"text whitened", "text whitened decayed"}
]


@pytest.mark.parametrize("name", PERSONAL)
def test_the_missing_item_of_the_right_colour_is_found(name: str) -> None:
    events, start = board()
    scorer = competitors(colours(), factors=2)[name]()
    outcome = replay(scorer, set_exam(events, start, known_since(events)), Mode.UPDATED)[Track.NEW]
    assert len(outcome.records) == N_USERS
    assert outcome.records["rank"].tolist() == [1.0] * N_USERS


@pytest.mark.parametrize("name", competitors(colours(), factors=2))
def test_every_competitor_scores_all_items_as_float32_and_changes_nothing_it_is_given(name: str) -> None:
    events, start = board()
    scorer = competitors(colours(), factors=2)[name]()
    scorer.fit(events.take(slice(0, start)))
    history = Histories(events).until(start)
    before = history.items.copy()
    first, second = scorer.score(history), scorer.score(history)
    assert first.shape == (N_ITEMS,)
    assert first.dtype == np.float32
    assert (first == second).all()
    assert (history.items == before).all()


@pytest.mark.parametrize("name", competitors(colours(), factors=2))
def test_a_stranger_gets_scores_too(name: str) -> None:
    events, start = board()
    scorer = competitors(colours(), factors=2)[name]()
    scorer.fit(events.take(slice(0, start)))
    assert np.isfinite(scorer.score(past_of([]))).all()


@pytest.mark.parametrize("make", [ItemKnn, Ease, Slit, Ials, Bpr])
def test_items_that_were_never_learned_have_no_score(make: Callable[[], Scorer]) -> None:
    events = events_of([("a", "i0", 1), ("a", "i1", 2), ("b", "i0", 3), ("b", "i1", 4)], 4)
    scorer = make()
    scorer.fit(events)
    scores = scorer.score(past_of([0, 3]))
    assert np.isnan(scores).tolist() == [False, False, True, True]


@pytest.mark.parametrize("make", [ItemKnn, Ease, Slit])
def test_above_the_limit_only_the_most_active_items_are_covered(make: type[Ease]) -> None:
    events, _ = board()
    busy = events_of(
        [
            (events.vocabulary.user_ids[u], f"i{v}", t)
            for u, v, t in zip(events.users, events.items, events.at, strict=True)
        ]
        + [(f"x{n}", f"i{v}", 1e3 + n) for n, v in enumerate([2, 4, 5] * 3)],
        N_ITEMS,
    )
    scorer = make(limit=3)
    scorer.fit(busy)
    assert np.flatnonzero(np.isfinite(scorer.score(past_of([2, 0])))).tolist() == [2, 4, 5]


@pytest.mark.parametrize("make", [ItemKnn, Ease, Slit, Ials, Bpr, Popular, PersonalFrequency])
def test_nothing_to_learn_from_is_no_crash(make: Callable[[], Scorer]) -> None:
    scorer = make()
    scorer.fit(events_of([("a", "i0", 1.0)], 3).take(slice(0, 0)))
    assert scorer.score(past_of([1])).shape == (3,)


def test_ease_is_the_closed_form() -> None:
    events, start = board()
    lesson = events.take(slice(0, start))
    taken = np.zeros((N_USERS, N_ITEMS))
    taken[lesson.users, lesson.items] = 1.0
    inverse = np.linalg.inv(taken.T @ taken + 3.0 * np.eye(N_ITEMS))
    expected = np.eye(N_ITEMS) - inverse / np.diag(inverse)
    for tau, weights in ((None, [1, 1, 1]), (2.0, [math.exp(-1), math.exp(-0.5), 1])):
        scorer = Ease(tau, lam=3.0)
        scorer.fit(lesson)
        assert scorer.score(past_of([4, 0, 9])) == pytest.approx(weights @ expected[[4, 0, 9]], abs=1e-5)


@pytest.mark.parametrize("tau", [None, 2.0])
def test_slit_is_the_ridge_regression_from_decayed_past_to_next_item(tau: float | None) -> None:
    rng = np.random.default_rng(2)
    events = events_of([(f"u{rng.integers(4)}", f"i{rng.integers(6)}", float(t)) for t in range(60)], 6)
    deepest = reach(tau) or 50
    pasts, nexts = [], []
    for row in range(60):
        before = events.items[:row][events.users[:row] == events.users[row]][::-1][:deepest]
        if len(before):
            past = np.zeros(6)
            np.add.at(past, before, 1.0 if tau is None else np.exp(-np.arange(len(before)) / tau))
            pasts.append(past)
            nexts.append(np.eye(6)[events.items[row]])
    s, t = np.array(pasts), np.array(nexts)
    expected = np.linalg.solve(s.T @ s + 0.5 * np.eye(6), s.T @ t)
    scorer = Slit(tau, lam=0.5)
    scorer.fit(events)
    weights = np.ones(2) if tau is None else np.exp(-np.array([1, 0]) / tau)
    assert scorer.score(past_of([3, 1])) == pytest.approx(weights @ expected[[3, 1]], abs=1e-4)


def test_slit_learns_what_comes_next() -> None:
    rows = [(f"u{u}", f"i{(u + step) % 7}", float(step * 50 + u)) for u in range(21) for step in range(12)]
    scorer = Slit(tau=1.0, lam=0.1)
    scorer.fit(events_of(rows, 7))
    assert int(np.argmax(scorer.score(past_of([1, 2, 3])))) == 4


def test_neighbours_are_shrunk_cosines_cut_to_the_nearest() -> None:
    rows = [("a", "i0"), ("a", "i1"), ("b", "i0"), ("b", "i1"), ("c", "i0"), ("c", "i2"), ("a", "i1"), ("d", "i3")]
    events = events_of([(user, item, float(t)) for t, (user, item) in enumerate(rows)], 4)
    whole, nearest = ItemKnn(shrink=1.0), ItemKnn(shrink=1.0, k=1)
    for scorer in (whole, nearest):
        scorer.fit(events)
    near, far = 2 / (math.sqrt(3 * 2) + 1), 1 / (math.sqrt(3) + 1)
    assert whole.score(past_of([0])) == pytest.approx([0, near, far, 0])
    assert nearest.score(past_of([0])) == pytest.approx([0, near, 0, 0])


def test_ials_folds_a_history_in_as_it_would_have_learned_it() -> None:
    """Hu et al., eq. 4: x = (Y'Y + Y'(C - I)Y + reg I)^-1 Y'C p, where C is `alpha` times the weight."""
    events, start = board()
    for tau, weights in ((None, [1, 1, 1]), (2.0, [math.exp(-1), math.exp(-0.5), 1])):
        scorer = Ials(tau, factors=4, alpha=3.0, regularization=0.1)
        scorer.fit(events.take(slice(0, start)))
        factors, mine = np.float64(scorer._factors), np.float64(scorer._factors[[4, 0, 9]])
        confidence = 3.0 * np.array(weights)
        left = factors.T @ factors + (mine.T * (confidence - 1)) @ mine + 0.1 * np.eye(4)
        user = np.linalg.solve(left, mine.T @ confidence)
        assert scorer.score(past_of([4, 0, 9])) == pytest.approx(factors @ user, rel=1e-3, abs=1e-4)


def test_bpr_ranks_a_stranger_by_the_biases_and_others_by_the_mean_of_their_items() -> None:
    events, start = board()
    scorer = Bpr(factors=4)
    scorer.fit(events.take(slice(0, start)))
    factors, biases = scorer._factors[:, :-1], scorer._factors[:, -1]
    assert scorer.score(past_of([])) == pytest.approx(biases)
    assert scorer.score(past_of([3, 7])) == pytest.approx(factors @ factors[[3, 7]].mean(axis=0) + biases, abs=1e-5)


def test_decay_counts_distinct_items_from_the_newest() -> None:
    items, weights = each_once(np.array([5, 7, 5, 9], dtype=np.int32), tau=2.0)
    assert items.tolist() == [9, 5, 7]
    assert weights == pytest.approx([1, math.exp(-0.5), math.exp(-1)])


def test_recent_popularity_sees_its_window_only_and_breaks_ties_by_all_time() -> None:
    rows = [("a", "i0", 0), ("b", "i0", 0), ("c", "i0", 0), ("a", "i1", 0), ("a", "i2", 2), ("b", "i2", 2)]
    rows += [("a", "i3", 5.0), ("b", "i3", 5.1), ("a", "i2", 9.5), ("c", "i3", 10.0), ("d", "i2", 10.0)]
    events = events_of([(u, v, t * DAY_S) for u, v, t in rows], 5)
    week, ever = Popular(days=7), Popular()
    week.fit(events)
    ever.fit(events)
    assert np.argsort(-week.score(past_of([])), kind="stable").tolist() == [3, 2, 0, 1, 4]
    assert np.argsort(-ever.score(past_of([])), kind="stable").tolist() == [2, 0, 3, 1, 4]


def test_what_the_user_repeats_comes_before_what_others_like() -> None:
    events = events_of([(f"u{n}", "i0", float(n)) for n in range(50)] + [("a", "i1", 60), ("b", "i2", 61)], 4)
    plain, decayed = PersonalFrequency(), PersonalFrequency(tau=1.0)
    plain.fit(events)
    decayed.fit(events)
    history = past_of([2, 2, 2, 1, 3], weights=[1, 1, 1, 1, -1])
    assert np.argsort(-plain.score(history), kind="stable").tolist() == [2, 1, 0, 3]
    assert np.argsort(-decayed.score(history), kind="stable").tolist() == [1, 2, 0, 3]


def test_items_without_text_have_no_score_and_do_not_blind_the_user() -> None:
    vectors = np.array([[1, 0], [0, 1], [np.nan, np.nan], [1, 1]], dtype=np.float32)
    scores = TextCosine(vectors).score(past_of([0, 2]))
    assert scores == pytest.approx([1, 0, math.nan, math.sqrt(0.5)], nan_ok=True)


def test_whitening_takes_the_power_of_each_axis() -> None:
    rng = np.random.default_rng(3)
    raw = (rng.normal(size=(4_000, 3)) * [8.0, 2.0, 0.5] + [5, 5, 5]).astype(np.float32)
    full, half = whitened(raw, 0.5), whitened(raw, 0.25)
    assert np.linalg.norm(half, axis=1) == pytest.approx(np.ones(4_000), abs=1e-5)
    spread = np.sort(full.std(axis=0))
    assert spread[-1] / spread[0] < 1.1
    assert 1.3 < np.sort(half.std(axis=0))[-1] / np.sort(half.std(axis=0))[-2] < 3


def test_whitening_keeps_items_without_text_apart() -> None:
    raw = np.random.default_rng(4).normal(size=(30, 3)).astype(np.float32)
    holes = raw.copy()
    holes[5] = np.nan
    kept = np.delete(np.arange(30), 5)
    result = whitened(holes, 0.25)
    assert np.isnan(result[5]).all()
    assert np.abs(result[kept]) == pytest.approx(np.abs(whitened(raw[kept], 0.25)), abs=1e-4)
