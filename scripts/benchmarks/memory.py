"""Memory: a snapshot of many posts, its memory and speed; the scan of images against pymongo's raw batches.

The memory is the most RssAnon (resident memory that no file backs) of one process, this one or the store's
server.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from benchmarks.shared import (
    Fixtures,
    Measurement,
    fill_store,
    ratios,
    timed,
    with_peak_memory,
    worded_memory,
)
from likerank.images import make_stored_image
from likerank.records import Post
from likerank.sources import Demo
from likerank.store import Store


def memory(fixtures: Fixtures) -> Iterator[Measurement]:
    if not Path("/proc/self/status").exists():
        print("memory is left out: it reads /proc, which only Linux has.", file=sys.stderr)
        return
    number, size = fixtures.sizes.memory.posts, fixtures.sizes.memory.image_size
    few = [post.picture for post in Demo(posts=8).records() if isinstance(post, Post)]
    images = cycle([make_stored_image(picture.read(), picture.name, size) for picture in few])
    with fixtures.store("many") as store, ThreadPoolExecutor(1) as pool:
        fill_store(store, Demo(posts=number), lambda post: replace(next(images), digest=post.key))
        seconds, most = with_peak_memory(pool, timed, lambda: fixtures.snapshot(store))
        scans = _scans_beside_raw_batches(store, fixtures.sizes.memory.scans)
    compared = (
        f"most RssAnon of a process while a snapshot of {number:,} posts is made ({worded_memory(most)})"
    )
    yield Measurement("snapshot, memory", compared, [max(most.values())], 1536, " MiB", at_most=True)
    compared = f"{number:,} stored images of {size} pixels from the store to a snapshot"
    yield Measurement("snapshot, speed", compared, [number / seconds], unit=" posts/s")
    compared = "a bare loop over pymongo's find_raw_batches({}) / the snapshot's scan of the stored images"
    yield Measurement("scan", compared, scans, 0.7)


def _scans_beside_raw_batches(store: Store, rounds: int) -> list[float]:
    keys = [key for batch in store.scan_posts() for key in batch["key"].to_pylist()]

    def raw() -> int:
        return sum(len(batch) for batch in store.collection("posts").find_raw_batches({}))

    def scanned() -> int:
        return sum(len(jpeg) for batch in store.scan_images(keys) for _, jpeg in batch)

    return ratios(raw, scanned, rounds)
