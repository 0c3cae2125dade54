"""Nothing that is read can run: no pickles, no code from files, no shell, in any line of the product."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import app

ROOM = Path(app.__file__).parent
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
# Of modules and objects that also do other things: what reads a pickle or runs a text, by the end of the call's name.
CALLS = {"torch.load", "read_pickle", "yaml.load", "os.system", "os.popen"}
BARE = {"eval", "exec"}
# These read no pickle only when they are told so.
UNLESS_FALSE = {"np.load": "allow_pickle", "numpy.load": "allow_pickle"}
TRUE = {"allow_pickle", "trust_remote_code", "shell"}


def dangers(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                yield str(node.module)
            yield from (f"{node.module}.{one.name}" for one in node.names if f"{node.module}.{one.name}" in CALLS)
        elif isinstance(node, ast.Call):
            yield from called(node)


def called(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    if name in BARE or any(name == call or name.endswith(f".{call}") for call in CALLS):
        yield name
    said = {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}
    yield from (f"{name}({word}={said[word]})" for word in TRUE & said.keys() if said[word] != "False")
    if name in UNLESS_FALSE and said.get(UNLESS_FALSE[name]) not in (None, "False"):
        yield name


def test_no_line_of_the_product_reads_what_could_run() -> None:
    files = sorted(ROOM.rglob("*.py"))
    assert len(files) > 200
    found = {str(path.relative_to(ROOM)): list(dangers(path.read_text())) for path in files}
    assert {path: some for path, some in found.items() if some} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "subprocess.run('ls', shell=True)",
        "AutoModel.from_pretrained('x', trust_remote_code=True)",
        "pandas.read_pickle('x')",
        "eval('1')",
    ],
)
def test_the_scan_finds_what_it_looks_for(line: str) -> None:
    assert list(dangers(line))


@pytest.mark.parametrize(
    "line", ["network.eval()", "np.load('x')", "json.load(file)", "load(path, allow_pickle=False)"]
)
def test_the_scan_finds_nothing_in_what_is_harmless(line: str) -> None:
    assert list(dangers(line)) == []


def test_every_release_that_is_installed_is_pinned() -> None:
    """`constraints.txt` is what an audit and a list of parts speak of: no line of it may leave the release open."""
    root = ROOM.parent
    lines = [one for one in (root / "constraints.txt").read_text().splitlines() if one and not one.startswith("#")]
    assert all(re.fullmatch(r"[\w.\-\[\]]+==[\w.+!]+", line) for line in lines)
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    project = (root / "pyproject.toml").read_text()
    needed = {one.lower() for one in re.findall(r'^    "([\w.\-]+)[\[>]', project.split("[project.optional")[0], re.M)}
    assert len(needed) > 20
    assert needed - pinned == set()
