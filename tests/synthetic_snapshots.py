"""A small snapshot written as the builder writes it, for tests of what reads one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from likerank.dataset.recipe import Recipe
from likerank.dataset.snapshot import MANIFEST_FILE, PIXELS_FILE, POSTS_FILE, counts_of, fingerprint_of
from likerank.dataset.splits import group_hashes, split_of


def write_snapshot(folder: Path, posts: int = 400, size: int = 16, authors: int = 4, seed: int = 0) -> Path:
    """Writes random pictures whose brightness decides their likes, and returns the folder."""
    random = np.random.default_rng(seed)
    digests = [f"{seed}-{number}" for number in range(posts)]
    hashes = group_hashes(seed, "split", digests)
    order = np.argsort(hashes)
    split, half = split_of(hashes[order].astype(float) / 2.0**64)
    author = random.integers(0, authors, posts)
    appeal = random.normal(0, 0.7, posts)
    audience = np.log(100.0) + author
    shade = (127 + 60 * appeal)[:, None, None, None]
    pixels = np.clip(shade + random.normal(0, 10, (posts, size, size, 3)), 0, 255).astype(np.uint8)
    table = pd.DataFrame(
        {
            "key": [f"made/{digests[i]}" for i in order],
            "source": "made",
            "author": [f"made/author_{a}" for a in author],
            "username": [f"author_{a}" for a in author],
            "likes": np.exp(audience + appeal).round().astype(np.int64),
            "comments": pd.array([None] * posts, dtype="Int64"),
            "followers": pd.array([1000] * posts, dtype="Int64"),
            "followers_then": pd.array([1000] * posts, dtype="Int64"),
            "posted_at": pd.Series([pd.NaT] * posts, dtype="datetime64[ms, UTC]"),
            "digest": [digests[i] for i in order],
            "split": split,
            "half": half,
            "appeal": appeal,
            "audience": audience,
        }
    )
    folder.mkdir(parents=True)
    np.save(folder / PIXELS_FILE, pixels)
    table.to_parquet(folder / POSTS_FILE, index=False)
    recipe = Recipe(size=size)
    fingerprint = fingerprint_of(recipe.as_json(), pd.read_parquet(folder / POSTS_FILE), pixels)
    manifest = {"fingerprint": fingerprint, "recipe": recipe.as_json(), "counts": counts_of(table)}
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    return folder
