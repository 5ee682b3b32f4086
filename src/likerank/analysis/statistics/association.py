"""Whether something goes with the likes within an author: Spearman author by author, pooled, and in words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likerank.evaluation import Interval, UndefinedMetricError, interval, spearman

FEWEST_POSTS = 5
"""An author with fewer posts has no interval worth drawing; the pooled answer counts theirs all the same."""

_MOST_AUTHORS = 1000  # drawn and written down one by one; an interval takes some milliseconds


@dataclass(frozen=True)
class AuthorAssociation:
    """One author's.

    Attributes:
        author: The author's key.
        posts: How many posts it rests on.
        rho: Spearman's rank correlation, and its 95 % interval.
    """

    author: str
    posts: int
    rho: Interval


@dataclass(frozen=True)
class Association:
    """How two quantities go together within authors.

    Attributes:
        pooled: Spearman within authors, weighted by posts; None where no author has two posts that differ.
        by_author: Of the authors with enough posts, those with the most, in the order of their correlation.
        posts: How many posts were looked at.
        authors: How many authors they are of.
    """

    pooled: Interval | None
    by_author: tuple[AuthorAssociation, ...]
    posts: int
    authors: int

    @property
    def sure(self) -> bool:
        """Whether the pooled interval leaves out 0."""
        return self.pooled is not None and self.pooled.leaves_out_0

    def to_json(self) -> dict[str, Any]:
        """Returns it in plain types."""
        return asdict(self)


def association(
    values: ArrayLike, likes: ArrayLike, authors: ArrayLike, *, each_author: bool = True
) -> Association:
    """Correlates values with likes within authors.

    Args:
        values: Of each post, (N,), no NaN.
        likes: Likewise.
        authors: Who posted each, (N,).
        each_author: Whether to look at authors one by one as well.
    """
    x, y, who = np.asarray(values, np.float64), np.asarray(likes, np.float64), np.asarray(authors)
    names, code, posts = np.unique(who, return_inverse=True, return_counts=True)
    by_author = []
    if each_author:
        order = np.argsort(code, kind="stable")
        parts = np.split(order, np.cumsum(posts)[:-1]) if names.size else []
        most = [author for author in np.argsort(-posts, kind="stable") if posts[author] >= FEWEST_POSTS]
        for author in most[:_MOST_AUTHORS]:
            rho = _rho(x[parts[author]], y[parts[author]])
            if rho is not None:
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
        trend_ratio: How many times as many likes the oldest have as the newest, by the pooled trend.
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
    """Answers in one sentence which traits of a picture go with likes within an author."""
    sure = [(name, each) for name, each in found if each.sure and each.pooled is not None]
    if not sure:
        return f"Within an author, none of {', '.join(name for name, _ in found)} surely goes with likes."
    sure.sort(key=lambda pair: -abs(pair[1].pooled.estimate if pair[1].pooled else 0.0))
    said = ", ".join(
        f"{name} ({each.pooled.estimate:+.2f}, {_strength(each.pooled.estimate)})"
        for name, each in sure
        if each.pooled is not None
    )
    return f"Within an author, these surely go with likes (Spearman): {said}."


def _strength(rho: float) -> str:
    return "a little" if abs(rho) < 0.1 else "clearly" if abs(rho) < 0.3 else "strongly"
