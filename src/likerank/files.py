"""Files that are written atomically, replaced completely or not at all, and named where they are damaged.

It is written beside its place and renamed once it is on disk. A kill leaves at most a hidden file beside,
which the next writer of the same file replaces; so each file has one writer at a time.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from likerank.errors import LikerankError

if TYPE_CHECKING:
    import pyarrow

Opener = Callable[[str, int], int]


def make_private(folder: Path) -> None:
    """Makes a folder that only its owner can look into; one that is there keeps its mode."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


@contextmanager
def whole_file(path: Path, opener: Opener | None = None) -> Iterator[IO[bytes]]:
    """Opens a new file that replaces the path's when the block ends, and is removed where it raises."""
    aside = aside_of(path)
    aside.unlink(missing_ok=True)  # It would keep the mode that it was created with.
    try:
        with open(aside, "wb", opener=opener) as file:
            yield file
        _put_in_place(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def reserve(file: Path) -> None:
    """Takes the space on the disk for a file's whole length, before it is mapped into memory and written.

    Where the disk is full, a write into mapped memory ends the process by SIGBUS; this raises OSError.
    """
    if not hasattr(os, "posix_fallocate"):  # As on macOS.
        return
    with file.open("r+b") as opened:
        try:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise OSError(error.errno, error.strerror, str(file)) from None


def write_whole(path: Path, text: str, opener: Opener | None = None) -> None:
    """Replaces a file by a text in UTF-8; see `whole_file`."""
    with whole_file(path, opener) as file:
        file.write(text.encode())


@contextmanager
def naming_damage(file: Path, way_out: str) -> Iterator[None]:
    """Raises what goes wrong while a file is read as a sentence: a damaged file can cause nearly any error.

    A missing file, and one that must not be read, keep their errors.

    Raises:
        LikerankError: If the file is damaged; the message ends with the way out.
    """
    try:
        refuse_special(file)
        yield
    except LikerankError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.filename is not None):
            raise
        why = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise LikerankError(f"{file} is damaged ({why}); {way_out}.") from error


def refuse_special(file: Path) -> None:
    """Refuses a pipe or a device, which would never end, and links in a circle.

    Raises:
        LikerankError: If it is a pipe or a device.
        OSError: If its links lead in a circle.
    """
    try:
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # Told where the file is opened.
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise LikerankError(f"{file} is a pipe or a device; put a file in its place.")


def read_checked_parquet(path: Path, columns: list[str] | None = None) -> "pyarrow.Table":
    """Returns a Parquet file's table after a check of every cell, which Arrow makes only on demand."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path, columns=columns)
    table.validate(full=True)
    return table


def count_lines(path: Path) -> int:
    """Returns the number of a file's lines; 0 for a missing file."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def bounded_lines(path: Path, most: int = 1 << 20) -> Iterator[bytes]:
    """Yields a file's lines; of one that is longer than `most` bytes, the first of them."""
    with path.open("rb") as file:
        while line := file.readline(most):
            rest = line
            while len(rest) == most and not rest.endswith(b"\n"):
                rest = file.readline(most)
            yield line


def remove_lines(path: Path, is_removed: Callable[[bytes], bool]) -> int:
    """Removes lines from a file, which stays untouched where there are none; returns their number."""

    def rewrite(file: Path, target: Path) -> int:
        number = 0
        with file.open("rb") as lines, target.open("wb") as kept:
            for line in lines:
                if is_removed(line):
                    number += 1
                else:
                    kept.write(line)
        return number

    return rewrite_whole(path, rewrite)


def rewrite_whole(path: Path, rewrite: Callable[[Path, Path], int]) -> int:
    """Replaces a file by a rewritten one where the rewriting changes something; returns how much.

    `rewrite` reads the first file, writes the second, and returns how much it changed; where that is 0, the
    second may be missing.
    """
    aside = aside_of(path)
    try:
        if number := rewrite(path, aside):
            _put_in_place(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return number


def aside_of(path: Path) -> Path:
    """Returns the path at which a file is written before it is renamed."""
    return path.with_name(f".{path.name}.tmp")


def _put_in_place(aside: Path, path: Path) -> None:
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(path)
