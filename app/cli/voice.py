"""How the command speaks to a person."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


@cache
def console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


def say(what: RenderableType) -> None:
    """Whole lines, never broken: they may be copied or read by a program."""
    console().print(what, soft_wrap=True)
