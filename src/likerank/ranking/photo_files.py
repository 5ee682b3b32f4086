"""Finds photo files: those of a folder, of a pattern, or named ones."""

from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Final

# HEIC and AVIF cannot be read; they are included so that the user sees the reason.
_PHOTO_SUFFIXES: Final = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif")
)


def find_photos(places: Sequence[str]) -> list[Path]:
    """Returns the photos of some places, each once, sorted within a place.

    Folders and patterns give files with a photo's suffix that are not hidden; a named file is returned even
    if it has another suffix or does not exist.

    Args:
        places: Folders (with all below them), files, or patterns such as `shots/**/*.jpg`.
    """
    found: dict[Path, Path] = {}
    for place in places:
        for photo in _photos_of(place):
            found.setdefault(photo.absolute(), photo)
    return list(found.values())


def _photos_of(place: str) -> Iterator[Path]:
    path = Path(place).expanduser()
    # Checked before patterns, since a folder may be called "shots [1]".
    if path.is_dir():
        yield from _photos_under(path)
    elif path.exists() or not (found := sorted(glob(str(path), recursive=True))):  # noqa: PTH207 - takes ~/
        yield path
    else:
        for match in map(Path, found):
            if match.is_dir():
                yield from _photos_under(match)
            elif match.suffix.lower() in _PHOTO_SUFFIXES:
                yield match


def _photos_under(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix.lower() in _PHOTO_SUFFIXES and not hidden and file.is_file():
            yield file
