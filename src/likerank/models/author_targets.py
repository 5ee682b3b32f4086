"""Targets that hold a post against its author's other posts, so that an audience's size explains little."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from likerank.errors import LikerankError
from likerank.models.target import Target, log_likes, of_authors, rows_by_author

# A spread of few posts says little: it counts together with this many posts of the usual spread.
_PRIOR_POSTS: Final = 5
# An author's percentiles are kept to a percent, so that a model does not carry every like count.
_MOST_STEPS: Final = 101
_DAY_IN_MILLISECONDS: Final = 86_400_000


class AuthorTop(Target):
    """Likes divided by those of the author's most liked training post.

    An author without training posts is held against the median of the authors' most liked posts, and one
    whose training posts have no likes at all against one like.
    """

    name = "author_top"

    author_tops_: dict[str, int]
    usual_top_: float

    def _fit(self, posts: pd.DataFrame) -> None:
        tops = posts["likes"].groupby(posts["author"].to_numpy(str)).max().clip(lower=1)
        self.author_tops_ = {str(author): int(top) for author, top in tops.items()}
        self.usual_top_ = float(tops.median())

    def _tops(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        return of_authors(self.author_tops_, self.usual_top_, posts)

    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        return posts["likes"].to_numpy(np.float64) / self._tops(posts)

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the likes that the values stand for."""
        return np.asarray(values, np.float64) * self._tops(posts)


class AuthorPercentile(Target):
    """The share of the author's training posts that are liked less; those liked as much count half.

    On training posts its mean is 0.5 for every author. Between two like counts it is interpolated on the
    scale of log(1 + likes), and beyond an author's least and most liked training posts it does not go on: the
    inverse ends there. An author without training posts is placed among all training posts. Of an author with
    more than 101 different like counts so many are kept, and the rest is interpolated.
    """

    name = "author_percentile"

    author_steps_: dict[str, list[list[float]]]
    overall_steps_: list[list[float]]

    def _fit(self, posts: pd.DataFrame) -> None:
        likes = posts["likes"].to_numpy(np.int64)
        self.author_steps_ = {author: _steps(likes[mine]) for author, mine in rows_by_author(posts).items()}
        self.overall_steps_ = _steps(likes)

    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        values, logs = np.empty(len(posts)), log_likes(posts)
        for author, mine in rows_by_author(posts).items():
            likes, shares = np.transpose(self.author_steps_.get(author, self.overall_steps_))
            values[mine] = np.interp(logs[mine], np.log1p(likes), shares)
        return values

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the likes that the values stand for, at least the author's least and at most the most.

        A like count between those comes back to within a thousandth of itself plus one.
        """
        values = np.asarray(values, np.float64)
        inverted = np.empty(len(posts))
        for author, mine in rows_by_author(posts).items():
            likes, shares = np.transpose(self.author_steps_.get(author, self.overall_steps_))
            inverted[mine] = np.expm1(np.interp(values[mine], shares, np.log1p(likes)))
        return inverted


class AuthorLog(Target):
    """log(1 + likes) against the author's mean of it over the training posts.

    How much better a post did than its author's usual one, so an audience's size explains nothing. An
    author without training posts is held against the mean of all training posts.
    """

    name = "author_log"

    author_means_: dict[str, float]
    overall_mean_: float

    def _fit(self, posts: pd.DataFrame) -> None:
        logs = pd.Series(log_likes(posts))
        means = logs.groupby(posts["author"].to_numpy(str)).mean()
        self.author_means_ = {str(author): float(mean) for author, mean in means.items()}
        self.overall_mean_ = float(logs.mean())

    def _usual(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        return of_authors(self.author_means_, self.overall_mean_, posts)

    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        return log_likes(posts) - self._usual(posts)

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the likes that the values stand for."""
        likes: NDArray[np.float64] = np.expm1(np.asarray(values, np.float64) + self._usual(posts))
        return likes


