"""The folder of artifacts: `<root>/<kind>/<name>/` holds what one manifest describes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from app.domain.errors import ArtifactRefused, Unavailable
from app.registry.manifest import Manifest, describe, verify

UNFINISHED = ".unfinished-"
# Longer than any publication takes; what is older was left by a process that was killed.
ABANDONED_S = 3600
# An artifact may be named nowhere yet while it is judged and its row is written.
NEW_S = 600
CHECKED_FOR_S = 600


class Store:
    """Publishes and opens artifacts. Killed at any moment it leaves an artifact whole or leaves none."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._intact_until: dict[str, float] = {}

    def publish(self, kind: str, write: Callable[[Path], None], about: dict[str, Any]) -> Manifest:
        """`write` fills an empty folder, also with folders; the manifest returned is what `open` wants.

        Order: files and folder reach the disk under a temporary name, then the rename, then the rename reaches the
        disk. Nobody can find the artifact before its manifest is stored, which is for the caller to do last.
        Raises Unavailable where the disk does not take it; then nothing of it is left.
        """
        try:
            return self._publish(self.root / kind, kind, write, about)
        except (OSError, SafetensorError) as error:
            raise _unwritable(kind, error) from error

    def _publish(self, home: Path, kind: str, write: Callable[[Path], None], about: dict[str, Any]) -> Manifest:
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=home))
        try:
            write(folder)
            manifest = describe(kind, folder, about)
            _sync_all(folder)
            _move(folder, home / manifest["name"], manifest)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _sync(home)
        return manifest

    def open(self, manifest: Manifest) -> Path:
        """The folder of an artifact whose every byte has just been checked; raises ArtifactRefused."""
        folder = self.root / str(manifest["kind"]) / str(manifest["name"])
        verify(manifest, folder)
        with suppress(PermissionError):  # read-only data are opened all the same
            os.utime(folder)  # in use: `prune` lets it be for a while
        return folder

    def intact(self, manifest: Manifest) -> bool:
        """Whether `open` would give the artifact; a yes is remembered for ten minutes."""
        name = str(manifest["name"])
        if self._intact_until.get(name, 0.0) < time.monotonic():
            try:
                self.open(manifest)
            except ArtifactRefused:
                return False
            self._intact_until[name] = time.monotonic() + CHECKED_FOR_S
        return True

    def prune(self, kind: str, keep: Collection[str]) -> None:
        """Removes all artifacts but those named and very new ones, and what killed processes left behind."""
        for path in (self.root / kind).glob("*"):
            unfinished = path.name.startswith(UNFINISHED)
            if path.name not in keep and time.time() - _used_at(path) > (ABANDONED_S if unfinished else NEW_S):
                shutil.rmtree(path, ignore_errors=True)


def _move(folder: Path, target: Path, manifest: Manifest) -> None:
    """The same content published twice is one artifact, unless what lies there has been damaged."""
    if target.exists():
        try:
            verify(manifest, target)
        except ArtifactRefused:
            target.rename(tempfile.mkdtemp(prefix=UNFINISHED, dir=target.parent))
        else:
            return
    folder.chmod(0o755)  # mkdtemp keeps others out; workers may run as another user
    os.utime(folder)  # its making may have taken minutes, and `prune` must find it new
    folder.rename(target)


def _sync_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(kind: str, error: Exception) -> Unavailable:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Unavailable(
        f"The artifact {kind} could not be written: {why}.",
        "What is live serves on, and it is tried again; see to the disk that holds PORTRAIT_DATA_DIR.",
    )


def _used_at(path: Path) -> float:
    return path.stat().st_mtime
