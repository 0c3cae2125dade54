"""What was published: every file with its size and SHA-256, and what it was made from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from app.domain.errors import ArtifactRefused

Manifest = dict[str, Any]  # kind, name, files: {name: {bytes, sha256}}, about: whatever the maker wants to know


def describe(kind: str, folder: Path, about: dict[str, Any]) -> Manifest:
    """The manifest of the files in `folder` and below; its `name` follows from their content and from `about`."""
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    content = json.dumps([files, about], sort_keys=True).encode()
    return {"kind": kind, "name": hashlib.sha256(content).hexdigest()[:16], "files": files, "about": about}


def verify(manifest: Manifest, folder: Path) -> None:
    """Raises ArtifactRefused unless every file is there with its size and SHA-256."""
    for name, expected in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise refused(manifest, f"{name} is missing")
        if path.stat().st_size != expected["bytes"]:
            raise refused(manifest, f"{name} has another size than was published")
        if sha256(path) != expected["sha256"]:
            raise refused(manifest, f"{name} has another SHA-256 than was published")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refused(manifest: Manifest, why: str) -> ArtifactRefused:
    return ArtifactRefused(
        f"The artifact {manifest['kind']}/{manifest['name']} is refused: {why}.",
        "What was live before goes on serving, and the jobs process makes a new one from the database; "
        "look after the disk that holds PORTRAIT_DATA_DIR.",
    )
