"""Whatever goes wrong ends in one sentence and one hint; the traceback is for who asks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.errors import PortraitError


@contextmanager
def told_in_a_sentence(debug: bool) -> Iterator[None]:
    """Ends the process with 1 after a failure, with 130 after Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stdout.flush()
        os._exit(130)  # at once: the encoder's threads may be in the middle of a text
    except BrokenPipeError:
        sys.exit(1)
    except PortraitError as error:
        if debug:
            raise
        faults = [f"  {fault.pointer or '/'}: {fault.detail}" for fault in error.faults[:5]]
        _end("\n".join([error.detail, *faults]), error.hint)
    except Exception as error:
        if debug:
            raise
        _end(f"Something went wrong that should not have: {type(error).__name__}: {error}", "Run it with --debug.")


def _end(sentence: str, hint: str) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]✗[/] {escape(sentence)}", soft_wrap=True)
    if hint:
        console.print(f"  [dim]{escape(hint)}[/]", soft_wrap=True)
    sys.exit(1)
