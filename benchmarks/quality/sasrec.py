"""SASRec's papers, answered in the environment that `make bench-env` builds."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.evaluation.replay import Exam, Mode
from app.services.exam import DataSet, Paper, Say, papers_of, view_of_items
from benchmarks.sasrec.exchange import load_outcomes, save_exam

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-bench" / "bin" / "python"
NAME = "SASRec"


def sasrec(data: DataSet, exam: Exam, modes: Sequence[Mode], minutes: float, say: Say) -> Iterator[Paper]:
    """None without minutes to train, or without the environment."""
    if minutes <= 0 or not PYTHON.exists():
        say(f"{data.name}: without {NAME}, {'which was not asked for' if minutes <= 0 else '`make bench-env` adds it'}")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exam.npz"
        save_exam(exam, path)
        wanted = ["--minutes", str(minutes), "--modes", *(mode.value for mode in modes)]
        command = [str(PYTHON), "-m", "benchmarks.sasrec", str(path), folder, *wanted]
        subprocess.run(command, cwd=ROOT, check=True)
        view = view_of_items(data)
        for mode in modes:
            outcomes = load_outcomes(path.with_name(f"{mode.value}.npz"))
            yield from papers_of(data, exam, (NAME, mode), outcomes, view, say)
