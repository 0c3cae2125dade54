import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain.errors import ArtifactRefused, Unavailable
from app.registry.manifest import Manifest
from app.registry.store import Store


def write(text: str, n_files: int = 2) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        for number in range(n_files):
            (folder / f"part{number}").write_text(text * (number + 1))

    return fill


def published(store: Store, text: str = "hello") -> Manifest:
    return store.publish("space", write(text), {"n_items": 3})


def test_what_was_published_is_opened(tmp_path: Path) -> None:
    store = Store(tmp_path)
    manifest = published(store)
    assert manifest["kind"] == "space"
    assert manifest["about"] == {"n_items": 3}
    assert manifest["files"]["part1"]["bytes"] == 10
    assert (Store(tmp_path).open(manifest) / "part1").read_text() == "hellohello"


@pytest.mark.parametrize("damage", ["flip", "truncate", "extend", "remove", "remove_all"])
def test_a_damaged_artifact_is_refused(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    manifest = published(store)
    folder = store.open(manifest)
    path = folder / "part0"
    match damage:
        case "flip":
            path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
        case "truncate":
            os.truncate(path, 4)
        case "extend":
            path.write_text("hello!")
        case "remove":
            path.unlink()
        case "remove_all":
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
    with pytest.raises(ArtifactRefused) as refusal:
        store.open(manifest)
    assert refusal.value.hint
    assert not Store(tmp_path).intact(manifest)


def test_publishing_the_same_again_repairs_what_was_damaged(tmp_path: Path) -> None:
    store = Store(tmp_path)
    manifest = published(store)
    (store.open(manifest) / "part0").write_text("hullo")
    assert published(store) == manifest
    assert (store.open(manifest) / "part0").read_text() == "hello"


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing(folder: Path) -> None:
        (folder / "part0").write_text("half")
        raise OSError("disk full")

    with pytest.raises(Unavailable, match="disk full"):
        Store(tmp_path).publish("space", failing, {})
    assert list((tmp_path / "space").iterdir()) == []


def test_pruning_keeps_what_is_named_or_new_and_the_work_of_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    named, lost, new = (published(store, text) for text in "abc")
    fresh, abandoned = tmp_path / "space" / ".unfinished-x", tmp_path / "space" / ".unfinished-y"
    fresh.mkdir(), abandoned.mkdir()
    for old in (named["name"], lost["name"], abandoned.name):
        os.utime(tmp_path / "space" / old, (1000, 1000))
    store.prune("space", {named["name"]})
    store.open(named), store.open(new)
    with pytest.raises(ArtifactRefused):
        store.open(lost)
    assert fresh.exists()
    assert not abandoned.exists()


def test_one_flipped_bit_anywhere_is_refused(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "below").mkdir()
        (folder / "below" / "part").write_bytes(bytes(range(16)))
        (folder / "part").write_bytes(b"portrait")

    store = Store(tmp_path)
    manifest = store.publish("space", fill, {})
    for name in manifest["files"]:
        path = store.open(manifest) / name
        whole = path.read_bytes()
        for bit in range(8 * len(whole)):
            harmed = bytearray(whole)
            harmed[bit // 8] ^= 1 << bit % 8
            path.write_bytes(harmed)
            with pytest.raises(ArtifactRefused, match="SHA-256"):
                store.open(manifest)
        path.write_bytes(whole)


# Publishes a whole item space where files may not grow beyond a limit, and says what is told of it.
_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from app.domain.errors import Unavailable
from app.domain.item import Item
from app.index import snapshot
from app.registry.store import Store
items = [Item(f"i{n}", f"title {n}") for n in range(40)]
made = snapshot.build("e", items, np.random.default_rng(1).normal(size=(40, 384)).astype(np.float16))
for limit in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        Store(Path(sys.argv[1])).publish("space", made.write, {})
        print("written")
    except Unavailable as error:
        print(error.detail)
"""


def test_a_full_disk_is_told_and_what_was_there_serves_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old = published(store)
    limits = ("1000", "20000", "10000000")  # too little for the arrays, for the index after it, and enough
    words = [sys.executable, "-c", _ON_A_FULL_DISK, str(tmp_path), *limits]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert all("space could not be written" in line and "File too large" in line for line in told[:2]), told
    assert told[2] == "written"
    assert (store.open(old) / "part0").read_text() == "hello"
    assert len(list((tmp_path / "space").iterdir())) == 2  # nothing half


# Publishes "new" beside "old" in a process that dies, without any clean-up, at its nth call that touches the disk.
_PUBLISHER = """
import itertools, json, os, sys
from pathlib import Path
from app.registry.store import Store
root, deadly = Path(sys.argv[1]), int(sys.argv[2])
calls = itertools.count(1)
def dying(real):
    def call(*args, **options):
        if next(calls) == deadly:
            os._exit(9)
        return real(*args, **options)
    return call
os.fsync, os.rename = dying(os.fsync), dying(os.rename)
def write(folder):
    (folder / "part0").write_text("new")
    (folder / "part1").write_text("newnew")
manifest = Store(root).publish("space", write, {})
(root / "pointer").write_text(json.dumps(manifest))
"""


def test_killed_at_any_step_there_is_the_old_or_the_new_and_nothing_between(tmp_path: Path) -> None:
    n_killed = 0
    while True:
        root = tmp_path / str(n_killed)
        store = Store(root)
        old = published(store, "old")
        code = subprocess.run([sys.executable, "-c", _PUBLISHER, str(root), str(n_killed + 1)], check=False).returncode
        assert (store.open(old) / "part0").read_text() == "old"
        assert (root / "pointer").exists() == (code == 0)
        for folder in (root / "space").glob("[!.]*"):  # whole under its name, whatever happened
            assert sorted(path.name for path in folder.iterdir()) == ["part0", "part1"]
        again = published(store, "new again")
        assert (store.open(again) / "part1").read_text() == "new againnew again"
        if code == 0:
            break
        assert code == 9
        n_killed += 1
    assert n_killed == 5  # three fsyncs, the rename, the fsync of the folder above
