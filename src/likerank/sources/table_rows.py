"""Rows of a manifest as text: CSV as spreadsheets and programs write it, and Parquet."""

import csv
import io
import re
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from likerank.errors import LikerankError
from likerank.sources.source import LeftOutError

Row = dict[str, str] | LeftOutError
"""A row's cells by column, or the reason for which it is left out."""

_LONGEST_LINE: Final = 1 << 20
_LONGEST_CELL: Final = 1 << 17  # As Python's csv reads.
_SEPARATORS: Final = ",;\t"
_IMAGE_NAME: Final = re.compile(r".+\.\w{2,5}")
_DAMAGED: Final = (pa.ArrowException, OSError, UnicodeDecodeError)
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


def kind_of(manifest: Path) -> str:
    """Returns "parquet" or "csv".

    Raises:
        LikerankError: If the file cannot be read or is none, such as a named pipe, which would be waited for.
    """
    try:
        if stat.S_ISREG(mode := manifest.stat().st_mode) or stat.S_ISDIR(mode):
            with manifest.open("rb") as file:
                return "parquet" if file.read(4) == b"PAR1" else "csv"
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise LikerankError(f"The manifest {manifest} cannot be read: {why}.") from error
    raise LikerankError(f"The manifest {manifest} is a pipe or a device; save its rows in a file.")


class CsvRows:
    """The rows of a CSV file: UTF-8, or UTF-16 with its mark; commas, semicolons or tabs.

    Args:
        manifest: The file.
        known: The columns that have a meaning; the header is the line that separators give most of them.
        check: Raises for a header that cannot be used.
        is_count: Returns whether a text may be a cell of the last known required column, a count.
    """

    def __init__(
        self,
        manifest: Path,
        known: Sequence[str],
        check: Callable[[Sequence[str]], None],
        is_count: Callable[[str], bool],
    ) -> None:
        self.manifest = manifest
        self._known = known
        self._check = check
        self._is_count = is_count

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        """Yields each row's place and cells; a row of another shape or encoding gives a reason."""
        with self.manifest.open("rb") as raw:
            utf_16 = raw.read(2) in _UTF_16
        encoding, errors = ("utf-16", "strict") if utf_16 else ("utf-8-sig", "surrogateescape")
        # With surrogates, a byte that is not UTF-8 invalidates only its row.
        with self.manifest.open(encoding=encoding, errors=errors, newline="") as file:
            try:
                yield from self._rows(file)
            except UnicodeError as error:
                raise LikerankError(
                    f"{self.manifest} is damaged UTF-16 ({error}); save it as UTF-8."
                ) from error

    def _rows(self, file: IO[str]) -> Iterator[tuple[str, Row]]:
        head = file.read(1 << 16)
        if "\0" in head[:4096] or not is_text(head.partition("\n")[0]):
            raise LikerankError(f"{self.manifest} is neither a CSV file in UTF-8 nor a Parquet file.")
        lines = _Lines(file)
        if re.match(r'"?sep=.["\r\n]', head, re.IGNORECASE):  # Excel's own line.
            next(lines)
            head = head.partition("\n")[2]
        separator = max(_SEPARATORS, key=lambda each: self._header_quality(head, each))
        reader = csv.reader(lines, delimiter=separator, strict=True)
        try:
            columns = [cell.strip() for cell in next(reader, [])]
        except csv.Error as error:
            raise LikerankError(f"{self.manifest}: its header is malformed ({error}).") from error
        self._check(columns)
        while True:
            lines.begin_record()
            place = f"line {lines.number + 1}"
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                lines.take_back()
                why = str(error).replace("unexpected end of data", "a quotation mark in it is never closed")
                yield place, LeftOutError("malformed row", why)
                continue
            if len(lines.taken) > 1 and self._swallows(cells, columns, separator):
                lines.take_back()
                message = "a quotation mark in it would make the next lines a part of it; double or remove it"
                yield place, LeftOutError("stray quotation mark", message)
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                message = f"it has {len(cells)} cells and the header has {len(columns)}"
                yield place, LeftOutError("malformed row", message)
            elif not all(map(is_text, cells)):
                yield place, LeftOutError("malformed row", "it is not UTF-8")
            else:
                yield place, dict(zip(columns, cells, strict=True))

    def _header_quality(self, head: str, separator: str) -> tuple[int, int]:
        try:
            columns = [cell.strip() for cell in next(csv.reader(io.StringIO(head), delimiter=separator), [])]
        except csv.Error:
            return 0, 0
        return sum(name in columns for name in self._known), len(columns)

    def _swallows(self, cells: Sequence[str], columns: Sequence[str], separator: str) -> bool:
        """Returns whether a cell's lines are rows: a quotation mark began it, and a later row's ended it."""
        width, count, image = len(columns), columns.index("likes"), columns.index("image")

        def is_row(parts: Sequence[str]) -> bool:
            return (
                len(parts) == width
                and self._is_count(parts[count].strip())
                and _IMAGE_NAME.fullmatch(parts[image].strip()) is not None
            )

        for place, cell in enumerate(cells):
            first, *inner = cell.splitlines() or [""]
            if not inner:
                continue
            *inner, last = inner
            # A text of the row may hold separators itself: the others count from the other end.
            begun, ended = first.split(separator), last.split(separator)
            after = width - 1 - place
            begun = [*cells[:place], "", *begun[len(begun) - after :]] if after < len(begun) else []
            ended = [*ended[:place], "", *cells[place + 1 :]] if place < len(ended) else []
            # What stands before the cell is the first row's, what stands behind it the last row's.
            if is_row(begun) and is_row(ended):
                return True
            if any(is_row(line.split(separator)) for line in inner):
                return True
        return False


