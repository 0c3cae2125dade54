"""The moments at which edits began and ceased to hold, for the history of a profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from app.domain.edit import Edit
from app.domain.history import EditMark
from app.profiles.edits import in_words
from app.profiles.spans import Mark


def held_at(edits: Iterable[Edit], at: float) -> list[Edit]:
    """Those that held at a moment, in seconds since 1970."""
    moment = datetime.fromtimestamp(at, UTC)
    return [edit for edit in edits if edit.holds(moment)]


def marks_of(edits: Iterable[Edit], until: float) -> list[Mark]:
    """Up to a moment, in seconds since 1970. What was withdrawn before its end has not expired."""
    return [mark for edit in edits for mark in _marks(edit) if mark.at <= until]


def _marks(edit: Edit) -> Iterator[Mark]:
    words = in_words(edit)
    yield Mark(edit.created_at.timestamp(), edit.seq, EditMark(edit.edit_id, "made", words))
    if edit.reverted_at is not None and not (edit.expires_at and edit.expires_at <= edit.reverted_at):
        yield Mark(edit.reverted_at.timestamp(), edit.reverted_seq or 0, EditMark(edit.edit_id, "reverted", words))
    elif edit.expires_at is not None:
        yield Mark(edit.expires_at.timestamp(), edit.seq, EditMark(edit.edit_id, "expired", words))
