import json

import numpy as np

from app.evaluation.bootstrap import compare
from app.evaluation.replay import RECORD, Mode, Outcome, Track
from app.evaluation.report import Result, comparison_table, history_table, result_of, to_json, to_markdown


def result(system: str, ranks: list[float], **beyond: float) -> Result:
    records = np.zeros(len(ranks), dtype=RECORD)
    records["rank"], records["user"], records["n_history"] = ranks, [7] * (len(ranks) - 1) + [9], 4
    return result_of(system, Mode.UPDATED, Track.NEW, Outcome(records, np.zeros((len(ranks), 10), np.int32)), beyond)


RESULTS = [result("popular", [50, 50, 1]), result("SLIT", [1, 1, 50], coverage=0.25)]


def test_the_best_system_stands_first() -> None:
    lines = to_markdown(RESULTS).splitlines()
    assert lines[0] == "### Track new, mode U: 3 queries of 2 users"
    assert lines[2].startswith("| system | NDCG@10 | HR@10 | MRR | Recall@20 | Recall@50 | macro NDCG@10 | coverage |")
    assert lines[4].startswith("| SLIT | 0.6667 | 0.6667 |")
    assert lines[4].endswith("| 0.5000 | 0.2500 |")
    assert lines[5].startswith("| popular | 0.3333 |")
    assert lines[5].endswith("| 0.5000 | – |")


def test_history_has_a_column_for_each_bucket() -> None:
    lines = history_table(RESULTS).splitlines()
    assert "4-5" in lines[0]
    assert "3" in lines[2]
    assert "0.6667" in lines[4]


def test_json_has_no_nan_and_says_everything() -> None:
    nothing = compare(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int32), seed=0)
    plain = json.loads(json.dumps(to_json(RESULTS, {"popular": nothing}), allow_nan=False))
    assert plain["comparisons"]["popular"]["difference"]["mean"] is None
    assert plain["results"][1]["accuracy"]["NDCG@10"] == RESULTS[1].accuracy["NDCG@10"]
    assert plain["results"][1]["mode"] == "U"
    assert plain["results"][0]["by_history"]["4-5"][0] == 3


def test_a_claim_needs_an_interval_without_zero() -> None:
    users, values = np.arange(30), np.random.default_rng(0).random(30)
    lines = comparison_table(
        {"weaker": compare(values + 0.1, values, users, 0), "equal": compare(values, values, users, 0)}
    ).splitlines()
    assert lines[2].startswith("| weaker | +0.1000 [+0.1000, +0.1000] |")
    assert lines[2].endswith("| yes |")
    assert lines[3].endswith("| no |")


def test_a_lift_over_nothing_is_not_told() -> None:
    users, values, nothing = np.arange(30), np.full(30, 0.5), np.zeros(30)
    sometimes = np.where(np.arange(30) == 0, 0.5, 0.0)
    lines = comparison_table(
        {"nothing": compare(values, nothing, users, 0), "sometimes": compare(values, sometimes, users, 0)}
    ).splitlines()
    assert lines[2] == "| nothing | +0.5000 [+0.5000, +0.5000] | – | yes |"
    assert lines[3].endswith("| +2900.0% | yes |")
