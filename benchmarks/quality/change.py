"""Who changes: how soon each system follows, from the splices of `app.evaluation.splice`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.evaluation.baselines.lineup import ByTrack
from app.evaluation.replay import Exam, Scorer
from app.evaluation.report import table
from app.evaluation.splice import Recovery, Splice, Splicing, choose_splices
from app.services.exam import PORTRAIT, SEED, DataSet, Say, view_of_items
from app.services.portrait_scorer import PortraitScorer

N_SPLICES = 60
STEPS = 20
AWAY = 10  # behaviours of B before A comes back
RIVALS = ("SLIT decayed", "EASE", "EASE decayed", "ItemKNN decayed", "personal frequency decayed")


@dataclass(frozen=True, slots=True)
class Change:
    """`there`: A's past, then B's behaviours; `back`: then A's own again."""

    there: Recovery
    back: Recovery


def changes(
    data: DataSet, exam: Exam, systems: Mapping[str, ByTrack], portrait: PortraitScorer, say: Say
) -> dict[str, Change]:
    """By system, on the track that the data set is about; nothing where too few people have enough of a past."""
    splices = _some(choose_splices(exam, view_of_items(data).vectors, SEED, STEPS))
    if len(splices) < 2:
        say(f"{data.name}: nobody to splice")
        return {}
    track = data.tracks[-1]
    portrait.track = track
    splicing = Splicing(exam, splices, track, STEPS)
    lesson = exam.events.take(slice(0, exam.start))
    scorers: dict[str, Scorer] = {PORTRAIT: portrait}
    scorers |= {name: systems[name][track]() for name in RIVALS if track in systems.get(name, {})}
    found = {}
    for name, scorer in scorers.items():
        scorer.fit(lesson)
        found[name] = Change(splicing.recover(scorer), splicing.recover_return(scorer, AWAY))
        say(f"{data.name}: {name} follows after {_words(found[name].there)}, back after {_words(found[name].back)}")
    return found


def change_table(found: Mapping[str, Change]) -> str:
    """Behaviours until a window of three holds 90 % of what the system reaches for B alone, and for A alone."""
    rows = [
        [
            name,
            _words(one.there),
            _words(one.back),
            *(f"{np.nanmean(values):.4f}" for values in (one.there.spliced, one.there.alone)),
        ]
        for name, one in found.items()
    ]
    n = next(iter(found.values())).there.n if found else 0
    head = [f"{n} splices", "until 90 %", "until 90 %, coming back", f"NDCG@10 over {STEPS} behaviours", "of B alone"]
    return table(head, rows)


def plain(found: Mapping[str, Change]) -> dict[str, object]:
    """As JSON: NaN, which it has not, is null."""
    return {name: {"there": _curves(one.there), "back": _curves(one.back)} for name, one in found.items()}


def _curves(recovery: Recovery) -> dict[str, object]:
    curves = {"spliced": recovery.spliced, "alone": recovery.alone}
    lists = {name: [None if np.isnan(v) else float(v) for v in values] for name, values in curves.items()}
    return {"until": recovery.behaviors_until(), "n": recovery.n, **lists}


def _some(splices: list[Splice]) -> list[Splice]:
    """Evenly over the users, who come in order of their number."""
    places = np.linspace(0, len(splices) - 1, min(len(splices), N_SPLICES)).round().astype(int)
    return [splices[place] for place in places.tolist()] if splices else []


def _words(recovery: Recovery) -> str:
    until = recovery.behaviors_until()
    return f"over {STEPS - 2}" if until is None else str(until)
