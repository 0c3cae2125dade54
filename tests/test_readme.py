"""What the README says is run: its commands against a real service, its table against the settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from app.settings import PREFIX, Settings
from tests.cli.portrait import environment, run, serving, wait_for

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.M | re.S)
COMMANDS = [block.replace("\\\n", " ") for block in BLOCKS]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A folder with the files that the README names, and the port of a service on it."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "orders.csv").write_text("customer,sku,bought_on,pieces\nann,1,2026-01-02,2\nben,2,2026-01-03,1\n")
    (folder / "products.csv").write_text("sku,title\n1,Tea\n2,Milk\n")
    with zipfile.ZipFile(folder / "ml-latest-small.zip", "w") as archive:
        archive.writestr("ml-latest-small/movies.csv", "movieId,title,genres\n1,Toy Story (1995),Comedy\n")
        archive.writestr("ml-latest-small/ratings.csv", "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n")
    with serving(folder) as (_, port):
        wait_for(port)
        yield folder, port


@pytest.mark.parametrize("block", [block for block in COMMANDS if "make " not in block])
def test_commands_work(service: tuple[Path, int], block: str) -> None:
    folder, port = service
    script = block.replace("localhost:8000", f"127.0.0.1:{port}").replace("curl -s", "curl -sS --fail-with-body")
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=folder,
        env=environment(data_dir=folder / "data") | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"rejected":0' in done.stdout or '"rejected":' not in done.stdout


def test_make_targets_exist() -> None:
    targets = {target for block in COMMANDS for target in re.findall(r"^make ([a-z]+)", block, re.M)}
    assert targets == {"install", "demo", "serve", "lint", "test", "bench"}
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_subcommands_in_the_text_exist(tmp_path: Path) -> None:
    known = run(tmp_path, "--help", data_dir=tmp_path).stdout
    for name in set(re.findall(r"`portrait ([a-z]+)", README)):
        assert f" {name} " in known


def test_the_table_of_settings_is_that_of_the_code() -> None:
    written = re.search(r"<!-- settings.*?-->\n(.*?)<!-- end of settings -->", README, re.S)
    assert written is not None
    assert written.group(1) == table_of_settings()


def table_of_settings() -> str:
    lines = ["| variable | default | |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default if field.default is not PydanticUndefined else "the user's data folder"
        shown = "" if default in (None, (), {}) else f"`{default}`" if field.default is default else default
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description or ''} |")
    return "\n".join(lines) + "\n"
