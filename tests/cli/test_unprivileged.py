"""The service as a container runs it: as nobody in particular, and with nothing to write to but its data folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.cli.portrait import COMMAND, call, environment, free_port, wait_for

ROOT = Path(__file__).parents[2]
BASE = Path(sys.base_prefix)
NOBODY = 65534
# In a mount namespace of its own everything becomes read-only but two folders; then root goes, and all its rights. An
# interpreter in somebody's private folder is made reachable first, alone.
INSIDE = """
set -e
mount --make-rprivate /
if [ -n "$SHUT" ]; then
    mount --bind "$BASE" /mnt
    mount -t tmpfs -o mode=755 tmpfs "$SHUT"
    mkdir -p "$BASE"
    mount --bind /mnt "$BASE"
    mount -o remount,ro "$SHUT"
fi
mount --bind "$DATA" "$DATA"
mount --bind "$TMPDIR" "$TMPDIR"
mount -o remount,bind,ro /
cd "$DATA"
exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""


def refused() -> str:
    """Why this machine cannot show it; empty where it can."""
    if os.geteuid() != 0:
        return "only root can take away the rights that it has"
    if not (shutil.which("unshare") and shutil.which("setpriv")):
        return "needs unshare and setpriv (util-linux)"
    tried = subprocess.run(["unshare", "--mount", "mount", "--make-rprivate", "/"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this machine allows no mount namespaces"


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of nobody's, and one beside it for what is passing; the way there is open to all."""
    outer = tmp_path_factory.mktemp("nobody")
    for folder in (outer / "data", outer / "passing"):
        folder.mkdir()
        os.chown(folder, NOBODY, NOBODY)
    for parent in (outer, outer.parent, outer.parent.parent):
        parent.chmod(parent.stat().st_mode | 0o011)
    return outer / "data"


def shut(path: Path) -> str:
    """The outermost folder on the way to `path` that others may not enter; empty where there is none."""
    return next((str(one) for one in reversed(path.parents) if not one.stat().st_mode & 0o001), "")


@contextmanager
def confined(data: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    places = {"BASE": BASE, "DATA": data, "HOME": data, "TMPDIR": data.parent / "passing"}
    env = environment(data_dir=data) | {name: str(path) for name, path in places.items()} | {"SHUT": shut(BASE)}
    with (data.parent / "output.log").open("wb") as log:
        child = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", INSIDE, "sh", *words],
            env=env | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    family = psutil.Process(child.pid)
    try:
        yield child
    finally:
        members = [*family.children(recursive=True), family] if family.is_running() else []
        for member in members:
            member.kill()
        child.wait()


def output(data: Path) -> str:
    return (data.parent / "output.log").read_text(errors="replace")


@pytest.mark.skipif(bool(refused()), reason=refused() or "-")
def test_the_cage_holds(data: Path) -> None:
    """What the next test is worth: nobody in there can write anywhere else."""
    probe = 'id -u; touch "$DATA/here" && echo wrote; touch /etc/x /var/x "$0" 2>&1 || echo refused'
    with confined(data, "sh", "-c", probe, str(Path(__file__))) as child:
        child.wait(20)
    assert output(data).split("\n")[:2] == [str(NOBODY), "wrote"]
    assert output(data).count("Read-only file system") + output(data).count("Permission denied") == 3
    assert (data / "here").stat().st_uid == NOBODY


@pytest.mark.skipif(bool(refused()), reason=refused() or "-")
def test_it_serves_as_nobody_with_one_folder_to_write_to(data: Path) -> None:
    port = free_port()
    with confined(data, *COMMAND, "serve", "--port", str(port)):
        wait_for(port)
        assert call(port, "/items", [{"item_id": "tea", "title": "Green tea"}])["accepted"] == 1
        assert call(port, "/behaviors", {"user_id": "ann", "item_id": "tea", "type": "purchase"})["accepted"] == 1
        assert call(port, "/users/ann/profile")["version"] == 1
    owners = {path.lstat().st_uid for path in data.rglob("*")}
    assert owners == {NOBODY}