class _Lines:
    """A file's lines, of bounded length; those of the current record can be taken back but for the first."""

    def __init__(self, file: IO[str]) -> None:
        file.seek(0)
        self._file = file
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.taken.append(line)
        self.number += 1
        return line

    def begin_record(self) -> None:
        """Forgets the lines of the record before."""
        self.taken.clear()

    def take_back(self) -> None:
        """Gives the current record's lines again, without its first."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken[1:])

    def _read(self) -> str:
        line = rest = self._file.readline(_LONGEST_LINE)
        while len(rest) == _LONGEST_LINE and not rest.endswith("\n"):  # Has too many or too long cells.
            rest = self._file.readline(_LONGEST_LINE)
        return line


def parquet_rows(
    manifest: Path, known: Sequence[str], check: Callable[[Sequence[str]], None]
) -> Iterator[tuple[str, Row]]:
    """Yields each row's place and the cells of known columns as text, so that the rules of CSV hold."""
    try:
        with pq.ParquetFile(manifest, memory_map=True) as file:
            check(file.schema_arrow.names)
            columns = [name for name in known if name in file.schema_arrow.names]
            for name in columns:
                _check_size(manifest, file.metadata, name)
            types = {each.name: each.type for each in file.schema_arrow}
            texts = [name for name in columns if pa.types.is_string(types[name])]
            # As dictionaries, a long text that many rows share is in memory once.
        with pq.ParquetFile(manifest, memory_map=True, read_dictionary=texts) as file:
            number = 0
            for batch in file.iter_batches(4096, columns=columns):
                rows = (_as_text(manifest, name, batch.column(name)) for name in columns)
                for cells in zip(*rows, strict=True):
                    number += 1
                    if None in cells:
                        message = f"a cell has more than {_LONGEST_CELL:,} bytes"
                        yield f"row {number}", LeftOutError("malformed row", message)
                    elif not all(map(is_text, cells)):
                        yield f"row {number}", LeftOutError("malformed row", "it is not UTF-8")
                    else:
                        yield f"row {number}", dict(zip(columns, cells, strict=True))
    except _DAMAGED as error:
        raise damaged_parquet(manifest, error) from error


def number_columns(manifest: Path) -> set[str]:
    """Returns the columns of a Parquet file that hold numbers, not text."""
    try:
        schema = pq.read_schema(manifest)
    except _DAMAGED as error:
        raise damaged_parquet(manifest, error) from error
    types = ((each.name, each.type) for each in schema)
    return {
        name
        for name, kind in types
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    }


def damaged_parquet(manifest: Path, error: Exception) -> LikerankError:
    """Returns the sentence about a damaged file."""
    why = str(error).partition("\n")[0][:200]
    return LikerankError(f"The Parquet file {manifest} is damaged ({why}); write it again.")


def _check_size(manifest: Path, metadata: pq.FileMetaData, name: str) -> None:
    """Refuses a column whose cells would fill the memory, before any is decompressed."""
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        # Of a damaged column, asking for its description aborts in pyarrow 25; reading it is an exception.
        if row_group.total_byte_size <= (64 << 20) + 1024 * row_group.num_rows:
            continue
        for place in range(row_group.num_columns):
            column = row_group.column(place)
            is_column = column.path_in_schema.split(".")[0] == name
            if is_column and column.total_uncompressed_size > (64 << 20) + 1024 * column.num_values:
                raise LikerankError(
                    f"{manifest}: the column {name!r} has {column.total_uncompressed_size >> 20:,} MiB in "
                    f"{column.num_values:,} cells; it holds no {name}: write names, numbers and dates only."
                )


def _as_text(manifest: Path, name: str, column: pa.Array) -> list[str | None]:
    """Returns a column's values as text, "" where missing and None where too long."""
    try:
        if isinstance(column, pa.DictionaryArray):
            values = column.dictionary.cast(pa.string())
            too_long = pc.greater(pc.binary_length(values), _LONGEST_CELL)
            if pc.any(too_long).as_py():
                texts: list[str | None] = [
                    None if long else _decoded(values.slice(place, 1))[0]
                    for place, long in enumerate(too_long.to_pylist())
                ]
                return ["" if index is None else texts[index] for index in column.indices.to_pylist()]
            column = column.dictionary_decode()
        return [text or "" for text in _decoded(column.cast(pa.string()))]
    except pa.ArrowException as error:
        raise LikerankError(
            f"{manifest}: the column {name!r} is of type {column.type}, not text, numbers or dates."
        ) from error


def _decoded(column: pa.Array) -> list[str | None]:
    """Returns a column of text; with surrogates for bytes that are no UTF-8, which invalidate their row."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        values = column.cast(pa.binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "surrogateescape") for value in values]


def is_text(text: str) -> bool:
    """Returns whether a text was read without bytes that are none of its encoding."""
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)


def count_rows(manifest: Path) -> int:
    """Returns the number of rows (of CSV: lines)."""
    if kind_of(manifest) == "parquet":
        try:
            return int(pq.read_metadata(manifest).num_rows)
        except _DAMAGED as error:
            raise damaged_parquet(manifest, error) from error
    with manifest.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
