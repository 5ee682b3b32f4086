"""Which files are photos to rank: a folder's, a pattern's, or those that were named."""

from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Final

# HEIC and AVIF cannot be read, and whoever has them shall hear it.
_PHOTO_SUFFIXES: Final = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif")
)


def find_photos(places: Sequence[str]) -> list[Path]:
    """Returns the photos of some places, each once, sorted within a place.

    Of folders and patterns the files that are no photos by their suffix are passed over, and hidden files;
    a file that is named is taken as it is, there or not.

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
    # Asked first: a folder may well be called "shots [1]".
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
