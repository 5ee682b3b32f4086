"""Removes one author from frozen datasets, which cannot be trained on afterwards."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from likerank.dataset.build import only_one_writer
from likerank.dataset.snapshot import FORGOTTEN, MANIFEST_FILE, PIXELS_FILE, POSTS_FILE, write_manifest
from likerank.files import whole_file
from likerank.progress import track


@dataclass(frozen=True, slots=True)
class AffectedSnapshot:
    """A snapshot from which an author was removed, now or before."""

    fingerprint: str
    posts: int  # The number of posts that were blanked now.


def blank_author(root: Path, author_key: str) -> list[AffectedSnapshot]:
    """Blanks an author's posts in every snapshot and marks it as not to be trained on.

    Pixels become 0, and every column of the post table but split and half becomes null; the number of rows
    stays. The mark comes first, so that no kill leaves a half-blanked snapshot that trains; another call
    finishes the work of a killed one.

    Args:
        root: The folder of all snapshots; it may be missing.
        author_key: The author, `source/author_id`.

    Returns:
        The snapshots that are marked, now or before.
    """
    if not root.is_dir():
        return []
    with only_one_writer(root):
        folders = sorted(manifest.parent for manifest in root.glob(f"*/{MANIFEST_FILE}"))
        blanked = [(folder, _blank(folder, author_key)) for folder in track(folders, "Snapshots")]
        return [AffectedSnapshot(folder.name, posts) for folder, posts in blanked if posts is not None]


def _blank(folder: Path, author_key: str) -> int | None:
    """Returns the number of posts that were blanked; None where the snapshot is not marked."""
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    posts = pq.read_table(folder / POSTS_FILE)
    theirs = pc.fill_null(pc.equal(posts["author"], author_key), False)
    rows = np.flatnonzero(theirs.to_numpy())
    if rows.size == 0:
        return 0 if manifest.get(FORGOTTEN) else None
    manifest["counts"]["authors"].pop(author_key, None)
    write_manifest(folder, manifest | {FORGOTTEN: True})
    pixels = np.lib.format.open_memmap(folder / PIXELS_FILE, mode="r+")
    pixels[rows] = 0
    pixels.flush()
    # Last, since the table names the rows to be blanked.
    columns = {
        # Split and half say nothing of the author.
        name: posts[name] if name in ("split", "half") else pc.if_else(theirs, None, posts[name])
        for name in posts.column_names
    }
    with whole_file(folder / POSTS_FILE) as file:
        pq.write_table(pa.table(columns), file)
    return int(rows.size)
