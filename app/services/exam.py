"""An exam on a data set: Portrait and its competitors, the same events, the same candidates, the same clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from app.domain.catalogue import Vectors
from app.domain.errors import InvalidInput
from app.domain.item import Item
from app.encoders.text_encoder import TextEncoder
from app.evaluation.baselines.grids import grids
from app.evaluation.baselines.lineup import ByTrack, Maker, competitors, tuned
from app.evaluation.beyond import ItemView, beyond_accuracy, view_of
from app.evaluation.events import Columns, Events, Items, Times, known_since, order_events
from app.evaluation.replay import Exam, Mode, Outcome, Track, replay, sampled, set_exam
from app.evaluation.report import Result, result_of
from app.evaluation.split import split_by_time
from app.evaluation.tuning import Grid, Trial, best, try_all, validation_exam
from app.index.whitening import fit as fit_whitening
from app.ingest.clean import clean
from app.ingest.clean_item import clean_item
from app.ingest.rules import IngestRules
from app.ingest.weigh import Weights, weigh
from app.services.portrait_scorer import PortraitScorer
from app.sources.base import Batch, Source
from app.storage.behaviors import copy_log
from app.storage.engine import Database
from app.storage.items import stream_items
from app.training.dataset import read_log

PORTRAIT = "Portrait"
LEAST_BEHAVIORS = 100
N_ENCODED = 256  # texts at a time
SEED = 1
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DataSet:
    """`items` and `raw` (V, D; NaN without text) by item number; `with_repeats`: having again is a question here."""

    name: str
    events: Events
    items: Sequence[Item]
    raw: Vectors
    known_at: Times
    with_repeats: bool

    @property
    def tracks(self) -> tuple[Track, ...]:
        return tuple(Track) if self.with_repeats else (Track.NEW,)


@dataclass(frozen=True, slots=True)
class Paper:
    """What one system answered in one mode on one track."""

    system: str
    mode: Mode
    track: Track
    outcome: Outcome
    result: Result


def data_set(
    name: str, columns: Columns, items: Sequence[Item], raw_of: Callable[[Sequence[Item]], Vectors]
) -> DataSet:
    """`raw_of` gives (N, D) embeddings, NaN where an item has none. Raises InvalidInput for too few behaviours."""
    _refuse_too_few(columns)
    events = order_events(columns, [item.item_id for item in items])
    by_id = {item.item_id: item for item in items}
    known = [by_id.get(item_id) or Item(item_id) for item_id in events.vocabulary.item_ids]
    published = _published(known)
    raw = raw_of(known)
    return DataSet(name, events, known, raw, known_since(events, published), _with_repeats(events))


def _refuse_too_few(columns: Columns) -> None:
    n_wanted = int((columns.weights > 0).sum())
    if n_wanted >= LEAST_BEHAVIORS:
        return
    told = f"An exam needs {LEAST_BEHAVIORS} behaviours that speak for an item, here are {n_wanted}."
    if len(columns.at) < LEAST_BEHAVIORS:
        raise InvalidInput(told, "Bring more of them, spread over some time.")
    silent = sorted(set(np.array(columns.types)[columns.weights <= 0].tolist()))[:5]
    raise InvalidInput(
        told, f"Give weights to their types ({', '.join(silent)}), as PORTRAIT_WEIGHTS='{{\"{silent[0]}\": 1}}'."
    )


def read_source(source: Source, rules: IngestRules, now: datetime) -> tuple[Columns, list[Item]]:
    """Cleaned and weighed as in an import; what an import would refuse is left out."""
    items = [one for one in map(clean_item, _raws(source.items())) if isinstance(one, Item)]
    found = (clean(raw, rules, now) for raw in _raws(source.behaviors()))
    rows = [
        (one.user_id, one.item_id, one.occurred_at.timestamp(), weigh(rules.weights, one.type, one.value), one.type)
        for one in found
        if not isinstance(one, tuple) and one.item_id is not None
    ]
    users, item_ids, at, weights, types = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return Columns(users, item_ids, np.array(at, dtype=np.float64), np.array(weights, dtype=np.float32), types), items


async def read_database(db: Database, weights: Weights) -> DataSet:
    """The log that learning reads, and the items with the vectors they have."""
    items, vectors = [], {}
    async for stored in stream_items(db):
        items.append(stored.item)
        if stored.embedding:
            vectors[stored.item.item_id] = np.frombuffer(stored.embedding, dtype=np.float16).astype(np.float32)
    log = read_log(b"".join([chunk async for chunk in copy_log(db)]), weights)
    columns = Columns(
        [str(user) for user in log.users.tolist()],
        [log.item_ids[item] for item in log.items.tolist()],
        log.at,
        log.weights,
        [log.type_names[type_] for type_ in log.types.tolist()],
    )
    width = max((len(vector) for vector in vectors.values()), default=1)
    nothing = np.full(width, np.nan, dtype=np.float32)

    def raw_of(known: Sequence[Item]) -> Vectors:
        found = [vectors.get(item.item_id, nothing) for item in known]
        return np.stack([vector if len(vector) == width else nothing for vector in found])

    return data_set("database", columns, items, raw_of)


async def encode(encoder: TextEncoder, items: Sequence[Item]) -> Vectors:
    """(N, D) raw embeddings of items, NaN for one without text; the same text is encoded once."""
    texts = [item.text for item in items]
    distinct = sorted(set(filter(None, texts)))
    parts = [await encoder.encode(distinct[n : n + N_ENCODED]) for n in range(0, len(distinct), N_ENCODED)]
    vectors = np.concatenate([*parts, np.full((1, parts[0].shape[1] if parts else 1), np.nan, dtype=np.float32)])
    place = {text: number for number, text in enumerate(distinct)}
    return np.asarray(vectors[[place.get(text, -1) for text in texts]])


def exam_of(data: DataSet, n_queries: int | None, seed: int = SEED) -> Exam:
    """Everything after the .9 quantile of time, or a random sample of it."""
    split = split_by_time(data.events)
    return sampled(set_exam(data.events, split.test_row, data.known_at), n_queries, seed)


def sit(
    data: DataSet,
    exam: Exam,
    systems: Mapping[str, ByTrack],
    modes: Sequence[Mode],
    say: Say,
    portrait: PortraitScorer | None = None,
) -> Iterator[Paper]:
    """Every system in every mode, one paper for each track of the data set."""
    view = view_of_items(data)
    portrait = portrait or portrait_of(data)
    for mode in modes:
        for name, makers in systems.items():
            outcomes = answers(makers, data.tracks, exam, mode)
            yield from papers_of(data, exam, (name, mode), outcomes, view, say)
        for track in data.tracks:
            portrait.track = track
            outcome = replay(portrait, exam, mode)[track]
            yield from papers_of(data, exam, (PORTRAIT, mode), {track: outcome}, view, say)


def portrait_of(data: DataSet) -> PortraitScorer:
    return PortraitScorer(data.items, data.raw, data.known_at)


def view_of_items(data: DataSet) -> ItemView:
    return view_of(_about(data), _half_whitened(data.raw))


def papers_of(
    data: DataSet,
    exam: Exam,
    whose: tuple[str, Mode],
    outcomes: Mapping[Track, Outcome],
    view: ItemView,
    say: Say,
) -> Iterator[Paper]:
    """`whose` outcomes these are: the system and its mode."""
    name, mode = whose
    for track, outcome in outcomes.items():
        if track in data.tracks and len(outcome.records):
            result = result_of(name, mode, track, outcome, beyond_accuracy(outcome, exam, view))
            say(f"{data.name}, {track.value}, {mode.value}: {name} NDCG@10 {result.accuracy['NDCG@10']:.4f}")
            yield Paper(name, mode, track, outcome, result)


def answers(makers: ByTrack, tracks: Sequence[Track], exam: Exam, mode: Mode) -> dict[Track, Outcome]:
    """One replay where the same setting is best on both tracks."""
    replayed: dict[Maker, dict[Track, Outcome]] = {}
    for make in (makers[track] for track in tracks if track in makers):
        if make not in replayed:
            replayed[make] = replay(make(), exam, mode)
    return {track: replayed[makers[track]][track] for track in tracks if track in makers}


def untuned(data: DataSet) -> dict[str, ByTrack]:
    """As commonly used."""
    return {name: dict.fromkeys(Track, make) for name, make in competitors(data.raw).items()}


def tuned_lineup(data: DataSet, say: Say) -> dict[str, ByTrack]:
    """Each in the best of nine settings on the validation span, with decay and without."""
    exam = validation_exam(split_by_time(data.events), data.known_at)
    trials: dict[str, list[Trial]] = {}
    for name, grid in grids(data.raw).items():
        trials[name] = try_all(grid, exam)
        say(f"{data.name}: {name}, {_settings(trials[name], grid, data.tracks)}")
    return tuned(trials)


def _settings(trials: Sequence[Trial], grid: Grid, tracks: Sequence[Track]) -> str:
    """`new: lam 250, tau 5; repeats: ...`"""
    chosen = [(track, one) for track in tracks if (one := best(trials, track))]
    main = f"{grid.parameter} {{:g}}, " if grid.parameter else ""
    return "; ".join(f"{track.value}: {main.format(one.main)}tau {one.tau or 'none'}" for track, one in chosen)


def _about(data: DataSet) -> Items:
    texts, categories = [item.text for item in data.items], [item.categories for item in data.items]
    return Items(texts, categories, _published(data.items))


def _half_whitened(raw: Vectors) -> Vectors:
    known = np.isfinite(raw).all(axis=1)
    return fit_whitening(np.unique(raw[known], axis=0)).apply(raw) if known.any() else raw


def _published(items: Sequence[Item]) -> Times:
    return np.array([item.published_at.timestamp() if item.published_at else np.nan for item in items])


def _with_repeats(events: Events) -> bool:
    """Whether at least a tenth of what people want is what they had before."""
    wanted = events.wanted()
    n_pairs = len(np.unique(wanted.users.astype(np.int64) * events.n_items + wanted.items))
    return n_pairs < 0.9 * len(wanted)


def _raws(batches: Iterator[Batch]) -> Iterator[object]:
    return (row.raw for batch in batches for row in batch.rows)
