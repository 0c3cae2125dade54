"""Whether a tuned encoder is the better one, by what it is for: finding the next item by its text."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from app.domain.catalogue import Mask, Vectors
from app.domain.errors import InvalidInput
from app.domain.item import Item
from app.domain.progress import Progress, unwatched
from app.evaluation.bootstrap import Comparison
from app.evaluation.events import Events, Times, Vocabulary, known_since
from app.evaluation.gate import Rails, against_queries
from app.evaluation.metrics import mean, ndcg_at
from app.evaluation.replay import Exam, History, Mode, Outcome, Scorer, Track, replay, sampled, set_exam
from app.evaluation.split import split_by_time
from app.retrieval.base import Floats, Log
from app.retrieval.sequences import shared_recency
from app.retrieval.text_map import Sums, gram_of, placed, with_constant

N_QUERIES = 2_000
# Reading and ranking that many takes minutes; a catalogue of a million would take a day.
MOST_ITEMS = 20_000
SEED = 1
# Of the items, by their ids: the same ones each time, so that no champion has learned what a challenger must not see.
WITHHELD = 0.15
RAILS = Rails()


class Compared(NamedTuple):
    """What was asked of both encoders in one exam: NDCG@10 of each, and the difference."""

    champion: float
    challenger: float
    by: Comparison


@dataclass(frozen=True, slots=True)
class EncoderExam:
    """`lessons` is the log before the exam, in the numbers of `items` (V,); `withheld` (V,) stay out of the pairs.

    `main` asks for items that were new to the user, `cold` only for those withheld.
    """

    items: list[Item]
    lessons: Log
    withheld: Mask
    main: Exam
    cold: Exam

    @property
    def texts(self) -> list[str]:
        """(V,) what may be learned from."""
        return ["" if held else item.text for item, held in zip(self.items, self.withheld, strict=True)]


def set_encoder_exam(log: Log, items: Sequence[Item]) -> EncoderExam:
    """From what users wanted and the most active items that have a text; behaviours on others are passed over.

    Raises InvalidInput where no verdict could come of it.
    """
    readable = _most_active(log, [item for item in items if item.text.strip()])
    if not readable:
        raise InvalidInput("No item has a text to tune an encoder by.", "Give the items titles or descriptions.")
    wanted = _renumbered(log.wanted(), readable)
    events = _events_of(wanted)
    start = split_by_time(events).test_row
    withheld = np.array([is_withheld(item.item_id) for item in readable])
    known_at = known_since(events, _published(readable))
    asked = _first_times(events)
    main = sampled(_only(set_exam(events, start, known_at), asked), N_QUERIES, SEED)
    cold = sampled(_only(set_exam(events, start, known_at, withheld), asked), N_QUERIES, SEED)
    _refuse_too_few(main)
    return EncoderExam(readable, wanted.take(slice(0, start)), withheld, main, cold)


def _most_active(log: Log, items: list[Item]) -> list[Item]:
    """In their order."""
    counts = dict(zip(log.item_ids, np.bincount(log.items, minlength=len(log.item_ids)).tolist(), strict=True))
    order = sorted(range(len(items)), key=lambda place: -counts.get(items[place].item_id, 0))
    return [items[place] for place in sorted(order[:MOST_ITEMS])]


def is_withheld(item_id: str) -> bool:
    return zlib.crc32(item_id.encode()) % 100 < 100 * WITHHELD


def judge_encoder(
    exam: EncoderExam, champion: Vectors, challenger: Vectors, report: Progress = unwatched
) -> dict[str, Any]:
    """(V, D) each, half-whitened; NaN where an item has no vector. The verdict as it is kept with the model."""
    found: dict[str, Compared] = {}
    for number, (name, asked) in enumerate((("new items", exam.main), ("cold items", exam.cold))):
        if len(asked.queries):
            report(number / 2, f"asking for {name}")
            found |= {f"{name}, {view}": one for view, one in _compared(asked, champion, challenger).items()}
    return verdict_on(found)


def verdict_on(found: dict[str, Compared]) -> dict[str, Any]:
    """Promoted only where it is surely better on new items in every view, and costs cold items nothing."""
    objections = [said for name, one in found.items() if (said := _objection(name, one))]
    praise = [f"{name}: {_percent(one)} NDCG@10." for name, one in found.items()]
    figures = {
        f"{name}, {who}": round(value, 5)
        for name, one in found.items()
        for who, value in (("champion", one.champion), ("challenger", one.challenger))
    }
    return {"promoted": not objections, "reasons": objections or praise, "figures": figures}


def _objection(name: str, one: Compared) -> str:
    if name.startswith("cold"):
        lost = one.by.difference.high < 0 or one.challenger < one.champion * (1 - RAILS.cold_items)
        return f"{name}: {_percent(one)} NDCG@10, which is worse." if lost else ""
    if one.by.n_users < RAILS.n_users:
        return f"{name}: only {one.by.n_users} users to judge by; {RAILS.n_users} are needed."
    return "" if one.by.difference.low > 0 else f"{name}: {_percent(one)} NDCG@10; that it is better is not sure."


def _percent(one: Compared) -> str:
    lift = one.by.lift
    return f"{lift.mean:+.1%} [{lift.low:+.1%}, {lift.high:+.1%}]"


def _compared(exam: Exam, champion: Vectors, challenger: Vectors) -> dict[str, Compared]:
    result = {}
    for view, scorer in (("cosine", Cosine), ("text map", Mapped)):
        old, new = (_answers(scorer(vectors), exam) for vectors in (champion, challenger))
        before, after = (mean(ndcg_at(one.records["rank"], 10)) for one in (old, new))
        result[view] = Compared(before, after, against_queries(new, old, SEED))
    return result


def _answers(scorer: Scorer, exam: Exam) -> Outcome:
    return replay(scorer, exam, Mode.UPDATED)[Track.NEW]


class Cosine:
    """How near an item lies to the fading past; `vectors` (V, D) are half-whitened."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._known: Mask = np.asarray(np.isfinite(vectors).all(axis=1))

    def fit(self, events: Events) -> None:
        """Nothing is learned from behaviours."""

    def score(self, history: History) -> Floats:
        return np.asarray(self._vectors @ self._faded(history), dtype=np.float32)

    def _faded(self, history: History, constant: bool = False) -> Vectors:
        """(D,) or (D + 1,) the past as one direction, each behaviour with its recency."""
        n = len(history.items)
        begin, end = (np.searchsorted(history.at, history.at, side) for side in ("left", "right"))
        recency = shared_recency(np.full(n, n), begin, end)
        known = self._known[history.items]
        vectors = self._vectors[history.items[known]]
        return np.asarray(recency[known].astype(np.float32) @ (with_constant(vectors) if constant else vectors))


