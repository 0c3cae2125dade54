"""Where the model runs, and with how much of the machine."""

from __future__ import annotations

import os
import sys
import threading

from app.domain.errors import Misconfigured


def choose_device(wanted: str | None) -> str:
    """`cuda` when a card is there and nothing else is asked for."""
    import torch

    has_cuda = torch.cuda.is_available()
    if wanted and wanted.startswith("cuda") and not has_cuda:
        raise Misconfigured(
            "The encoder is to run on CUDA, but torch sees no card.",
            "Set PORTRAIT_ENCODER_DEVICE=cpu, or install a torch build for your card and driver.",
        )
    return wanted or ("cuda" if has_cuda else "cpu")


def use_threads(n: int) -> None:
    """Limits torch to `n` threads in this process.

    More than one pays only where nothing else runs: on two busy cores a second thread made a short text 30 times
    slower (484 ms against 14), because OpenMP threads wait for each other by spinning.
    """
    import torch

    torch.set_num_threads(max(1, n))


def yield_to_serving() -> None:
    """Lowers the priority of the calling thread, so that requests are answered while texts are encoded."""
    if sys.platform == "linux":  # elsewhere a priority belongs to the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
