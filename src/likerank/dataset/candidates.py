"""Loads snapshot candidates from the store: a row a post, with its copy group, and the stored images."""

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from likerank.dataset.copies import copy_groups
from likerank.dataset.follower_history import followers_when_posted
from likerank.dataset.recipe import Recipe
from likerank.errors import LikerankError
from likerank.images import SIGNATURE_SIDE, signature_of
from likerank.prefetch import prefetch
from likerank.progress import progress_bar, track
from likerank.store import Store


def read_candidates(store: Store, recipe: Recipe, workers: int) -> pd.DataFrame:
    """Returns all posts that a recipe chooses from, unusable ones too, each with its copy group.

    Returns:
        The columns of `Store.scan_posts` but for `signature`, and `group` (the digest of the group's first
        picture) and `owner` (the author of its first post), both missing without a picture, and
        `followers_then` (the author's when it was posted, estimated).

    Raises:
        LikerankError: If there are none.
    """
    total = store.count_posts(recipe.sources or None)
    if total == 0:
        of = f" of {', '.join(recipe.sources)}" if recipe.sources else ""
        raise LikerankError(
            f"The store {store.database_name} holds no posts{of}; run likerank ingest source=... first."
        )
    # In a file: those of a million posts would fill 256 MB of memory.
    with tempfile.TemporaryFile() as signatures:
        read = track(store.scan_posts(recipe.sources or None), "Reading posts in parts")
        parts = pa.Table.from_batches([_put_apart(batch, signatures) for batch in read])
        candidates: pd.DataFrame = parts.to_pandas(split_blocks=True, self_destruct=True)
        del parts
        pa.default_memory_pool().release_unused()  # Else some hundred bytes a post stay with the pool.
        # Posts of a version that did not keep this came before all others.
        candidates["added_at"] = candidates["added_at"].fillna(pd.Timestamp(0, tz="UTC"))
        pictured = candidates.loc[candidates["has_image"], ["added_at", "key", "author", "digest"]]
        came = in_order_of(pictured, "added_at", "key")
        groups = came["digest"].to_numpy(dtype=object)
        if recipe.near_copies != "ignore":
            signatures.flush()
            mapped = np.memmap(signatures, np.uint8, "r+", shape=(len(candidates), SIGNATURE_SIDE**2))
            # A store of an earlier version lacks signatures.
            unsigned = candidates[candidates["has_image"] & ~candidates["has_signature"]]
            row_of = dict(zip(unsigned["key"], unsigned.index.to_numpy(), strict=True))

            def sign(key: str, jpeg: bytes) -> None:
                mapped[row_of[key]] = np.frombuffer(signature_of(jpeg), np.uint8)

            if row_of:
                each_image(sign, "Comparing pictures", store, list(row_of), workers)
            groups = copy_groups(groups, mapped, came.index.to_numpy())
    del candidates["has_signature"]
    candidates["group"] = pd.Series(groups, came.index)
    candidates["owner"] = came["author"].groupby(groups).transform("first")
    observations = store.scan_counts("author", "followers", sorted(candidates["author"].unique()))
    candidates["followers_then"] = followers_when_posted(candidates, observations)
    return candidates


def in_order_of(posts: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Sorts stably by columns without missing values; pandas would make a Python string of each key."""
    keys = pa.Table.from_pandas(posts[list(columns)], preserve_index=False)
    ascending = [(column, "ascending") for column in columns]
    return posts.take(pc.sort_indices(keys, sort_keys=ascending).to_numpy())


def _put_apart(batch: pa.RecordBatch, file: IO[bytes]) -> pa.RecordBatch:
    """Appends a batch's signatures to a file, zeros where there is none; returns the rest of the batch."""
    signatures = pc.fill_null(batch["signature"], bytes(SIGNATURE_SIDE**2))
    file.write(b"".join(signatures.to_pylist()))
    known = pc.is_valid(batch["signature"])
    return batch.drop_columns(["signature"]).append_column("has_signature", known)


def each_image(
    use: Callable[[str, bytes], None], doing: str, store: Store, keys: list[str], workers: int
) -> None:
    """Calls `use` with each post's key and stored image, by several threads; a few batches are in memory.

    Raises:
        LikerankError: If a post is gone or has no image.
    """

    def use_all(batch: list[tuple[str, bytes]]) -> int:
        for key, jpeg in batch:
            use(key, jpeg)
        return len(batch)

    # Threads, not processes: the codec gives up the interpreter's lock, and the rows need no copying back.
    with ThreadPoolExecutor(workers) as pool:
        futures = (pool.submit(use_all, batch) for batch in store.scan_images(keys))
        done = 0
        with progress_bar() as bar:
            task = bar.add_task(doing, total=len(keys))
            for future in prefetch(futures, 2 * workers):
                done += future.result()
                bar.update(task, completed=done)
    if done != len(keys):
        raise LikerankError(
            f"{len(keys) - done} posts left the store while the snapshot was built; run the command again."
        )
