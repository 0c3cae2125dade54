"""The parts of the quality benchmark that a mistake would make dishonest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.domain.item import Item
from app.evaluation.baselines.counts import PersonalFrequency
from app.evaluation.events import Columns
from app.evaluation.replay import Mode, Track, replay
from app.evaluation.splice import Recovery
from app.evaluation.split import cold_items
from app.services.exam import DataSet, data_set, exam_of, papers_of, view_of_items
from benchmarks.quality import cold
from benchmarks.quality.__main__ import arguments, keep
from benchmarks.quality.change import Change, change_table, plain
from benchmarks.quality.data import SETS, load, present
from benchmarks.quality.figures import save_figures
from benchmarks.sasrec.exchange import load_exam, load_outcomes, save_exam, save_outcomes
from benchmarks.sasrec.windows import windows_of

SHARED = Path(__file__).parents[3] / "shared" / "data"


def small(n_users: int = 20, steps: int = 30) -> DataSet:
    """Everybody walks through the items, of which the last ones are met at the end only."""
    rng = np.random.default_rng(0)
    rows = [
        (f"u{u}", f"i{int(step + rng.integers(6))}", float(step * 100 + u))
        for step in range(steps)
        for u in range(n_users)
    ]
    users, items, at = zip(*rows, strict=True)
    columns = Columns(users, items, np.array(at), np.ones(len(rows), dtype=np.float32), ["view"] * len(rows))
    catalogue = [Item(f"i{v}", f"item {v}", categories=("odd" if v % 2 else "even",)) for v in range(steps + 6)]
    return data_set("small", columns, catalogue, lambda known: rng.normal(size=(len(known), 4)).astype(np.float32))


def test_an_exam_and_its_outcomes_survive_the_way_to_another_environment(tmp_path: Path) -> None:
    exam = exam_of(small(), 30)
    save_exam(exam, tmp_path / "exam.npz")
    read = load_exam(tmp_path / "exam.npz")
    here, there = (replay(PersonalFrequency(), one, Mode.UPDATED) for one in (exam, read))
    save_outcomes(there, tmp_path / "outcomes.npz")
    back = load_outcomes(tmp_path / "outcomes.npz")
    for track in Track:
        assert (back[track].records == here[track].records).all()
        assert (back[track].slates == here[track].slates).all()


def test_windows_hold_every_behaviour_once_and_end_with_the_users_last() -> None:
    users = np.repeat([4, 7, 9], [7, 1, 6]).astype(np.int32)
    windows = windows_of(users, length=2)
    assert windows.tolist() == [0, 1, 1, 1, 2, 2, 2, 3, 4, 4, 4, 5, 5, 5]


def test_naturally_cold_items_are_those_without_a_behaviour_before() -> None:
    data = small()
    exam = exam_of(data, None)
    outcomes = replay(PersonalFrequency(), exam, Mode.UPDATED)
    papers = list(papers_of(data, exam, ("it", Mode.UPDATED), outcomes, view_of_items(data), print))
    (found,) = cold.natural(papers, exam)
    before = set(data.events.items[: exam.start].tolist())
    asked = found.outcome.records["item"].tolist()
    assert asked
    assert not before & set(asked)
    assert found.result.n_queries == len(asked) < papers[0].result.n_queries
    assert cold_items(data.events, exam.start)[asked].all()


def test_pictures_are_drawn_of_what_there_is(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    data = small()
    exam = exam_of(data, None)
    outcomes = replay(PersonalFrequency(), exam, Mode.UPDATED)
    papers = papers_of(data, exam, ("it", Mode.UPDATED), outcomes, view_of_items(data), print)
    results = [paper.result for paper in papers if paper.track is Track.REPEATS]
    recovery = Recovery(np.linspace(0, 0.5, 20), np.full(20, np.nan), 3)
    drawn = save_figures("small", results, {"it": Change(recovery, recovery)}, tmp_path)
    assert {path.name for path in drawn} == {"small-history.png", "small-diversity.png", "small-recovery.png"}
    assert all(path.stat().st_size > 1_000 for path in drawn)
    assert len(save_figures("small", results, {}, tmp_path)) == 2


def test_who_follows_is_told_in_behaviours_and_what_could_not_be_measured_is_null() -> None:
    slow = Recovery(np.repeat([0.0, 0.2], 10), np.full(20, 0.2), 7)
    never = Recovery(np.r_[np.nan, np.zeros(19)], np.full(20, 0.2), 7)
    found = {"it": Change(slow, never)}
    assert change_table(found).splitlines()[2].startswith("| it | 10 | over 18 |")
    assert json.loads(json.dumps(plain(found), allow_nan=False))["it"]["back"]["spliced"][:2] == [None, 0.0]


def test_a_second_run_replaces_its_own_data_set_only(tmp_path: Path) -> None:
    (tmp_path / "sections").mkdir()
    keep(tmp_path, "ifdb", "## ifdb: earlier", {"n": 1})
    keep(tmp_path, "completejourney", "## completejourney", {"n": 2})
    keep(tmp_path, "ifdb", "## ifdb: new", {"n": 3})
    report = (tmp_path / "REPORT.md").read_text()
    assert report.index("## completejourney") < report.index("## ifdb: new")
    assert "earlier" not in report
    assert (tmp_path / "results.json").read_text().count('"n"') == 2


def test_all_queries_are_asked_for_with_0() -> None:
    assert arguments(["--queries", "0"]).queries is None
    assert arguments([]).data == list(SETS)


@pytest.mark.parametrize("name", [name for name in SETS if name != "completejourney"])
def test_what_is_read_of_a_data_set(name: str, tmp_path: Path) -> None:
    if not present(name, SHARED):
        pytest.skip(f"{SHARED / name} is not there")
    columns, items = SETS[name](SHARED / name)
    # the vectors are nothing to this test, and take a minute
    np.save(
        tmp_path / f"{name}.npy", np.ones((len({*columns.item_ids} | {one.item_id for one in items}), 4), np.float32)
    )
    data = load(name, SHARED, tmp_path)
    assert (np.diff(data.events.at) >= 0).all()
    assert [item.item_id for item in data.items] == list(data.events.vocabulary.item_ids)
    assert np.abs(data.events.weights).max() <= 1
    assert data.with_repeats == (name == "uci-online-retail")
    assert {name for item in items for name in item.attributes} <= {"author", "system", "year"}


def test_ratings_are_weighed_on_their_own_scale() -> None:
    if not present("movietweetings", SHARED):
        pytest.skip("movietweetings is not there")
    columns, _ = SETS["movietweetings"](SHARED / "movietweetings")
    assert columns.weights.min() == -1
    assert columns.weights.max() == 1
