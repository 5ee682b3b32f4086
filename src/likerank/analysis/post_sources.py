"""Posts to analyse: a store's or a snapshot's, read in parts."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.analysis.posts import Posts
from likerank.dataset import Recipe, Snapshot
from likerank.dataset.build import select_posts
from likerank.dataset.candidates import read_candidates
from likerank.images import to_pixels, to_thumbnail
from likerank.prefetch import prefetch
from likerank.store import Store

Pixels = NDArray[np.uint8]
_AT_ONCE = 500
_WORKERS = 4


class PostSource(Protocol):
    """A place to read posts from."""

    title: str

    def posts(self) -> Posts:
        """Reads everything except pictures."""

    def pixels(self, keys: Sequence[str]) -> Iterator[tuple[list[str], Pixels]]:
        """Yields pictures as models see them, in parts, (B, size, size, 3) uint8."""

    def thumbnails(self, keys: Sequence[str], long_side: int) -> dict[str, Pixels]:
        """Returns larger pictures for people to look at, by post."""

    def like_counts(self, keys: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yields `key`, `observed_at` and `likes` of posts with several counts, in parts."""


class StoredPosts:
    """The posts of an open store, with the recipe of the dataset that they would make."""

    def __init__(self, store: Store, recipe: Recipe) -> None:
        self._store = store
        self._recipe = recipe
        self.title = f"Posts of the store {store.database_name}"

    def posts(self) -> Posts:
        """See `PostSource`."""
        posts = read_candidates(self._store, self._recipe, _WORKERS)
        selection = select_posts(posts, self._recipe)
        synthetic = bool(posts["synthetic"].any())
        return Posts(posts, selection.posts, selection.excluded, len(posts), selection.copies, synthetic)

    def pixels(self, keys: Sequence[str]) -> Iterator[tuple[list[str], Pixels]]:
        """See `PostSource`."""
        make = partial(_pixels, size=self._recipe.size)
        with ThreadPoolExecutor(_WORKERS) as pool:
            made = (pool.submit(make, images) for images in self._store.scan_images(keys))
            for future in prefetch(made, _WORKERS):
                yield future.result()

    def thumbnails(self, keys: Sequence[str], long_side: int) -> dict[str, Pixels]:
        """See `PostSource`."""
        return {
            key: to_thumbnail(jpeg, long_side) for part in self._store.scan_images(keys) for key, jpeg in part
        }

    def like_counts(self, keys: Sequence[str]) -> Iterator[pd.DataFrame]:
        """See `PostSource`."""
        for batch in self._store.scan_counts("post", "likes", keys):
            counts = batch.to_pandas()
            several = counts["key"].map(counts["key"].value_counts()) > 1
            if several.any():
                yield counts[several]


class SnapshotPosts:
    """The posts of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.title = f"Posts of snapshot {snapshot.fingerprint}"

    def posts(self) -> Posts:
        """See `PostSource`; of posts that were left out only the number is known."""
        posts = self._snapshot.posts
        manifest = self._snapshot.manifest
        left_out = dict(manifest.get("excluded", {}))
        total, copies = len(posts) + sum(left_out.values()), manifest.get("copies")
        return Posts(posts, posts, left_out, total, copies, self._snapshot.synthetic)

    def pixels(self, keys: Sequence[str]) -> Iterator[tuple[list[str], Pixels]]:
        """See `PostSource`."""
        rows = np.sort(self._rows(keys))
        names = self._snapshot.posts["key"].to_numpy()
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            yield names[part].tolist(), self._snapshot.pixels[part]

    def thumbnails(self, keys: Sequence[str], long_side: int) -> dict[str, Pixels]:  # noqa: ARG002
        """See `PostSource`; in the size of the snapshot."""
        return {key: self._snapshot.pixels[row] for key, row in zip(keys, self._rows(keys), strict=True)}

    def like_counts(self, keys: Sequence[str]) -> Iterator[pd.DataFrame]:  # noqa: ARG002
        """See `PostSource`; none, since a snapshot keeps only the newest count."""
        return iter(())

    def _rows(self, keys: Sequence[str]) -> NDArray[np.int64]:
        rows = pd.Index(self._snapshot.posts["key"]).get_indexer(pd.Index(keys))
        return np.asarray(rows, np.int64)


def _pixels(images: list[tuple[str, bytes]], size: int) -> tuple[list[str], Pixels]:
    return [key for key, _ in images], np.stack([to_pixels(jpeg, size) for _, jpeg in images])
