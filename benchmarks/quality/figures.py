"""Pictures of one data set (matplotlib, from the extra `bench`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.evaluation.report import Result
from app.evaluation.splice import WINDOW
from app.services.exam import PORTRAIT
from benchmarks.quality.change import Change

N_LINES = 6
OURS, OTHERS = "C3", ("C0", "C1", "C2", "C4", "C5", "C6", "C7", "C8", "C9")


def save_figures(name: str, results: Sequence[Result], found: Mapping[str, Change], folder: Path) -> list[Path]:
    """`results` are of one mode and track. Without matplotlib there are none."""
    try:
        import matplotlib as mpl
    except ImportError:
        return []
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(results, key=lambda one: -one.accuracy["NDCG@10"])
    drawn = {"history": (_history, ordered), "diversity": (_diversity, ordered), "recovery": (_recovery, found)}
    return [_saved(draw, what, folder / f"{name}-{kind}.png") for kind, (draw, what) in drawn.items() if what]


def _saved(draw: Any, what: Any, path: Path) -> Path:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    draw(axes, what)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return path


def _history(axes: Any, results: Sequence[Result]) -> None:
    """NDCG@10 over the number of behaviours that the user had; buckets of fewer than 20 queries are left out."""
    for number, result in enumerate(_shown(results)):
        told = {bucket: value for bucket, (n, value) in result.by_history.items() if n >= 20}
        axes.plot(list(told), list(told.values()), marker="o", label=result.system, **_style(result.system, number))
    axes.set(xlabel="behaviours of the user until then", ylabel="NDCG@10", ylim=(0, None))
    axes.legend(frameon=False, fontsize=8)


def _diversity(axes: Any, results: Sequence[Result]) -> None:
    """Up and to the right is better."""
    for result in results:
        place = result.beyond["ILD"], result.accuracy["NDCG@10"]
        ours = result.system == PORTRAIT
        axes.scatter(*place, color=OURS if ours else OTHERS[0], s=50 if ours else 18, zorder=2)
        axes.annotate(result.system, place, xytext=(4, 3), textcoords="offset points", fontsize=6.5)
    axes.set(xlabel="ILD@10 (mean distance of the items of one answer)", ylabel="NDCG@10")


def _recovery(axes: Any, found: Mapping[str, Change]) -> None:
    """Solid: after A's past; dotted: after B's own."""
    for number, (name, change) in enumerate(found.items()):
        for values, line in ((change.there.spliced, "-"), (change.there.alone, ":")):
            smooth = np.convolve(values, np.ones(WINDOW) / WINDOW, mode="valid")
            axes.plot(smooth, line, label=name if line == "-" else None, **_style(name, number))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="behaviours since the person changed", ylabel=f"NDCG@10, mean of {WINDOW}", ylim=(0, None))
    axes.legend(frameon=False, fontsize=8)


def _shown(results: Sequence[Result]) -> list[Result]:
    """The best ones, ours among them."""
    ours = [one for one in results if one.system == PORTRAIT]
    return [*ours, *[one for one in results if one.system != PORTRAIT][: N_LINES - len(ours)]]


def _style(system: str, number: int) -> dict[str, Any]:
    ours = {"color": OURS, "linewidth": 2.4, "zorder": 3}
    return ours if system == PORTRAIT else {"color": OTHERS[number % len(OTHERS)], "linewidth": 1.2}
