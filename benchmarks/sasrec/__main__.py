"""`python -m benchmarks.sasrec EXAM.npz FOLDER`, in .venv-bench: trains SASRec and answers an exam, one file a mode."""

from __future__ import annotations

import argparse
import logging
import warnings
from pathlib import Path

import torch

from app.evaluation.replay import Mode, replay
from app.evaluation.tuning import Fitted
from benchmarks.sasrec.exchange import load_exam, save_outcomes
from benchmarks.sasrec.scorer import Plan, SasRec


def main() -> None:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sasrec", description=__doc__)
    parser.add_argument("exam", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--modes", nargs="+", choices=[mode.value for mode in Mode], default=[Mode.UPDATED.value])
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="at most, of looking for the best epoch")
    parser.add_argument("--epochs", type=int, default=usual.epochs)
    parser.add_argument("--length", type=int, default=usual.length)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="1 where other work runs beside")
    wanted = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.ERROR)
    torch.set_num_threads(wanted.threads)
    plan = Plan(minutes=wanted.minutes, epochs=wanted.epochs, length=wanted.length)
    scorer, exam = SasRec(plan, lambda line: print(line, flush=True)), load_exam(wanted.exam)
    scorer.fit(exam.events.take(slice(0, exam.start)))
    print(scorer.chosen, flush=True)
    for mode in map(Mode, wanted.modes):
        asked = scorer if mode is Mode.REFITTED else Fitted(scorer)
        save_outcomes(replay(asked, exam, mode), wanted.folder / f"{mode.value}.npz")


if __name__ == "__main__":
    main()
