"""Becomes a Postgres program: `python postgres_launcher.py UID PARENT FOLDER PROGRAM ARGUMENTS...`.

Before it does, it asks Linux for a signal when the parent dies, so that `kill -9` leaves no server behind, and turns
from root into the user UID, since Postgres refuses to run as root. A folder above PROGRAM or FOLDER may be closed to
that user (/root mostly is); then it keeps the one capability to pass through. A program of its own,
because running Python between fork and exec of a threaded parent may hang.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2


def main(uid: int, parent: int, folder: str, program: list[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        _become(uid)
        if not (os.access(program[0], os.X_OK) and os.access(folder, os.X_OK)):
            # A container may lack the first capability; the second one is in Docker's default set.
            any(_keep(capability, libc) for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE))
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    if os.getppid() == parent:
        os.execv(program[0], program)  # noqa: S606 - the very purpose


def _become(uid: int) -> None:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def _keep(capability: int, libc: ctypes.CDLL) -> bool:
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; low half, high half
    failed = libc.capset(ctypes.byref(header), ctypes.byref(sets))
    return not (failed or libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
