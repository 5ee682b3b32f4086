"""Correlation with the likes within an author: Spearman of each author, pooled, and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likerank.evaluation import UndefinedMetricError
from likerank.evaluation.intervals import Interval, interval
from likerank.evaluation.metrics import spearman

FEWEST_POSTS = 5
"""An author with fewer posts gets no interval; the pooled answer includes the posts."""

_MOST_AUTHORS = 1000  # with an interval each, which takes some milliseconds


@dataclass(frozen=True)
class AuthorAssociation:
    """One author's key, number of posts, and Spearman's rank correlation with its 95 % interval."""

    author: str
    posts: int
    rho: Interval


@dataclass(frozen=True)
class Association:
    """The correlation of two quantities within authors.

    Attributes:
        pooled: Spearman within authors, weighted by posts; None where no author has two posts that differ.
        by_author: Authors with enough posts, at most those with the most, by ascending correlation.
        posts: Number of posts.
        authors: Number of authors.
    """

    pooled: Interval | None
    by_author: tuple[AuthorAssociation, ...]
    posts: int
    authors: int

    @property
    def sure(self) -> bool:
        """Whether the pooled interval excludes 0."""
        return self.pooled is not None and self.pooled.leaves_out_0


def association(
    values: ArrayLike, likes: ArrayLike, authors: ArrayLike, *, each_author: bool = True
) -> Association:
    """Correlates values with likes within authors.

    Args:
        values: A value of each post, (N,), no NaN.
        likes: Likes of each post, (N,), no NaN.
        authors: The author of each post, (N,).
        each_author: Whether to correlate for each author as well.
    """
    x, y = np.asarray(values, np.float64), np.asarray(likes, np.float64)
    names, code, posts = np.unique(np.asarray(authors), return_inverse=True, return_counts=True)
    by_author = []
    most = [author for author in np.argsort(-posts, kind="stable") if posts[author] >= FEWEST_POSTS]
    for author in most[:_MOST_AUTHORS] if each_author else []:
        theirs = code == author
        if (rho := _rho(x[theirs], y[theirs])) is not None:
            by_author.append(AuthorAssociation(str(names[author]), int(posts[author]), rho))
    by_author.sort(key=lambda each: each.rho.estimate)
    return Association(_rho(x, y, code), tuple(by_author), int(x.size), int(names.size))


def _rho(
    values: NDArray[np.float64], likes: NDArray[np.float64], groups: NDArray[np.int64] | None = None
) -> Interval | None:
    if values.size < 2:
        return None
    try:
        return interval(spearman, likes, values, groups)
    except UndefinedMetricError:
        return None


def age_in_words(found: Association, trend_ratio: float | None) -> str:
    """Answers in one sentence whether age matters.

    Args:
        found: Age against likes within authors.
        trend_ratio: Likes of the oldest over those of the newest, by the pooled trend; None if not known.
    """
    pooled = found.pooled
    if pooled is None:
        return "Whether age matters cannot be told: no author has two dated posts whose likes differ."
    rests = f"{found.posts:,} posts of {found.authors:,} author{'s' * (found.authors != 1)}"
    if pooled.low is None or pooled.high is None:
        return f"Whether age matters cannot be told: {rests} are too few (Spearman {pooled.estimate:+.2f})."
    numbers = f"Spearman {pooled.estimate:+.3f}, 95 % interval {pooled.low:+.3f} to {pooled.high:+.3f}"
    if not found.sure:
        reach = max(abs(pooled.low), abs(pooled.high))
        return (
            f"No: within an author, likes do not surely go with a post's age ({numbers}, {rests}); "
            f"a correlation stronger than {reach:.2f} is unlikely."
        )
    more = "more" if pooled.estimate > 0 else "fewer"
    size = _strength(pooled.estimate)
    times = "" if trend_ratio is None else f", along the trend {trend_ratio:.2f} times those of the newest"
    return f"Yes, {size}: within an author, older posts have {more} likes{times} ({numbers}, {rests})."


def traits_in_words(found: Sequence[tuple[str, Association]]) -> str:
    """Names in one sentence the traits of a picture that correlate with likes within an author."""
    sure = [(name, each.pooled.estimate) for name, each in found if each.pooled and each.sure]
    if not sure:
        return f"Within an author, none of {', '.join(name for name, _ in found)} surely goes with likes."
    sure.sort(key=lambda pair: -abs(pair[1]))
    said = ", ".join(f"{name} ({rho:+.2f}, {_strength(rho)})" for name, rho in sure)
    return f"Within an author, these surely go with likes (Spearman): {said}."


def _strength(rho: float) -> str:
    return "a little" if abs(rho) < 0.1 else "clearly" if abs(rho) < 0.3 else "strongly"
