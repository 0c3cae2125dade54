"""`python -m benchmarks.sasrec EXAM.npz OUTCOMES.npz`, in .venv-bench: trains SASRec and answers an exam."""

from __future__ import annotations

import argparse
import logging
import warnings
from pathlib import Path

import torch

from app.evaluation.replay import Mode, Track, replay
from benchmarks.sasrec.exchange import load_exam, save_outcomes
from benchmarks.sasrec.scorer import Plan, SasRec


def main() -> None:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sasrec", description=__doc__)
    parser.add_argument("exam", type=Path)
    parser.add_argument("outcomes", type=Path)
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.UPDATED.value)
    parser.add_argument("--track", choices=[track.value for track in Track], default=Track.NEW.value)
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="at most, of looking for the best epoch")
    parser.add_argument("--epochs", type=int, default=usual.epochs)
    parser.add_argument("--length", type=int, default=usual.length)
    parser.add_argument("--threads", type=int, default=2)
    wanted = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(wanted.threads)
    plan = Plan(minutes=wanted.minutes, epochs=wanted.epochs, length=wanted.length)
    scorer = SasRec(plan, Track(wanted.track), lambda line: print(line, flush=True))
    outcomes = replay(scorer, load_exam(wanted.exam), Mode(wanted.mode))
    save_outcomes(outcomes, wanted.outcomes)
    print(f"trained for {scorer.n_epochs} epochs", flush=True)


if __name__ == "__main__":
    main()
