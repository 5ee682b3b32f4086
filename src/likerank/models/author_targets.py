"""Targets relative to the author's other posts, so that the size of an audience explains little."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from likerank.errors import LikerankError
from likerank.models.target import (
    LikesRatio,
    Target,
    days_since_1970,
    log_likes,
    of_authors,
    rows_by_author,
)

# The spread of few posts is unreliable: it is averaged with so many posts of the average spread.
_PRIOR_POSTS: Final = 5
# An author's percentiles are kept to a percent, so that a model does not hold every like count.
_MOST_STEPS: Final = 101

Vector = NDArray[np.float64]


class AuthorTop(LikesRatio):
    """Likes divided by those of the author's most liked training post.

    For an author without training posts the divisor is the median of the authors' most liked posts, and for
    one whose training posts have no likes it is 1.
    """

    name = "author_top"

    author_tops_: dict[str, int]
    usual_top_: float

    def _fit(self, posts: pd.DataFrame) -> None:
        tops = posts["likes"].groupby(posts["author"].to_numpy(str)).max().clip(lower=1)
        self.author_tops_ = {str(author): int(top) for author, top in tops.items()}
        self.usual_top_ = float(tops.median())

    def _divisors(self, posts: pd.DataFrame) -> Vector:
        return of_authors(self.author_tops_, self.usual_top_, posts)


class AuthorPercentile(Target):
    """The share of the author's training posts with fewer likes; posts with as many likes count half.

    On training posts its mean is 0.5 for every author. Between two like counts it is interpolated on the
    scale of log(1 + likes), and beyond an author's least and most liked training posts it is constant, so the
    inverse ends there. An author without training posts is placed among all training posts. At most 101 like
    counts of an author are kept; the others are interpolated.
    """

    name = "author_percentile"

    author_steps_: dict[str, list[list[float]]]
    overall_steps_: list[list[float]]

    def _fit(self, posts: pd.DataFrame) -> None:
        likes = posts["likes"].to_numpy(np.int64)
        self.author_steps_ = {author: _steps(likes[mine]) for author, mine in rows_by_author(posts).items()}
        self.overall_steps_ = _steps(likes)

    def _values(self, posts: pd.DataFrame) -> Vector:
        values, logs = np.empty(len(posts)), log_likes(posts)
        for mine, likes, shares in self._steps_by_author(posts):
            values[mine] = np.interp(logs[mine], np.log1p(likes), shares)
        return values

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> Vector:
        """Returns the likes that the values stand for, between the author's fewest and most training likes.

        A like count between these is returned to within a thousandth of itself plus one.
        """
        values, inverted = np.asarray(values, np.float64), np.empty(len(posts))
        for mine, likes, shares in self._steps_by_author(posts):
            inverted[mine] = np.expm1(np.interp(values[mine], shares, np.log1p(likes)))
        return inverted

    def _steps_by_author(self, posts: pd.DataFrame) -> Iterator[tuple[NDArray[np.intp], Vector, Vector]]:
        for author, mine in rows_by_author(posts).items():
            yield mine, *np.transpose(self.author_steps_.get(author, self.overall_steps_))


class _AgainstAuthor(Target):
    """log(1 + likes) minus a mean, divided by a spread."""

    @abstractmethod
    def _mean_and_spread(self, posts: pd.DataFrame) -> tuple[Vector, Vector | float]:
        """Returns mean and spread for each post."""

    def _values(self, posts: pd.DataFrame) -> Vector:
        mean, spread = self._mean_and_spread(posts)
        return (log_likes(posts) - mean) / spread

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> Vector:
        """Returns the likes that the values stand for."""
        mean, spread = self._mean_and_spread(posts)
        likes: Vector = np.expm1(np.asarray(values, np.float64) * spread + mean)
        return likes


class AuthorLog(_AgainstAuthor):
    """log(1 + likes) minus the author's mean of it over the training posts.

    It measures how much better a post did than its author's average post, so the size of an audience explains
    nothing. For an author without training posts the mean is that of all training posts.
    """

    name = "author_log"

    author_means_: dict[str, float]
    overall_mean_: float

    def _fit(self, posts: pd.DataFrame) -> None:
        logs = pd.Series(log_likes(posts))
        means = logs.groupby(posts["author"].to_numpy(str)).mean()
        self.author_means_ = {str(author): float(mean) for author, mean in means.items()}
        self.overall_mean_ = float(logs.mean())

    def _mean_and_spread(self, posts: pd.DataFrame) -> tuple[Vector, Vector | float]:
        return of_authors(self.author_means_, self.overall_mean_, posts), 1.0


class AuthorLogZ(_AgainstAuthor):
    """log(1 + likes) minus the author's mean of it, in units of the author's standard deviation.

    As `AuthorLog`, but authors whose likes vary more weigh no more than others. An author's variance is
    estimated together with five more posts of the authors' average variance; for an author without training
    posts mean and standard deviation are those of all training posts.
    """

    name = "author_log_z"

    author_moments_: dict[str, list[float]]
    overall_moments_: list[float]

    def _fit(self, posts: pd.DataFrame) -> None:
        logs, rows = log_likes(posts), rows_by_author(posts)
        usual = _usual_variance(logs, rows)
        self.author_moments_ = {author: _moments(logs[mine], usual) for author, mine in rows.items()}
        self.overall_moments_ = [float(logs.mean()), float(logs.std())]

    def _mean_and_spread(self, posts: pd.DataFrame) -> tuple[Vector, Vector | float]:
        mean, spread = of_authors(self.author_moments_, self.overall_moments_, posts).reshape(-1, 2).T
        return mean, spread


class LocalLogZ(_AgainstAuthor):
    """log(1 + likes) relative to the author's posts around that date, in units of their standard deviation.

    As `AuthorLogZ`, but an audience that grows or shrinks explains little. Mean and standard deviation are
    those of windows of consecutive training posts that overlap by half; between the windows' mean dates they
    are interpolated, and beyond the first and last window they are constant. An author with fewer posts than
    a window has one window of all posts. Of two posts of different dates the one with more likes can have the
    lower value. A post without a date, which only the inverse accepts, counts as newest.

    Args:
        posts: The number of posts in a window, from 2.
    """

    name = "local_log_z"
    needs = ("posted_at",)

    author_runs_: dict[str, list[list[float]]]
    overall_moments_: list[float]

    def __init__(self, posts: int = 30) -> None:
        if posts < 2:
            raise LikerankError(f"target.posts is {posts}; it must be at least 2.")
        self._run = posts

    def _fit(self, posts: pd.DataFrame) -> None:
        logs, days, rows = log_likes(posts), _days(posts), rows_by_author(posts)
        usual = _usual_variance(logs, rows)
        self.author_runs_ = {
            author: _runs(logs[mine], days[mine], self._run, usual) for author, mine in rows.items()
        }
        self.overall_moments_ = [float(logs.mean()), float(logs.std())]

    def _mean_and_spread(self, posts: pd.DataFrame) -> tuple[Vector, Vector | float]:
        mean, spread = np.empty(len(posts)), np.empty(len(posts))
        days, anyone = _days(posts), [[0.0, *self.overall_moments_]]
        for author, mine in rows_by_author(posts).items():
            when, means, spreads = np.transpose(self.author_runs_.get(author, anyone))
            mean[mine] = np.interp(days[mine], when, means)
            spread[mine] = np.interp(days[mine], when, spreads)
        return mean, spread


def _steps(likes: NDArray[np.int64]) -> list[list[float]]:
    """Returns like counts in ascending order, each with the share of posts below it, ties counted half."""
    counts, posts = np.unique(likes, return_counts=True)
    shares = (np.cumsum(posts) - posts / 2) / likes.size
    kept = np.unique(np.linspace(0, counts.size - 1, min(counts.size, _MOST_STEPS)).round().astype(np.int64))
    return [[float(count), float(share)] for count, share in zip(counts[kept], shares[kept], strict=True)]


def _usual_variance(logs: Vector, rows: Mapping[str, NDArray[np.intp]]) -> float:
    """Returns the average variance of authors' posts about their means; 1 where it is zero."""
    squares = sum(float(np.square(logs[mine] - logs[mine].mean()).sum()) for mine in rows.values())
    return squares / max(1, logs.size - len(rows)) or 1.0


def _moments(logs: Vector, usual_variance: float) -> list[float]:
    """Returns the mean, and the standard deviation together with some posts of the average variance."""
    squares = float(np.square(logs - logs.mean()).sum()) + _PRIOR_POSTS * usual_variance
    return [float(logs.mean()), float(np.sqrt(squares / (logs.size - 1 + _PRIOR_POSTS)))]


def _runs(logs: Vector, days: Vector, length: int, usual_variance: float) -> list[list[float]]:
    """Returns mean date, mean and standard deviation of windows of posts, in the order of their dates."""
    order = np.argsort(days, kind="stable")
    logs, days = logs[order], days[order]
    beyond = max(0, logs.size - length)
    starts = np.linspace(0, beyond, 1 + -(-2 * beyond // length)).round().astype(np.int64)
    runs = [
        [float(days[start : start + length].mean()), *_moments(logs[start : start + length], usual_variance)]
        for start in starts
    ]
    # Of windows with equal mean dates one is kept, since dates must increase.
    return list({run[0]: run for run in runs}.values())


def _days(posts: pd.DataFrame) -> Vector:
    """Returns the posts' dates in days since 1970; infinity where there is none."""
    days = days_since_1970(posts)
    return np.where(np.isnan(days), np.inf, days)
