"""Looks up pictures by the names that other systems give them: other Unicode, other case, backslashes."""

import os
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final
from urllib.parse import unquote

from likerank.sources.source import LeftOutError

PICTURE_ENDINGS: Final = (
    ".jpg", ".jpeg", ".webp", ".png", ".heic", ".heif", ".avif", ".jpe", ".jfif", ".gif",
    ".tif", ".tiff", ".bmp",
)  # fmt: skip
"""Endings of pictures, the most usual first; in names also in capitals."""


def picture_beside(stem: Path) -> Path | None:
    """Returns the picture with this path, which is without an ending; None if missing."""
    for ending in PICTURE_ENDINGS[:4]:
        if (picture := stem.with_name(stem.name + ending)).is_file():
            return picture
    names = _names_of(stem.parent, stem.parent.stat().st_mtime_ns if stem.parent.is_dir() else 0)
    found = (names.get(_folded(stem.name + ending)) for ending in PICTURE_ENDINGS)
    pictures = (stem.with_name(name) for name in found if name is not None)
    return next((picture for picture in pictures if picture.is_file()), None)


@lru_cache(maxsize=1)  # The folder of the posts that are being read.
def _names_of(folder: Path, _changed_at: int) -> dict[str, str]:
    try:
        names = sorted(os.listdir(folder), reverse=True)  # noqa: PTH208 (names only)
    except OSError:
        return {}
    return {_folded(name): name for name in names if Path(name).suffix.lower() in PICTURE_ENDINGS}


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


class ImageFolder:
    """The images of a manifest, in any number of folders below one.

    Memory holds the folder's names once a name is not there as it is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index: dict[str, list[str]] | None = None

    def find(self, written: str) -> str:
        """Returns the path below the folder of an image as a manifest names it.

        A name that is not there is looked for in other Unicode or case, with slashes for backslashes and with
        %20 decoded; and where a path is another machine's, by its last part if only one file has that name.

        Raises:
            LeftOutError: If there is no such image, several, or one outside the folder.
        """
        plain = PurePosixPath(written)
        if self._is_inside(plain) and self._is_file(plain):
            return plain.as_posix()
        candidates: list[PurePosixPath] = []
        for text in dict.fromkeys((written, unquote(written.removeprefix("file://")))):
            candidates += [PurePosixPath(text), PurePosixPath(PureWindowsPath(text).as_posix())]
        names = list(dict.fromkeys(candidates))
        for name in names:
            if self._is_inside(name) and (found := self._one_of(written, self._same_path(name))):
                return found
        for name in names:
            if ".." not in name.parts and (found := self._one_of(written, self._same_name(name))):
                return found
        if not self._is_inside(plain):
            raise LeftOutError("image outside the folder", f"image is {written!r}, outside {self.folder}")
        if written.startswith(("http://", "https://")):
            raise LeftOutError(
                "missing image", f"image is {written!r}, an address; download it and name the file"
            )
        there = os.path.lexists(self.folder / plain) if written else False
        why = (
            f"{str(self.folder / plain)!r} is no file"
            if there
            else (f"there is no image {str(self.folder / plain)!r}")
        )
        raise LeftOutError("missing image", why)

    def has(self, written: str) -> bool:
        """Returns whether there is an image with this very name."""
        return self._is_inside(PurePosixPath(written)) and self._is_file(PurePosixPath(written))

    def _is_file(self, name: PurePosixPath) -> bool:
        # Path.is_file raises for a name that is too long.
        return os.path.isfile(self.folder / name)  # noqa: PTH113

    @staticmethod
    def _is_inside(name: PurePosixPath) -> bool:
        return not name.is_absolute() and ".." not in name.parts

    def _same_path(self, name: PurePosixPath) -> Iterator[str]:
        """Yields the files with this path in other Unicode or case."""
        folded = _folded(name.as_posix())
        yield from (path for path in self._named(name) if _folded(path) == folded)

    def _same_name(self, name: PurePosixPath) -> Iterator[str]:
        """Yields all files with the last part of another machine's path, or of one that begins above."""
        folded = _folded(name.as_posix())
        is_absolute = name.is_absolute() or name.parts[0][1:2] == ":" if name.parts else False  # /a or C:/a
        found = self._named(name)
        if is_absolute or any(folded.endswith("/" + _folded(path)) for path in found):
            yield from found

    def _named(self, name: PurePosixPath) -> list[str]:
        if self._index is None:
            self._index = {}
            for folder, _, files in os.walk(self.folder):
                below = Path(folder).relative_to(self.folder)
                for file in files:
                    self._index.setdefault(_folded(file), []).append((below / file).as_posix())
        return self._index.get(_folded(name.name), [])

    def _one_of(self, written: str, found: Iterator[str]) -> str | None:
        paths = [path for path in found if self._is_file(PurePosixPath(path))]
        if len(paths) > 1:
            raise LeftOutError(
                "ambiguous image", f"image is {written!r}, which may be {' or '.join(map(repr, paths[:2]))}"
            )
        return paths[0] if paths else None
