"""The source table: a CSV or Parquet manifest beside a folder of images."""

import csv
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePath
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from likerank.errors import LikerankError
from likerank.records import Author, PictureFile, Post, Record, Skipped, utc_milliseconds
from likerank.sources.source import LARGEST_COUNT, LeftOutError

_REQUIRED: Final = ("image", "author", "likes")
_OPTIONAL: Final = ("author_id", "followers", "comments", "posted_at", "observed_at", "source_id")

_Row = dict[str, str] | LeftOutError


class Table:
    """Posts in a manifest, one per row, with their images in a folder.

    Columns are `image` (a path inside the folder), `author` and `likes`, and optionally `author_id`,
    `followers`, `comments`, `posted_at`, `observed_at` (ISO 8601, UTC if it has no time zone) and
    `source_id`; others are ignored. A CSV file is UTF-8, with commas, semicolons or tabs. Memory holds one
    batch of rows and the ids of the posts and authors so far.

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

        A post without a `source_id` is identified by its author and image. Of several valid rows for one post
        the first is used. An author is yielded again if a later row has other followers or another name at
        another time.

        Raises:
            LikerankError: If the manifest is missing, is neither CSV nor Parquet, lacks a column or has no
                rows, or the folder of images is missing.
        """
        rows = self._parquet_rows() if self._is_parquet() else self._csv_rows()
        if not self.images.is_dir():
            raise LikerankError(f"The folder of images {self.images} does not exist; set source.images.")
        seen: set[str] = set()
        authors: dict[str, Author] = {}
        empty = True
        for place, row in rows:
            empty = False
            try:
                if isinstance(row, LeftOutError):
                    raise row
                author, post = self._parse(row)
                if post.source_id in seen:
                    raise LeftOutError("second row of a post", f"{post.source_id!r} has an earlier row")
            except LeftOutError as error:
                yield Skipped(error.reason, f"{self.manifest}, {place}: {error}.")
                continue
            seen.add(post.source_id)
            if _is_new(author, authors.get(author.author_id)):
                authors[author.author_id] = author
                yield author
            yield post
        if empty:
            raise LikerankError(f"{self.manifest} has no rows.")

    def count(self) -> int:
        """Returns the number of rows (of CSV: lines), without authors."""
        if self._is_parquet():
            try:
                return int(pq.read_metadata(self.manifest).num_rows)
            except (pa.ArrowException, OSError) as error:
                raise self._damaged(error) from error
        with self.manifest.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))

    def _is_parquet(self) -> bool:
        try:
            with self.manifest.open("rb") as file:
                return file.read(4) == b"PAR1"
        except OSError as error:
            raise LikerankError(f"The manifest {self.manifest} cannot be read: {error.strerror}.") from error

    def _damaged(self, error: Exception) -> LikerankError:
        return LikerankError(f"The Parquet file {self.manifest} is damaged ({error}); write it again.")

    def _csv_rows(self) -> Iterator[tuple[str, _Row]]:
        # With surrogates, a byte that is not UTF-8 invalidates only its row.
        with self.manifest.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            header = file.readline(1 << 16)
            if "\0" in header or not _is_text(header):
                raise LikerankError(f"{self.manifest} is neither a CSV file in UTF-8 nor a Parquet file.")
            delimiter = max(",;\t", key=header.count)
            columns = [cell.strip() for cell in next(csv.reader([header], delimiter=delimiter), [])]
            self._check(columns)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            while True:
                place = f"line {reader.line_num + 2}"
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield place, LeftOutError("malformed row", str(error))
                    continue
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(columns):
                    message = f"it has {len(cells)} cells and the header has {len(columns)}"
                    yield place, LeftOutError("malformed row", message)
                elif not all(map(_is_text, cells)):
                    yield place, LeftOutError("malformed row", "it is not UTF-8")
                else:
                    yield place, dict(zip(columns, cells, strict=True))

    def _parquet_rows(self) -> Iterator[tuple[str, _Row]]:
        try:
            with pq.ParquetFile(self.manifest) as file:
                self._check(file.schema_arrow.names)
                columns = [name for name in (*_REQUIRED, *_OPTIONAL) if name in file.schema_arrow.names]
                number = 0
                for batch in file.iter_batches(4096, columns=columns):
                    texts = [self._as_text(name, batch.column(name)) for name in columns]
                    for cells in zip(*texts, strict=True):
                        number += 1
                        yield f"row {number}", dict(zip(columns, cells, strict=True))
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def _as_text(self, name: str, column: pa.Array) -> list[str]:
        """Returns a column's values as text, so that the same rules hold for both kinds of file."""
        try:
            return [text or "" for text in column.cast(pa.string()).to_pylist()]
        except pa.ArrowException as error:
            raise LikerankError(
                f"{self.manifest}: the column {name!r} is of type {column.type}, not text, numbers or dates."
            ) from error

    def _check(self, columns: Sequence[str]) -> None:
        found = ", ".join(map(repr, columns))
        for name in _REQUIRED:
            if name not in columns:
                raise LikerankError(f"{self.manifest} lacks the column {name!r}; its columns are {found}.")
        for name in (*_REQUIRED, *_OPTIONAL):
            if columns.count(name) > 1:
                raise LikerankError(f"{self.manifest} has the column {name!r} more than once.")

    def _parse(self, row: dict[str, str]) -> tuple[Author, Post]:
        values = {column: row.get(column, "").strip() for column in (*_REQUIRED, *_OPTIONAL)}
        username = values["author"]
        if not username:
            raise LeftOutError("no author", "author is empty")
        author_id = values["author_id"] or username
        image = PurePath(values["image"])
        if image.is_absolute() or ".." in image.parts:
            raise LeftOutError("image outside the folder", f"image is {str(image)!r}, outside {self.images}")
        observed_at = _moment(values, "observed_at")
        post = Post(
            source=self.name,
            source_id=values["source_id"] or f"{author_id}/{image.as_posix()}",
            author_id=author_id,
            username=username,
            picture=PictureFile(self.images / image),
            likes=_count(values, "likes"),
            comments=_count_or_none(values, "comments"),
            posted_at=_moment(values, "posted_at"),
            observed_at=observed_at,
        )
        author = Author(
            source=self.name,
            author_id=author_id,
            username=username,
            followers=_count_or_none(values, "followers"),
            observed_at=observed_at,
        )
        if not os.path.isfile(self.images / image):  # noqa: PTH113 (is_file raises for a name that is too long)
            raise LeftOutError("missing image", f"there is no image {str(self.images / image)!r}")
        return author, post


def _is_text(text: str) -> bool:
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)


def _count(values: dict[str, str], column: str) -> int:
    text = values[column]
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= LARGEST_COUNT or number != number.to_integral_value():
        raise LeftOutError(f"invalid {column}", f"{column} is {text!r}, not a whole number of 0 or more")
    return int(number)


def _count_or_none(values: dict[str, str], column: str) -> int | None:
    # Columns of whole numbers with gaps are often floats, with NaN in the gaps.
    return None if values[column].lower() in ("", "nan") else _count(values, column)


def _moment(values: dict[str, str], column: str) -> datetime | None:
    text = values[column]
    if not text:
        return None
    try:
        return utc_milliseconds(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        message = f"{column} is {text!r}, not a date such as 2024-05-31 or 2024-05-31T18:30:00Z"
        raise LeftOutError(f"invalid {column}", message) from error


def _is_new(author: Author, known: Author | None) -> bool:
    if known is None:
        return True
    if author.followers is None:
        return False
    if author.observed_at == known.observed_at:
        return known.followers is None
    return (author.username, author.followers) != (known.username, known.followers)