class AuthorLogZ(Target):
    """log(1 + likes) against the author's mean, in units of the author's standard deviation of it.

    As `AuthorLog`, and authors whose likes vary more weigh no more than others. An author's variance is
    estimated together with five more posts of the variance that authors have on average; an author without
    training posts is held against the mean and standard deviation of all training posts.
    """

    name = "author_log_z"

    author_moments_: dict[str, list[float]]
    overall_moments_: list[float]

    def _fit(self, posts: pd.DataFrame) -> None:
        logs, rows = log_likes(posts), rows_by_author(posts)
        usual = _usual_variance(logs, rows)
        self.author_moments_ = {author: _moments(logs[mine], usual) for author, mine in rows.items()}
        self.overall_moments_ = [float(logs.mean()), float(logs.std())]

    def _mean_and_spread(self, posts: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        mean, spread = of_authors(self.author_moments_, self.overall_moments_, posts).reshape(-1, 2).T
        return mean, spread

    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        mean, spread = self._mean_and_spread(posts)
        return (log_likes(posts) - mean) / spread

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the likes that the values stand for."""
        mean, spread = self._mean_and_spread(posts)
        likes: NDArray[np.float64] = np.expm1(np.asarray(values, np.float64) * spread + mean)
        return likes


class LocalLogZ(AuthorLogZ):
    """log(1 + likes) against the author's posts around that date, in units of their standard deviation.

    As `AuthorLogZ`, and an audience that grows or shrinks explains little. Mean and standard deviation are
    those of runs of training posts that follow one another, half of each run in the next; between the runs'
    mean dates they are interpolated, and beyond the first and the last they stay. An author with no more
    posts than a run has is held against all of them. Of two posts the better liked one can be worth less,
    where they are of different dates. A post without a date, which the inverse alone takes, counts as newest.

    Args:
        posts: How many posts a run has, from 2.
    """

    name = "local_log_z"
    needs = ("posted_at",)

    author_runs_: dict[str, list[list[float]]]

    def __init__(self, posts: int = 30) -> None:
        if posts < 2:
            raise LikerankError(f"target.posts is {posts}; a run has at least 2 posts.")
        self._run = posts

    def _fit(self, posts: pd.DataFrame) -> None:
        logs, days, rows = log_likes(posts), _days(posts), rows_by_author(posts)
        usual = _usual_variance(logs, rows)
        self.author_runs_ = {
            author: _runs(logs[mine], days[mine], self._run, usual) for author, mine in rows.items()
        }
        self.overall_moments_ = [float(logs.mean()), float(logs.std())]

    def _mean_and_spread(self, posts: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def _usual_variance(logs: NDArray[np.float64], rows: Mapping[str, NDArray[np.intp]]) -> float:
    """Returns the variance that authors' posts have about their means; 1 where there is none to see."""
    squares = sum(float(np.square(logs[mine] - logs[mine].mean()).sum()) for mine in rows.values())
    return squares / max(1, logs.size - len(rows)) or 1.0


def _moments(logs: NDArray[np.float64], usual_variance: float) -> list[float]:
    """Returns mean and standard deviation, the latter together with some posts of the usual variance."""
    squares = float(np.square(logs - logs.mean()).sum()) + _PRIOR_POSTS * usual_variance
    return [float(logs.mean()), float(np.sqrt(squares / (logs.size - 1 + _PRIOR_POSTS)))]


def _runs(
    logs: NDArray[np.float64], days: NDArray[np.float64], length: int, usual_variance: float
) -> list[list[float]]:
    """Returns mean date, mean and standard deviation of runs of posts, in the order of their dates."""
    order = np.argsort(days, kind="stable")
    logs, days = logs[order], days[order]
    beyond = max(0, logs.size - length)
    starts = np.linspace(0, beyond, 1 + -(-2 * beyond // length)).round().astype(np.int64)
    runs = [
        [float(days[start : start + length].mean()), *_moments(logs[start : start + length], usual_variance)]
        for start in starts
    ]
    # Of runs that fall on one moment one is left, since dates must rise.
    return list({run[0]: run for run in runs}.values())


def _days(posts: pd.DataFrame) -> NDArray[np.float64]:
    """Returns the posts' dates in days since 1970; infinity where there is none."""
    if "posted_at" not in posts:
        return np.full(len(posts), np.inf)
    moments = pd.to_datetime(posts["posted_at"], utc=True).to_numpy("datetime64[ms]")
    return np.where(np.isnat(moments), np.inf, moments.astype(np.int64) / _DAY_IN_MILLISECONDS)