class Mapped(Cosine):
    """The text map: from the past to where the next item should lie."""

    def fit(self, events: Events) -> None:
        place_of, texts = placed(self._vectors)
        log = _log_of(events)
        solved = Sums.of(log, place_of, texts, np.ones(len(events), dtype=np.bool_)).solve(gram_of(texts))
        self._map = solved[:, :-1].astype(np.float32)

    def score(self, history: History) -> Floats:
        return np.asarray(self._vectors @ (self._faded(history, constant=True) @ self._map), dtype=np.float32)


def _renumbered(log: Log, items: Sequence[Item]) -> Log:
    """In the numbers of `items`, without behaviours on others."""
    number_of = {item.item_id: number for number, item in enumerate(items)}
    numbers = np.array([number_of.get(item_id, -1) for item_id in log.item_ids] or [-1], dtype=np.int32)
    kept = log.take(numbers[log.items] >= 0)
    return Log(
        users=kept.users,
        items=numbers[kept.items],
        at=kept.at,
        weights=kept.weights,
        types=kept.types,
        n_users=kept.n_users,
        item_ids=[item.item_id for item in items],
        type_names=kept.type_names,
    )


def _events_of(log: Log) -> Events:
    names = tuple(str(user) for user in range(log.n_users)), tuple(log.item_ids), tuple(log.type_names)
    return Events(log.users, log.items, log.at, log.weights, log.types, Vocabulary(*names))


def _log_of(events: Events) -> Log:
    words = events.vocabulary
    columns = events.users, events.items, events.at, events.weights, events.types
    return Log(*columns, events.n_users, list(words.item_ids), list(words.types))


def _published(items: Sequence[Item]) -> Times:
    return np.array([item.published_at.timestamp() if item.published_at else np.nan for item in items])


def _first_times(events: Events) -> Mask:
    """(N,) where a user turns to an item for the first time, and has turned to another before."""
    keys = events.users.astype(np.int64) * events.n_items + events.items
    first = np.zeros(len(events), dtype=np.bool_)
    first[np.unique(keys, return_index=True)[1]] = True
    first[np.unique(events.users, return_index=True)[1]] = False
    return first


def _only(exam: Exam, asked: Mask) -> Exam:
    return Exam(exam.events, exam.start, exam.queries[asked[exam.queries]], exam.known_at, exam.withheld)


def _refuse_too_few(exam: Exam) -> None:
    n_users = len(np.unique(exam.events.users[exam.queries]))
    if n_users < RAILS.n_users:
        raise InvalidInput(
            f"There is too little to judge an encoder by: {n_users} users turned to something new in the newest tenth "
            f"of the behaviours, and {RAILS.n_users} are needed.",
            "Bring more behaviours on items that have a text, spread over some time.",
        )
