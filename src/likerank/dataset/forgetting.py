"""Removes one author from frozen datasets, which cannot be trained on afterwards."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from likerank.dataset.build import only_one_writer
from likerank.dataset.snapshot import (
    FORGOTTEN,
    MANIFEST_FILE,
    PIXELS_FILE,
    POSTS_FILE,
    read_manifest,
    write_manifest,
)
from likerank.files import read_checked_parquet, whole_file
from likerank.progress import track


@dataclass(frozen=True, slots=True)
class AffectedSnapshot:
    """A snapshot from which an author was removed, now or before."""

    fingerprint: str
    posts: int  # The number of posts that were blanked now.
    deleted: bool = False  # Whether it was damaged, so that it was deleted.


def blank_author(root: Path, author_key: str) -> list[AffectedSnapshot]:
    """Blanks an author's posts in every snapshot and marks it as not to be trained on.

    Pixels become 0, and every column of the post table but split and half becomes null; the number of rows
    stays. The mark comes first, so that no kill leaves a half-blanked snapshot that trains; another call
    finishes the work of a killed one. A snapshot whose post table cannot be read is deleted.

    Args:
        root: The folder of all snapshots; it may be missing.
        author_key: The author, `source/author_id`.

    Returns:
        The snapshots that are marked, now or before.
    """
    if not root.is_dir():
        return []
    with only_one_writer(root):
        files = (MANIFEST_FILE, POSTS_FILE, PIXELS_FILE)
        folders = sorted({file.parent for name in files for file in root.glob(f"*/{name}")})
        blanked = (_blank(folder, author_key) for folder in track(folders, "Snapshots", len(folders)))
        return [each for each in blanked if each is not None]


def _blank(folder: Path, author_key: str) -> AffectedSnapshot | None:
    """Blanks one snapshot; returns None where it is not marked."""
    manifest = read_manifest(folder) or {"fingerprint": folder.name}
    try:
        posts = read_checked_parquet(folder / POSTS_FILE)
        theirs = pc.fill_null(pc.equal(posts["author"], author_key), False)
    except PermissionError:
        raise
    except (pa.ArrowException, OSError, LookupError):
        shutil.rmtree(folder)  # Nobody can say whose pictures it holds, and nothing can be trained on it.
        return AffectedSnapshot(folder.name, 0, deleted=True)
    rows = np.flatnonzero(theirs.to_numpy())
    if rows.size == 0:
        return AffectedSnapshot(folder.name, 0) if manifest.get(FORGOTTEN) else None
    manifest.get("counts", {}).get("authors", {}).pop(author_key, None)
    write_manifest(folder, manifest | {FORGOTTEN: True})
    _blank_pixels(folder / PIXELS_FILE, rows)
    # Last, since the table names the rows to be blanked.
    columns = {
        # Split and half say nothing of the author.
        name: posts[name] if name in ("split", "half") else pc.if_else(theirs, None, posts[name])
        for name in posts.column_names
    }
    with whole_file(folder / POSTS_FILE) as file:
        pq.write_table(pa.table(columns), file)
    return AffectedSnapshot(folder.name, int(rows.size))


def _blank_pixels(file: Path, rows: NDArray[np.int64]) -> None:
    try:
        pixels = np.lib.format.open_memmap(file, mode="r+")
        pixels[rows] = 0
        pixels.flush()
    except (ValueError, IndexError):  # It is cut short, or no array.
        file.unlink()
    except FileNotFoundError:
        pass
