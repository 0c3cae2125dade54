"""From a log to a model: lessons without a look ahead, a judgement, and files that answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.domain.catalogue import Catalogue
from app.domain.errors import Misconfigured
from app.domain.item import Item
from app.domain.progress import unwatched
from app.profiles.decay import HalfLives
from app.ranking.ranker import Lessons
from app.retrieval.base import PLAIN, Log, Policy, Query, World
from app.retrieval.candidates import gather, rerank
from app.retrieval.features import NAMES, SOURCES
from app.retrieval.load import load_generators
from app.retrieval.query import build_query, taste_of
from app.training.generators import fit_generators
from app.training.judge import _by_policy, _contender, earns_its_place, judge_policy
from app.training.lessons import Memory, Request, lessons_of, requests
from app.training.mixture import mixture_of
from app.training.pipeline import Plan, fit_sources, learn
from app.training.worlds import load_world
from tests.spaces import BruteForceSpace
from tests.unit import retrieval_board as board

N_ITEMS, N_USERS, DAY = 60, 80, 86_400.0
HALF_LIVES = HalfLives()


def circle(n_steps: int = 40, seed: int = 0) -> Log:
    """Every user goes round the items, i to i + 1, and sometimes jumps."""
    rng = np.random.default_rng(seed)
    lines = []
    for user in range(N_USERS):
        item = int(rng.integers(N_ITEMS))
        for step in range(n_steps):
            item = (item + 1) % N_ITEMS if rng.random() < 0.8 else int(rng.integers(N_ITEMS))
            lines.append((step * DAY + user, user, item))
    at, users, items = (np.array(column) for column in zip(*sorted(lines), strict=True))
    return Log(
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        at=at.astype(np.float64) + 1.6e9,
        weights=np.ones(len(at), dtype=np.float32),
        types=np.zeros(len(at), dtype=np.int16),
        n_users=N_USERS,
        item_ids=[f"i{item}" for item in range(N_ITEMS)],
        type_names=["purchase"],
    )


def catalogue() -> Catalogue:
    return Catalogue(Item(f"i{item}", f"Thing {item}", categories=(f"Kind {item % 5}",)) for item in range(N_ITEMS))


def space() -> BruteForceSpace:
    vectors = np.random.default_rng(0).normal(size=(N_ITEMS, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return BruteForceSpace(vectors, [item % 5 for item in range(N_ITEMS)], [f"cluster {n}" for n in range(5)])


def query_of(*bought: tuple[str, float]) -> Query:
    state, items = board.state(bought), catalogue()
    taste = taste_of(state, items.rows(state.items), World(items, space(), (), "board"), HALF_LIVES)
    return build_query(taste, np.ones(N_ITEMS, dtype=np.bool_), board.NOW, 50, HALF_LIVES)


def world_until(log: Log, moment: float, folder: Path) -> World:
    items, vectors = catalogue(), space()
    fit_generators(log.until(moment), items, vectors)(folder)
    return World(items, vectors, load_generators(folder, items, vectors), "test")


def test_a_request_knows_nothing_of_what_came_later(tmp_path: Path) -> None:
    """Another future changes no feature of what was asked before it."""
    log = circle()
    start, end = log.at[int(0.8 * len(log.at))], log.at[int(0.9 * len(log.at))]
    world = world_until(log, start, tmp_path)
    later = log.at > end
    other = Log(
        log.users, np.where(later, 0, log.items).astype(np.int32), log.at, log.weights, log.types,
        log.n_users, log.item_ids, log.type_names,
    )  # fmt: skip
    ours, theirs = (requests(one, start, world, HALF_LIVES, 1)["repeats"] for one in (log, other))
    before = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.at <= end]
    assert len(before) > 50
    for a, b in before:
        np.testing.assert_array_equal(a.table, b.table)


def test_new_requests_ask_for_new_items_only(tmp_path: Path) -> None:
    log = circle()
    start = log.at[int(0.8 * len(log.at))]
    asked = requests(log, start, world_until(log, start, tmp_path), HALF_LIVES, 1)
    for one in asked["new"]:
        had = log.items[(log.users == one.user) & (np.arange(len(log.at)) < one.log_place)]
        assert log.items[one.log_place] not in had
        assert not set(had.tolist()) & set(one.rows.tolist())


def test_lessons_hold_the_right_answer() -> None:
    table = np.random.default_rng(0).random((200, len(NAMES))).astype(np.float32)
    asked = [Request(0, 0, 0.0, np.arange(200, dtype=np.int32), table, place) for place in (0, 99, 150, 199, -1)]
    lessons = lessons_of(asked)
    assert len(lessons) == 4
    first = np.concatenate([[0], np.cumsum(lessons.sizes)[:-1]])
    for place, number in zip((0, 99, 150, 199), first + lessons.chosen, strict=True):
        np.testing.assert_array_equal(lessons.features[number], table[place])


def test_the_mixture_trusts_who_is_right() -> None:
    rng = np.random.default_rng(0)
    table = np.full((50 * 20, len(NAMES)), np.nan, dtype=np.float32)
    chosen = rng.integers(0, 20, 50)
    good, bad = SOURCES.index("slit"), SOURCES.index("trend")
    table[:, good] = np.log(0.01)
    table[np.arange(50) * 20 + chosen, good] = np.log(0.8)
    table[:, bad] = np.log(0.05)
    weights = mixture_of(Lessons(table, np.full(50, 20), chosen, NAMES))
    assert weights["slit"] > 5 * weights["trend"]


def test_a_model_is_learned_judged_and_answers(tmp_path: Path) -> None:
    heard: list[tuple[float, str]] = []
    learned = learn(circle(), catalogue(), space(), Plan(), report=lambda share, stage: heard.append((share, stage)))
    assert [share for share, _ in heard] == sorted(share for share, _ in heard)
    judged = learned.judged["repeats"]
    assert judged.ndcg["challenger"] >= judged.ndcg["champion"]
    assert learned.verdict["reasons"]
    assert learned.verdict["figures"]["repeats, challenger"] == pytest.approx(judged.ndcg["challenger"], abs=1e-5)
    learned.write(tmp_path)
    world = load_world(tmp_path, catalogue(), space(), "1")
    query = query_of(("i7", 3.0), ("i8", 2.0), ("i9", 1.0))
    policy = world.policy("repeats")
    fused = rerank(world, query, gather(world, query, policy), policy)
    assert 10 in fused.rows[:3]
    assert (np.diff(fused.scores) <= 0).all()


def test_a_worse_policy_does_not_serve(tmp_path: Path) -> None:
    """A champion that knows the answer stays."""

    class Backwards:
        def score(self, features: np.ndarray) -> np.ndarray:
            return -features[:, NAMES.index("mixture")]

        def parts(self, features: np.ndarray) -> np.ndarray:
            return features

    log = circle()
    start = log.at[int(0.8 * len(log.at))]
    world = world_until(log, start, tmp_path)
    asked = requests(log, start, world, HALF_LIVES, 1)["repeats"]
    judged = judge_policy(Policy(ranker=Backwards()), None, asked, world)
    assert not judged.challenger_won
    assert judged.winner is PLAIN
    assert judged.ndcg["challenger"] < judged.ndcg["champion"]


def one_user(log: Log) -> Log:
    return log.take(log.users == 0)


def one_item(log: Log) -> Log:
    return log.take(log.items == 0)


def one_moment(log: Log) -> Log:
    return Log(
        log.users, log.items, np.full(len(log.at), 1.6e9), log.weights, log.types,
        log.n_users, log.item_ids, log.type_names,
    )  # fmt: skip


def two(log: Log) -> Log:
    return log.take(slice(0, 2))


@pytest.mark.parametrize("spoil", [one_user, one_item, one_moment, two])
def test_poor_logs_give_a_smaller_model(spoil: Callable[[Log], Log], tmp_path: Path) -> None:
    learn(spoil(circle()), catalogue(), space(), Plan()).write(tmp_path)
    world = load_world(tmp_path, catalogue(), space(), "1")
    query = query_of(("i7", 3.0))
    assert len(gather(world, query, world.policy("new")).rows)


def test_a_champion_that_cannot_be_judged_goes_on(tmp_path: Path) -> None:
    proven = {"new": Policy({"slit": 3.0})}
    learn(two(circle()), catalogue(), space(), Plan(), proven).write(tmp_path)
    assert load_world(tmp_path, catalogue(), space(), "1").policy("new").weights == {"slit": 3.0}


def test_memory_goes_forward_and_begins_anew() -> None:
    log = circle()
    memory = Memory(log.item_ids, log.type_names, HALF_LIVES)

    def known(user: int, n: int) -> int:
        mine = np.flatnonzero(log.users == user)[:n]
        state = memory.after(user, log.items[mine], log.at[mine], log.weights[mine], log.types[mine])
        return sum(tally.n for tally in state.items.values())

    assert [known(0, 3), known(0, 5), known(1, 2), known(0, 1)] == [3, 5, 2, 1]


def heard_by(right: bool) -> list[Request]:
    """200 requests of as many users where the decoder names the right item, or some other."""
    rng, found = np.random.default_rng(0), []
    for user in range(200):
        table = np.full((30, len(NAMES)), np.nan, dtype=np.float32)
        place = int(rng.integers(30))
        table[:, SOURCES.index("trend")] = np.log(rng.random(30) / 30)
        table[:, SOURCES.index("decoder")] = np.log(0.01)
        table[place if right else int(rng.integers(30)), SOURCES.index("decoder")] = np.log(0.7)
        table[:, len(SOURCES) : 2 * len(SOURCES)] = 0.0
        found.append(Request(user, user, float(user), np.arange(30, dtype=np.int32), table, place))
    return found


@pytest.mark.parametrize("right", [True, False])
def test_a_decoder_is_a_member_only_where_it_helps(right: bool) -> None:
    asked = heard_by(right)
    world = World(catalogue(), space(), (), "test")
    assert earns_its_place("decoder", asked[:120], asked[120:], world) == right
    assert not earns_its_place("slit", asked[:120], asked[120:], world)


def test_a_decoder_on_disk_is_a_source(tmp_path: Path) -> None:
    plan = Plan(decoder_minutes=0.05, scratch=tmp_path)
    sources = fit_sources(circle(20), catalogue(), space(), plan, True, unwatched)
    (tmp_path / "model").mkdir()
    sources.write(tmp_path / "model")
    assert sources.about == {}
    world = load_world(tmp_path / "model", catalogue(), space(), "1")
    decoder = next(generator for generator in world.generators if generator.name == "decoder")
    scored = decoder.score(query_of(("i7", 3.0), ("i8", 2.0)))
    assert len(scored.rows)
    assert scored.scores.sum() <= 1 + 1e-4


def test_what_a_private_decoder_tells_of_a_user_is_in_the_record(tmp_path: Path) -> None:
    plan = Plan(decoder_minutes=0.02, scratch=tmp_path, decoder_epsilon=2.0)
    sources = fit_sources(circle(20), catalogue(), space(), plan, True, unwatched)
    told = sources.about["decoder_privacy"]
    assert 0 < told["epsilon"] <= told["budget"] == 2.0
    assert told["delta"] == pytest.approx(N_USERS**-1.1)
    sources.write(tmp_path)
    assert json.loads((tmp_path / "decoder.json").read_text())["privacy"] == told


def test_a_private_decoder_without_opacus_ends_learning_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opacus", None)
    with pytest.raises(Misconfigured, match=r"portrait\[privacy\]"):
        learn(circle(), catalogue(), space(), Plan(decoder_minutes=1.0, decoder_epsilon=2.0), report=_unheard)


def _unheard(share: float, stage: str) -> None:
    raise AssertionError("it has begun")


def test_variety_is_no_guard_while_vectors_are_missing(tmp_path: Path) -> None:
    """Who ranks better is not refused because the items it names have no vector yet."""
    log, half = circle(), space()
    half._vectors[::2] = np.nan
    start = log.at[int(0.8 * len(log.at))]
    fit_generators(log.until(start), catalogue(), space())(tmp_path)
    world = World(catalogue(), half, load_generators(tmp_path, catalogue(), half), "test")
    asked = requests(log, start, world, HALF_LIVES, 1)["repeats"]
    judged = judge_policy(PLAIN, PLAIN, asked, world)
    assert not any("Diversity" in reason for reason in judged.verdict.reasons)
    whole = World(catalogue(), space(), world.generators, "test")
    contenders = [_contender("one", asked, _by_policy(PLAIN), one) for one in (world, whole)]
    assert np.isnan(contenders[0].diversity)
    assert contenders[1].diversity > 0
