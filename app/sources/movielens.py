"""MovieLens as GroupLens hands it out: the layouts `latest-small` and `100k`, zipped or unpacked."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import IO, NamedTuple
from zipfile import BadZipFile, ZipFile
from zipfile import Path as ZipPath

from app.domain.errors import InvalidInput
from app.sources.base import Batch, Raw, Row, Unread, batched


class Line(NamedTuple):
    number: int
    fields: list[str]


class Folder:
    """A folder or a zip file, whose files are found by their bare name."""

    def __init__(self, path: Path) -> None:
        try:
            found = path.rglob("*") if path.is_dir() else _inside(path)
        except (BadZipFile, FileNotFoundError) as error:
            raise InvalidInput(f"{path} is neither a folder nor a zip file.", "Give it as GroupLens has it.") from error
        self._files: dict[str, Path | ZipPath] = {file.name: file for file in found}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def open(self, name: str, encoding: str) -> IO[str]:
        return self._files[name].open("r", encoding=encoding, errors="replace", newline="")

    def count(self, name: str) -> int:
        """Number of lines, 0 when there is no such file."""
        if name not in self:
            return 0
        with self.open(name, "latin-1") as lines:
            return sum(1 for _ in lines)


def _inside(path: Path) -> list[ZipPath]:
    archive = ZipFile(path)
    return [ZipPath(archive, name) for name in archive.namelist()]


class Latest:
    """movies.csv, ratings.csv and tags.csv, each with a header; ratings come user by user."""

    films, ratings, tags = "movies.csv", "ratings.csv", "tags.csv"

    def items(self, folder: Folder) -> Iterator[Batch]:
        return _batches(self.films, _csv(folder, self.films, 3), _latest_film)

    def behaviors(self, folder: Folder) -> Iterator[Batch]:
        yield from _batches(self.ratings, _csv(folder, self.ratings, 4), _rating)
        if self.tags in folder:
            yield from _batches(self.tags, _csv(folder, self.tags, 4), _tag)


class Hundred:
    """u.data (tabs) and u.item (bars, Latin-1), both without a header; ratings come in no order."""

    films, ratings, tags, genres = "u.item", "u.data", "", "u.genre"

    def items(self, folder: Folder) -> Iterator[Batch]:
        with folder.open(self.genres, "latin-1") as lines:
            genres = [line.split("|")[0] for line in lines if "|" in line]
        rows = _separated(folder, self.films, "|", 5 + len(genres))
        return _batches(self.films, rows, lambda fields: _hundred_film(fields, genres))

    def behaviors(self, folder: Folder) -> Iterator[Batch]:
        rows = _separated(folder, self.ratings, "\t", 4)
        by_user = sorted(rows, key=lambda row: row.fields[0] if isinstance(row, Line) else "")
        return _batches(self.ratings, by_user, _rating)


class MovieLens:
    """Films as items; ratings, and tags as comments, as behaviours."""

    name = "movielens"

    def __init__(self, path: Path) -> None:
        self._folder = Folder(path)
        found: list[Latest | Hundred] = [kind for kind in (Latest(), Hundred()) if kind.ratings in self._folder]
        if not found:
            raise InvalidInput(
                f"{path} holds neither ratings.csv nor u.data.", "Known layouts: ml-latest-small and ml-100k."
            )
        self._layout = found[0]
        self.n_items = self._folder.count(self._layout.films)
        self.n_behaviors = self._folder.count(self._layout.ratings) + self._folder.count(self._layout.tags)

    def items(self) -> Iterator[Batch]:
        return self._layout.items(self._folder)

    def behaviors(self) -> Iterator[Batch]:
        return self._layout.behaviors(self._folder)


def _csv(folder: Folder, name: str, width: int) -> Iterator[Line | Unread]:
    with folder.open(name, "utf-8") as lines:
        reader = csv.reader(lines)
        next(reader, None)
        for fields in reader:
            yield _checked(reader.line_num, fields, width)


def _separated(folder: Folder, name: str, separator: str, width: int) -> Iterator[Line | Unread]:
    with folder.open(name, "latin-1") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _checked(number, line.rstrip("\r\n").split(separator), width)


def _checked(number: int, fields: list[str], width: int) -> Line | Unread:
    if len(fields) == width:
        return Line(number, fields)
    return Unread(number, "malformed_line", f"The line has {len(fields)} fields, not {width}.")


def _batches(file: str, rows: Iterable[Line | Unread], make: Callable[[list[str]], Raw]) -> Iterator[Batch]:
    return batched(file, (row if isinstance(row, Unread) else _made(row, make) for row in rows))


def _made(line: Line, make: Callable[[list[str]], Raw]) -> Row | Unread:
    try:
        return Row(line.number, make(line.fields))
    except ValueError:
        return Unread(line.number, "invalid_value", "A number or a time cannot be read.")


def _rating(fields: list[str]) -> Raw:
    user, film, stars, at = fields
    return {
        "user_id": user,
        "item_id": film,
        "type": "rating",
        "value": float(stars),
        "occurred_at": _time(at),
        "behavior_id": f"rating-{film}-{at}",
    }


def _tag(fields: list[str]) -> Raw:
    user, film, tag, at = fields
    digest = blake2b(tag.encode(), digest_size=6).hexdigest()
    return {
        "user_id": user,
        "item_id": film,
        "type": "comment",
        "text": tag,
        "occurred_at": _time(at),
        "behavior_id": f"tag-{film}-{at}-{digest}",
    }


def _time(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def _latest_film(fields: list[str]) -> Raw:
    film, title, genres = fields
    return _film(film, title, [] if genres.startswith("(no") else genres.split("|"))


def _hundred_film(fields: list[str], genres: list[str]) -> Raw:
    film, title = fields[:2]
    return _film(film, title, [genre for genre, flag in zip(genres, fields[5:], strict=True) if flag == "1"])


def _film(film: str, title: str, genres: list[str]) -> Raw:
    """`Matrix, The (1999)` -> `The Matrix (1999)` with its year."""
    found = re.fullmatch(r"(.*?)(?:, (The|An?|Les?|La|Il|Das|Der|Die|El|Los))?\s*(?:\((\d{4})\))?\s*", title)
    name, article, year = found.groups() if found else (title, None, None)
    name = f"{article} {name}" if article else name
    return {
        "item_id": film,
        "title": f"{name} ({year})" if year else name,
        "categories": genres,
        "attributes": {"year": int(year)} if year else {},
        "domain": "movies",
    }
