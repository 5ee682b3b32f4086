"""Which posts an analysis is of: the store's, or a snapshot's, read in parts."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.dataset import Recipe, Snapshot, read_candidates, select_posts
from likerank.images import to_pixels, to_thumbnail
from likerank.prefetch import prefetch
from likerank.store import Store

Pixels = NDArray[np.uint8]
_AT_ONCE = 500
_WORKERS = 4


@dataclass(frozen=True)
class PostTables:
    """Posts as tables.

    Attributes:
        posts: All posts: the columns of a snapshot's post table, `observed_at` where it is known.
        kept: Those that are in a dataset after balancing, with `split`.
        left_out: Why others are not, and how many.
        total: How many posts there are with those that were left out.
        copies: `groups` of near copies, `posts` in them, their `share`; None where nobody looked.
        synthetic: Whether any of the posts is synthetic.
    """

    posts: pd.DataFrame
    kept: pd.DataFrame
    left_out: dict[str, int]
    total: int
    copies: dict[str, int | float] | None
    synthetic: bool


class AnalysedPosts(Protocol):
    """Where posts are read from."""

    title: str

    def tables(self) -> PostTables:
        """Reads all but the pictures."""
        ...

    def pixels(self, keys: Sequence[str]) -> Iterator[tuple[list[str], Pixels]]:
        """Yields pictures as models see them, some at a time, (B, size, size, 3) uint8."""
        ...

    def thumbnails(self, keys: Sequence[str], long_side: int) -> dict[str, Pixels]:
        """Returns pictures to look at by post."""
        ...

    def like_counts(self, keys: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yields `key`, `observed_at` and `likes` of posts that were counted more than once, in parts."""
        ...


class StoredPosts:
    """The store's posts, under a recipe.

    Args:
        store: An open store.
        recipe: How a dataset would be made of them.
    """

    def __init__(self, store: Store, recipe: Recipe) -> None:
        self._store = store
        self._recipe = recipe
        self.title = f"Posts of the store {store.database_name}"

    def tables(self) -> PostTables:
        """See `AnalysedPosts`."""
        posts = read_candidates(self._store, self._recipe, _WORKERS)
        selection = select_posts(posts, self._recipe)
        synthetic = bool(posts["synthetic"].any())
        return PostTables(posts, selection.posts, selection.excluded, len(posts), selection.copies, synthetic)

    def pixels(self, keys: Sequence[str]) -> Iterator[tuple[list[str], Pixels]]:
        """See `AnalysedPosts`."""
        make = partial(_pixels, size=self._recipe.size)
        with ThreadPoolExecutor(_WORKERS) as pool:
            made = (pool.submit(make, images) for images in self._store.scan_images(keys))
            for future in prefetch(made, _WORKERS):
                yield future.result()

    def thumbnails(self, keys: Sequence[str], long_side: int) -> dict[str, Pixels]:
        """See `AnalysedPosts`."""
        return {
            key: to_thumbnail(jpeg, long_side) for part in self._store.scan_images(keys) for key, jpeg in part
        }

    def like_counts(self, keys: Sequence[str]) -> Iterator[pd.DataFrame]:
        """See `AnalysedPosts`."""
        for batch in self._store.scan_counts("post", "likes", keys):
            counts = batch.to_pandas()
            several = counts["key"].map(counts["key"].value_counts()) > 1
            if several.any():
                yield counts[several]


class FrozenPosts:
    """A snapshot's posts.

    Args:
        snapshot: The snapshot.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.title = f"Posts of snapshot {snapshot.fingerprint}"

    def tables(self) -> PostTables:
        """See `AnalysedPosts`; posts that were left out are known by their number alone."""
        posts = self._snapshot.posts
        manifest = self._snapshot.manifest
        left_out = dict(manifest.get("excluded", {}))
        total, copies = len(posts) + sum(left_out.values()), manifest.get("copies")
        return PostTables(posts, posts, left_out, total, copies, self._snapshot.synthetic)

    def pixels(self, keys: Sequence[str]) -> Iterator[tuple[list[str], Pixels]]:
        """See `AnalysedPosts`."""
        rows = np.sort(self._rows(keys))
        names = self._snapshot.posts["key"].to_numpy()
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            yield names[part].tolist(), self._snapshot.pixels[part]

    def thumbnails(self, keys: Sequence[str], long_side: int) -> dict[str, Pixels]:  # noqa: ARG002
        """See `AnalysedPosts`; as small as they were frozen."""
        return {key: self._snapshot.pixels[row] for key, row in zip(keys, self._rows(keys), strict=True)}

    def like_counts(self, keys: Sequence[str]) -> Iterator[pd.DataFrame]:  # noqa: ARG002
        """See `AnalysedPosts`; a snapshot keeps the newest count alone."""
        return iter(())

    def _rows(self, keys: Sequence[str]) -> NDArray[np.int64]:
        rows = pd.Index(self._snapshot.posts["key"]).get_indexer(pd.Index(keys))
        return np.asarray(rows, np.int64)


def _pixels(images: list[tuple[str, bytes]], size: int) -> tuple[list[str], Pixels]:
    return [key for key, _ in images], np.stack([to_pixels(jpeg, size) for _, jpeg in images])
