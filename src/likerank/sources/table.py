"""The source table: a CSV or Parquet manifest beside a folder of images."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from likerank.errors import LikerankError
from likerank.records import Author, PictureFile, Post, Record, Skipped, shortened
from likerank.sources.picture_names import ImageFolder
from likerank.sources.source import LeftOutError
from likerank.sources.table_cells import UNKNOWN, CountColumn, DateColumn, read_count, read_moment
from likerank.sources.table_rows import CsvRows, Row, count_rows, kind_of, number_columns, parquet_rows

_REQUIRED: Final = ("image", "author", "likes")
_OPTIONAL: Final = ("author_id", "followers", "comments", "posted_at", "observed_at", "source_id")

_KNOWN: Final = (*_REQUIRED, *_OPTIONAL)
_ROUNDED: Final = re.compile(r"\d([.,]\d+)?E\+\d{1,3}")


T = TypeVar("T")


@dataclass
class _Columns:
    """What whole columns decide about their cells."""

    counts: dict[str, CountColumn] = field(
        default_factory=lambda: {name: CountColumn() for name in ("likes", "comments", "followers")}
    )
    dates: dict[str, DateColumn] = field(
        default_factory=lambda: {name: DateColumn() for name in ("posted_at", "observed_at")}
    )
    separators: dict[str, tuple[str, str]] = field(default_factory=dict)

    def count(self, values: dict[str, str], column: str) -> int | None:
        text = values[column]
        return None if text.lower() in UNKNOWN else read_count(text, column, self.separators[column])

    def moment(self, values: dict[str, str], column: str) -> datetime | None:
        text = values[column]
        return None if text.lower() in UNKNOWN else read_moment(text, column, self.dates[column])


class Table:
    """Posts in a manifest, one per row, with their images in a folder.

    Columns are `image` (a path inside the folder), `author` and `likes` (-1 or nothing where hidden), and
    optionally `author_id`, `followers`, `comments`, `posted_at`, `observed_at` (UTC if it has no time zone)
    and `source_id`; others are ignored. A CSV file is UTF-8 or UTF-16, with commas, semicolons or tabs. It is
    read twice: all cells of a column decide what a dot before three digits is. Memory holds one batch of rows
    and the ids of the posts and authors so far.

    Args:
        manifest: The CSV or Parquet file.
        images: The folder of the relative paths in `image`; by default the manifest's.
        name: The `source` of the records.

    Raises:
        LikerankError: If the name is empty or has a slash, which separates a source from an id.
    """

    def __init__(self, manifest: str | Path, images: str | Path | None = None, name: str = "table") -> None:
        if "/" in name or not name:
            raise LikerankError(f"source.name is {name!r}; give a name without a slash.")
        self.manifest = Path(manifest)
        self.images = self.manifest.parent if images is None else Path(images)
        self.name = name

    def records(self) -> Iterator[Record]:
        """Yields a post for each valid row, its author before it, and a `Skipped` for each invalid row.

        An optional cell that cannot be read gives a `Skipped`, and the post is kept without it. A post
        without a `source_id` is identified by its author and image. Of several valid rows for one post
        the first is used. An author is yielded again if a later row has other followers or another name at
        another time.

        Raises:
            LikerankError: If the manifest is missing, is neither CSV nor Parquet, lacks a column or has no
                rows, or the folder of images is missing.
        """
        rows = self._rows()
        if not self.images.is_dir():
            raise LikerankError(f"The folder of images {self.images} does not exist; set source.images.")
        columns = self._columns()
        images = ImageFolder(self.images)
        seen: set[str] = set()
        authors: dict[str, Author] = {}
        empty = True
        for place, row in rows:
            empty = False
            try:
                if isinstance(row, LeftOutError):
                    raise row
                author, post, unread = self._parse(row, columns, images)
                if post.source_id in seen:
                    raise LeftOutError("second row of a post", f"{post.source_id!r} has an earlier row")
            except LeftOutError as error:
                yield Skipped(error.reason, f"{self.manifest}, {place}: {error}.")
                continue
            for each in unread:
                yield Skipped(each.reason, f"{self.manifest}, {place}: {each}; the post is kept without it.")
            seen.add(post.source_id)
            if _is_new(author, authors.get(author.author_id)):
                authors[author.author_id] = author
                yield author
            yield post
        if empty:
            raise LikerankError(f"{self.manifest} has no rows.")

    def count(self) -> int:
        """Returns the number of rows (of CSV: lines), without authors."""
        return count_rows(self.manifest)

    def _rows(self) -> Iterator[tuple[str, Row]]:
        if kind_of(self.manifest) == "parquet":
            return parquet_rows(self.manifest, _KNOWN, self._check)
        return iter(CsvRows(self.manifest, _KNOWN, self._check, _is_likes))

    def _columns(self) -> _Columns:
        """Reads the manifest once for what its columns decide: thousand's dots, and days before months."""
        columns = _Columns()
        numbers = number_columns(self.manifest) if kind_of(self.manifest) == "parquet" else set()
        for _, row in self._rows():
            if not isinstance(row, LeftOutError):
                for name, count in columns.counts.items():
                    if name not in numbers:
                        count.see(row.get(name, "").strip())
                for name, date in columns.dates.items():
                    date.see(row.get(name, "").strip())
        for name in columns.counts:
            others = [other for key, other in columns.counts.items() if key != name and key not in numbers]
            columns.separators[name] = (
                ("", ".") if name in numbers else columns.counts[name].separator(others)
            )
        return columns

    def _check(self, columns: Sequence[str]) -> None:
        found = ", ".join(map(shortened, columns[:20])) + (", ..." if len(columns) > 20 else "")
        if not any(columns):
            raise LikerankError(f"{self.manifest} is empty; its first line must name the columns.")
        for name in _REQUIRED:
            if name not in columns:
                raise LikerankError(f"{self.manifest} lacks the column {name!r}; its columns are {found}.")
        for name in _KNOWN:
            if columns.count(name) > 1:
                raise LikerankError(f"{self.manifest} has the column {name!r} more than once.")

    def _parse(
        self, row: dict[str, str], columns: _Columns, images: ImageFolder
    ) -> tuple[Author, Post, list[LeftOutError]]:
        """Returns the author and the post of a row, and the optional values that could not be read."""
        values = {column: row.get(column, "").strip() for column in _KNOWN}
        as_written = row.get("image", "")
        if as_written != values["image"] and images.has(as_written):
            values["image"] = as_written
        unread: list[LeftOutError] = []

        def optional(read: Callable[[], T]) -> T | None:
            try:
                return read()
            except LeftOutError as error:
                unread.append(error)
                return None

        username = values["author"]
        if not username:
            raise LeftOutError("no author", "author is empty")
        for column in ("author_id", "source_id"):
            if _ROUNDED.fullmatch(values[column]):
                message = f"{column} is {values[column]!r}, which a spreadsheet rounded; keep ids as text"
                raise LeftOutError(f"invalid {column}", message)
        author_id = values["author_id"] or username
        observed_at = columns.moment(values, "observed_at")
        likes = None if values["likes"] == "-1" else columns.count(values, "likes")
        image = images.find(values["image"])
        post = Post(
            source=self.name,
            source_id=values["source_id"] or f"{author_id}/{image}",
            author_id=author_id,
            username=username,
            picture=PictureFile(self.images / image),
            likes=likes,
            comments=optional(lambda: columns.count(values, "comments")),
            posted_at=optional(lambda: columns.moment(values, "posted_at")),
            observed_at=observed_at,
        )
        author = Author(
            source=self.name,
            author_id=author_id,
            username=username,
            followers=optional(lambda: columns.count(values, "followers")),
            observed_at=observed_at,
        )
        return author, post, unread


def _is_likes(text: str) -> bool:
    return text.lower() in UNKNOWN - {""} or re.fullmatch(r"-?\d[\d.,\s]*[kKmM]?", text) is not None


def _is_new(author: Author, known: Author | None) -> bool:
    if known is None:
        return True
    if author.followers is None:
        return False
    if author.observed_at == known.observed_at:
        return known.followers is None
    return (author.username, author.followers) != (known.username, known.followers)
