"""Decides which posts enter a dataset, and their splits: pure functions of hashes.

Under `random` a post's place depends only on (seed, copy group), and under `unseen_authors` on (seed,
author), so a new post moves no other and copies stay together. Under `later_posts` it depends on the dates of
all posts and moves as new ones come. Each decision draws its own hash: if balancing kept the smallest hashes
of the split, it would keep training posts and drop test posts.
"""

import hashlib
from collections.abc import Iterable
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TRAIN: Final = "train"
VALIDATION: Final = "val"
TEST: Final = "test"
STOP: Final = "stop"
SELECT: Final = "select"

_TRAIN_ENDS, _STOP_ENDS, _SELECT_ENDS = 0.8, 0.85, 0.9  # 8:1:1; validation in two halves

Balance = Literal["median", "minimum", "none"] | int
Policy = Literal["random", "unseen_authors", "later_posts", "later_posts_per_author"]

RANDOM: Final = "random"
UNSEEN_AUTHORS: Final = "unseen_authors"
LATER_POSTS: Final = ("later_posts", "later_posts_per_author")
POLICIES: Final = (RANDOM, UNSEEN_AUTHORS, *LATER_POSTS)


def group_hashes(seed: int, purpose: str, groups: Iterable[str]) -> NDArray[np.uint64]:
    """Returns one uniform 64-bit hash a group, shape (N,): equal for equal groups, whatever else is there.

    Two purposes, the names of decisions, give independent hashes.
    """
    prefix = f"{seed}:{purpose}:".encode()
    digests = (hashlib.blake2b(prefix + group.encode(), digest_size=8).digest() for group in groups)
    return np.fromiter((int.from_bytes(digest, "big") for digest in digests), np.uint64)


def hashed_places(seed: int, purpose: str, groups: Iterable[str]) -> NDArray[np.float64]:
    """Returns a uniform number in [0, 1) for each group, shape (N,); see `group_hashes`."""
    return group_hashes(seed, purpose, groups).astype(np.float64) / 2.0**64


def dated_places(posted_at: pd.Series, series: pd.Series, seed: int) -> NDArray[np.float64]:
    """Returns the share of its series that was posted before each post.

    Args:
        posted_at: Time of each post, shape (N,), none missing.
        series: The series of each post, such as its author, shape (N,).
        seed: Decides between which two posts of a series a share falls, so that short series have 8:1:1 on
            average.

    Returns:
        Shape (N,), in [0, 1), ascending with the date within a series; the same for posts of one time.
    """
    dated = posted_at.groupby(series.to_numpy())
    before = dated.rank(method="min").to_numpy() - 1
    shift = hashed_places(seed, "later", series)
    place: NDArray[np.float64] = (before + shift) / dated.transform("size").to_numpy()
    return place


def split_of(place: NDArray[np.float64]) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Returns each post's split (`train`, `val` or `test`) and half (`stop`, `select` or an empty string).

    All have shape (N,); of the places in [0, 1) the first tenths are train and the last is test.
    """
    split = np.select([place < _TRAIN_ENDS, place < _SELECT_ENDS], [TRAIN, VALIDATION], TEST)
    half = np.where(split == VALIDATION, np.where(place < _STOP_ENDS, STOP, SELECT), "")
    return split, half


def balance_limit(posts_per_author: pd.Series, balance: Balance) -> int | None:
    """Returns how many posts an author may keep, or None for all of them; a median is rounded down."""
    if balance == "none" or posts_per_author.empty:
        return None
    if balance == "median":
        return int(posts_per_author.median())
    if balance == "minimum":
        return int(posts_per_author.min())
    return int(balance)


def kept_by_balance(authors: pd.Series, hashes: NDArray[np.uint64], limit: int | None) -> NDArray[np.bool_]:
    """Returns which posts stay when no author may have more than `limit`: those of the smallest hashes.

    The order of the posts breaks ties. Authors, hashes and the result have shape (N,).
    """
    if limit is None:
        return np.ones(len(authors), dtype=bool)
    order = np.argsort(hashes, kind="stable")
    place_within_author = authors.iloc[order].groupby(authors.iloc[order].to_numpy(), sort=False).cumcount()
    kept = np.empty(len(authors), dtype=bool)
    kept[order] = place_within_author.to_numpy() < limit
    return kept
