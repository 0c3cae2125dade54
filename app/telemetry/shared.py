"""The folder in which the processes under one supervisor share their numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def fresh_folder(data_dir: Path, port: int) -> Path:
    """Empty: counters begin anew with the service. The port keeps two services on one data folder apart."""
    folder = data_dir.resolve() / "metrics" / str(port)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def forget_process(folder: Path, pid: int) -> None:
    """What it counted stays, what it was like (memory, queues) goes."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
