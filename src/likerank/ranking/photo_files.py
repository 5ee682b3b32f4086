"""Finds photo files: those of a folder, of a pattern, or named ones."""

import os
from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Final

from likerank.images import is_raw

_PHOTO_SUFFIXES: Final = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".heic", ".heif",
    ".hif", ".avif",
)  # fmt: skip
_OTHERS_FOLDERS: Final = frozenset(("@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX", "lost+found"))
"""Folders of file servers and systems: thumbnails, and what was thrown away."""


def find_photos(places: Sequence[str]) -> list[Path]:
    """Returns the photos of some places, each once, sorted within a place.

    Folders and patterns give files with a photo's suffix that are not hidden, and a camera's raw pictures
    that have no such file beside them, so that the user sees why they are not ranked; a named file is
    returned even if it has another suffix or does not exist.

    Args:
        places: Folders (with all below them), files, or patterns such as `shots/**/*.jpg`.
    """
    found: dict[Path, Path] = {}
    for place in places:
        for photo in _photos_of(place):
            found.setdefault(photo.absolute(), photo)
    return list(found.values())


def _photos_of(place: str) -> Iterator[Path]:
    # Not Path's, which fails for a name such as ~tmp.
    path = Path(place if os.path.lexists(place) else os.path.expanduser(place))  # noqa: PTH111
    # Checked before patterns, since a folder may be called "shots [1]".
    if path.is_dir():
        yield from _photos_under(path)
    elif path.exists() or not (found := sorted(glob(str(path), recursive=True))):  # noqa: PTH207 - takes ~/
        yield path
    else:
        for match in map(Path, found):
            if match.is_dir():
                yield from _photos_under(match)
            elif _is_photo(match):
                yield match


def _photos_under(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        passed_over = any(part.startswith(".") or part in _OTHERS_FOLDERS for part in parts)
        if not passed_over and _is_photo(file) and not file.is_dir():
            yield file


def _is_photo(file: Path) -> bool:
    if file.suffix.lower() in _PHOTO_SUFFIXES:
        return True
    suffixes = (ending for suffix in _PHOTO_SUFFIXES for ending in (suffix, suffix.upper()))
    return is_raw(file.name) and not any(file.with_suffix(suffix).exists() for suffix in suffixes)
