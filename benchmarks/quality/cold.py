"""Items that nobody had touched when the models learned: those that came later, and a seeded share held back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.evaluation.baselines.lineup import ByTrack
from app.evaluation.events import Events
from app.evaluation.replay import Exam, Mode, Outcome, Track, sampled, set_exam
from app.evaluation.report import result_of
from app.evaluation.split import cold_items, draw_withheld
from app.services.exam import SEED, DataSet, Paper, Say, sit


def natural(papers: Sequence[Paper], exam: Exam) -> list[Paper]:
    """The same answers, of the questions for new items whose target had no behaviour before the exam."""
    is_cold = cold_items(exam.events, exam.start)
    found = []
    for paper in (one for one in papers if one.track is Track.NEW and one.mode is Mode.UPDATED):
        asked = is_cold[paper.outcome.records["item"]]
        if asked.any():
            outcome = Outcome(paper.outcome.records[asked], paper.outcome.slates[asked])
            result = result_of(paper.system, paper.mode, paper.track, outcome)
            found.append(Paper(paper.system, paper.mode, paper.track, outcome, result))
    return found


def withheld(data: DataSet, start: int, systems: Mapping[str, ByTrack], n_queries: int | None, say: Say) -> list[Paper]:
    """15 % of the items stay out of every fit and are asked for: who cannot read has nothing to say."""
    exam = set_exam(data.events, start, data.known_at, draw_withheld(data.events, SEED))
    reading = {name: makers for name, makers in systems.items() if name.startswith("text")}
    papers = sit(data, sampled(exam, n_queries, SEED), reading, [Mode.UPDATED], say)
    return [paper for paper in papers if paper.track is Track.NEW]


def n_cold(events: Events, start: int) -> int:
    return int(cold_items(events, start).sum())
