"""A metric: its words in tables, its value in each group of posts, and its value without some of them."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likerank.errors import LikerankError
from likerank.evaluation.scored_posts import FloatArray, IntArray, ScoredPosts

_MOST_DELETIONS = 1000
_BLOCKS = 200
_SHUFFLES = 200


class UndefinedMetricError(LikerankError):
    """No group of posts gives a metric anything to score; the message says what is missing."""


class Sums(NamedTuple):
    """Parts of a weighted mean: values times weights, and weights."""

    numerator: FloatArray
    denominator: FloatArray


class MetricWords(NamedTuple):
    """A metric's key, column heading and explanation in a table, and whether the screen shows the column."""

    name: str
    label: str
    sentence: str
    shown: bool


class Metric:
    """A statistic of a group's posts, averaged over groups by their number of posts.

    A metric of your own needs a name and a function of two float64 arrays of shape (n,)::

        def top_1_hit(y_true, y_score):
            return float(y_true[y_score.argmax()] == y_true.max())

        Metric(name="top_1_hit", statistic=top_1_hit, label="top 1", lowest=0, highest=1,
               sentence="how often the post with the highest score has the most likes")

    The function scores all posts (across authors) and each author's posts (within an author), and scores them
    again without some of them for the interval: without each post in turn in groups of up to 1000 posts,
    without each of 200 random blocks of posts in larger ones (the delete-a-group jackknife), so N times at
    most. It handles tied scores itself.

    Args:
        name: The key, such as `pairwise` in `val/network/within/pairwise`: letters, digits, `_`, `-`, `.`.
        statistic: Computes the value of n >= least_posts posts from their truth and scores, higher is better;
            NaN where they give nothing to score. A group of posts with equal likes is never scored.
        label: The heading of the table's column; the name by default.
        sentence: The explanation below the table, without a full stop; empty for none.
        shown: Whether the table on the screen has it; run metrics and JSON always have it.
        lowest: The least possible value.
        highest: The greatest possible value.
        chance: The mean value of a random order; by default estimated from 200 random orders of the posts.
        least_posts: How many posts a group needs to be scored.
        on_target: Whether truth and score are the training target and its prediction, as for an error, and
            not the likes and the ranking score. Such a metric has no chance, is not shown and ranks nothing.
        exact: Closed forms in place of the statistic, which is not needed then: returns the sums of each
            group, (G,), 0 and 0 where a group gives nothing to score, or, where its second argument is true,
            those of each post's group without that post, (N,). The chance by default is then the value of a
            constant score.
        of_lists: Whether the metric scores lists, whose posts may all be compared with each other. Nearby, a
            list is a part of an author's posts that is no longer than the window. Other metrics read only
            each post's counts and sums over its others, which are then all posts of the window around it.
    """

    # No dataclass: OmegaConf would turn an instance among a group's nodes into a configuration.
    def __init__(
        self,
        *,
        name: str,
        statistic: Callable[[FloatArray, FloatArray], float] | None = None,
        label: str = "",
        sentence: str = "",
        shown: bool = True,
        lowest: float = -np.inf,
        highest: float = np.inf,
        chance: float | None = None,
        least_posts: int = 2,
        on_target: bool = False,
        exact: Callable[[ScoredPosts, bool], Sums] | None = None,
        of_lists: bool = True,
    ) -> None:
        """Checks the name and that there is a function.

        Raises:
            LikerankError: If the name cannot be part of a metric key, or there is no function.
        """
        if not re.fullmatch(r"[\w.-]+", name):
            raise LikerankError(
                f"Metric name {name!r} is invalid; use letters, digits, underscores, hyphens and dots."
            )
        if statistic is None and exact is None:
            raise LikerankError(f"Metric {name} has no statistic; set statistic to a function.")
        self.name, self.statistic, self.exact = name, statistic, exact
        self.words = MetricWords(name, label or name, sentence, shown and not on_target)
        self.lowest, self.highest, self.chance = float(lowest), float(highest), chance
        self.least_posts, self.on_target, self.of_lists = least_posts, on_target, of_lists

    def __call__(self, y_true: ArrayLike, y_score: ArrayLike, groups: ArrayLike | None = None) -> float:
        """Scores y_score (N,) against y_true (N,), among all posts or within groups (N,).

        Raises:
            UndefinedMetricError: If no group has enough posts.
            LikerankError: If the arrays are empty, of different lengths, or hold NaN or infinity.
        """
        return self.mean(ScoredPosts(y_true, y_score, groups))

    def mean(self, posts: ScoredPosts) -> float:
        """Returns the weighted mean over groups.

        Raises:
            UndefinedMetricError: If no group has enough posts.
        """
        sums = self.by_group(posts)
        return float(sums.numerator.sum() / sums.denominator.sum())

    def by_group(self, posts: ScoredPosts) -> Sums:
        """Returns numerator and denominator of each group, (G,), 0 and 0 where it is not scored.

        Raises:
            UndefinedMetricError: If no group has enough posts.
        """
        enough = posts.most_together >= self.least_posts
        if not enough.any():
            missing = "no author has" if posts.within else "there are not"
            raise UndefinedMetricError(f"{missing} {self.least_posts} posts{posts.limit} in this split")
        if self.exact is None:
            sums = self._sums_of(posts, posts.rows_by_group)
        else:
            sums = _only_where(enough, self.exact(posts, False))
        if not sums.denominator.any():
            given = f"each author's posts{posts.limit}" if posts.within else "the posts"
            also = "" if self.exact is not None else f", or {self.name} is NaN for them"
            raise UndefinedMetricError(f"{given} are all liked equally in this split{also}")
        return sums

    def scores(self, posts: ScoredPosts) -> NDArray[np.bool_]:
        """Returns whether each post is scored, (N,).

        Raises:
            UndefinedMetricError: If no group has enough posts.
        """
        of_group = self.by_group(posts).denominator > 0
        return of_group[posts.group] & (posts.others + 1 >= self.least_posts)

    def leave_out(self, posts: ScoredPosts) -> tuple[Sums, IntArray]:
        """Scores each group without each of its posts, or each of its blocks of posts where it has many.

        Returns the sums of each deletion and its group, (D,) each.
        Which posts form a block depends on the groups only, so the deletions of two scores are paired.
        """
        if self.exact is not None:
            sums = self.exact(posts, True)
            if self.of_lists:
                sums = _only_where(posts.size[posts.group] > self.least_posts, sums)
            return sums, posts.group
        random = np.random.default_rng(0)
        kept: list[IntArray] = []
        group: list[int] = []
        for code, rows in enumerate(posts.rows_by_group):
            few = rows.size <= _MOST_DELETIONS
            order, blocks = (rows, rows.size) if few else (random.permutation(rows), _BLOCKS)
            kept += [np.setdiff1d(rows, block) for block in np.array_split(order, blocks)]
            group += [code] * blocks
        return self._sums_of(posts, kept), np.array(group)

    def chance_among(self, posts: ScoredPosts) -> float:
        """Returns the mean value of a random order of the posts, whatever their scores.

        Raises:
            UndefinedMetricError: If no group has enough posts.
        """
        number, random = posts.group.size, np.random.default_rng(0)
        ordered = posts.with_scores(np.arange(number) if self.exact is None else np.zeros(number))
        value = self.mean(ordered)
        if self.chance is not None:
            return self.chance
        if self.exact is not None:
            return value
        return float(np.mean([self.mean(ordered.shuffled(random)) for _ in range(_SHUFFLES)]))

    def _sums_of(self, posts: ScoredPosts, sets: list[IntArray]) -> Sums:
        """Returns the statistic times the number of posts, and that number, for each set of rows."""
        assert self.statistic is not None  # noqa: S101 - for the type checker; the constructor checks it
        sums = np.zeros((2, len(sets)))
        for place, rows in enumerate(sets):
            truth = posts.y_true[rows]
            if rows.size < self.least_posts or (not self.on_target and np.ptp(truth) == 0):
                continue
            value = float(self.statistic(truth, posts.y_score[rows]))
            if not np.isnan(value):
                sums[:, place] = value * rows.size, rows.size
        return Sums(*sums)


def _only_where(kept: np.ndarray[tuple[int], np.dtype[np.bool_]], sums: Sums) -> Sums:
    return Sums(np.where(kept, sums.numerator, 0.0), np.where(kept, sums.denominator, 0.0))
