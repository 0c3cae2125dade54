"""The processes under the supervisor, which end with it however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.settings import Settings

_PR_SET_PDEATHSIG = 1


def tie_to(supervisor: int | None) -> None:
    """Asks Linux to kill this process when `supervisor`, its parent, dies, and ends if that has happened already."""
    if supervisor is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:
        sys.exit(1)


def run_worker_process(socket_fd: int, supervisor: int | None) -> None:
    """One uvicorn server on a socket that the supervisor has bound; ends with 3 when it cannot start."""
    tie_to(supervisor)
    import socket

    import uvicorn

    from app.main import server_options
    from app.settings import Settings

    options = server_options(Settings.load())
    options.pop("workers")
    server = uvicorn.Server(uvicorn.Config(**options))
    server.run(sockets=[socket.socket(fileno=socket_fd)])
    if not server.started:
        sys.exit(3)


def run_jobs_process(supervisor: int | None) -> None:
    tie_to(supervisor)
    os.nice(5)  # answers come first where both want the processor
    import asyncio

    from app.bootstrap import set_up_logs
    from app.cli.database import opened
    from app.settings import Settings

    settings = Settings.load()
    set_up_logs(settings)
    with opened(settings) as (named, _):
        asyncio.run(_jobs(named))


async def _jobs(settings: Settings) -> None:
    import asyncio

    from app.bootstrap import open_context
    from app.jobs.worker import run_jobs
    from app.services.observe import observe

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_context(settings) as ctx:
        observing = asyncio.create_task(observe(ctx, "jobs"))
        await run_jobs(ctx, stop)
        observing.cancel()
