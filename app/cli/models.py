"""`portrait models`: which versions there are, and which of them serves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from app.cli.database import with_database
from app.cli.voice import console, say
from app.registry.store import Store
from app.services.manage_models import list_models, promote_model, roll_back
from app.storage.engine import Database
from app.storage.models import ENCODER, StoredModel

T = TypeVar("T")


def show_models(kind: str | None, limit: int) -> None:
    from rich.table import Table

    found = _with_store(lambda db, _: list_models(db, kind, None, limit))
    if not found:
        say("No model yet: `portrait train` makes one.")
        return
    table = Table("version", "kind", "", "made", "promoted", "verdict", box=None, pad_edge=False)
    for model in found:
        table.add_row(*_cells(model))
    console().print(table)


def promote(version: int) -> None:
    _told(*_with_store(lambda db, store: _and_folder(store, promote_model(db, store, version))))


def rollback(kind: str) -> None:
    _told(*_with_store(lambda db, store: _and_folder(store, roll_back(db, store, kind))))


async def _and_folder(store: Store, promoted: Awaitable[StoredModel]) -> tuple[StoredModel, Path]:
    model = await promoted
    return model, store.root / model.kind / str(model.manifest["name"])


def _told(model: StoredModel, folder: Path) -> None:
    if model.kind == ENCODER:
        say(f"[green]✓[/] Version {model.version} ({model.kind}) is promoted.")
        tell_how_it_serves(folder)
        return
    say(f"[green]✓[/] Version {model.version} ({model.kind}) serves; running services take it up within seconds.")


def tell_how_it_serves(folder: Path) -> None:
    """Of an encoder: no running service takes it up by itself."""
    say("  It serves after a restart with this setting; sources by text know only what has been read anew until then:")
    console().print(f"PORTRAIT_ENCODER_MODEL={folder}", soft_wrap=True, highlight=False, markup=False)


def _cells(model: StoredModel) -> tuple[str, ...]:
    promoted = f"{model.promoted_at:%Y-%m-%d %H:%M}" if model.promoted_at else "[dim]never[/]"
    live = "[green]live[/]" if model.live else ""
    return str(model.version), model.kind, live, f"{model.created_at:%Y-%m-%d %H:%M}", promoted, _verdict(model)


def _verdict(model: StoredModel) -> str:
    from rich.markup import escape

    if model.verdict is None:
        return ""
    reasons = " ".join([*map(str, model.verdict.get("reasons", ())), *_privacy(model.manifest.get("about", {}))])
    return f"{'won' if model.verdict.get('promoted') else 'lost'}: {escape(reasons)}"


def _privacy(about: dict[str, Any]) -> Iterator[str]:
    if told := about.get("decoder_privacy"):
        yield f"decoder: epsilon {told['epsilon']:.2f}, delta {told['delta']:.0e} a user."


def _with_store(work: Callable[[Database, Store], Awaitable[T]]) -> T:
    return with_database(lambda db, settings: work(db, Store(settings.artifacts_dir)))
