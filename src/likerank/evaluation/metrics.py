"""Ranking metrics across all posts or within groups (an author's posts), and the error on the target's scale.

Each metric is called as `metric(y_true, y_score, groups=None)` with float64 arrays of shape (N,); `groups`
names each post's author for the score within authors, None compares all posts with each other. A group whose
posts are all of equal truth gives nothing to rank and is not compared, but by position match and by error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from likerank.errors import LikerankError
from likerank.evaluation.comparison import ABOVE, BELOW, TIED, Comparison, FloatArray


class NothingToCompareError(LikerankError):
    """No group has enough posts for a metric; the message says what was missing."""


class Sums(NamedTuple):
    """What a weighted mean over groups is made of: values times weights, and weights."""

    numerator: FloatArray
    denominator: FloatArray


@dataclass(frozen=True)
class Metric:
    """A weighted mean over groups of a statistic of each group's posts.

    Attributes:
        name: The metric's key, such as `pairwise`.
        least_posts: How many posts a group needs to be compared.
        lowest: The least value that it can take.
        highest: The greatest value that it can take.
        sums: Numerator and denominator of each group, (G,); 0 and 0 where a group gives nothing to rank.
        sums_without: The same of each post's group when that post is left out, (N,).
    """

    name: str
    least_posts: int
    lowest: float
    highest: float
    sums: Callable[[Comparison], Sums]
    sums_without: Callable[[Comparison], Sums]

    def __call__(self, y_true: ArrayLike, y_score: ArrayLike, groups: ArrayLike | None = None) -> float:
        """Scores y_score (N,) against y_true (N,), among all posts or within groups (N,).

        Raises:
            NothingToCompareError: If no group has enough posts.
            LikerankError: If the arrays are empty, of different lengths, or hold NaN or infinity.
        """
        compared = self.compare(Comparison(y_true, y_score, groups))
        return float(compared.numerator.sum() / compared.denominator.sum())

    def compare(self, comparison: Comparison) -> Sums:
        """Returns numerator and denominator of each group, (G,), 0 and 0 where it is not compared.

        Raises:
            NothingToCompareError: If no group has enough posts.
        """
        enough = comparison.size >= self.least_posts
        if not enough.any():
            whose = "no author has" if comparison.within else "there are not"
            raise NothingToCompareError(f"{whose} {self.least_posts} posts in this split")
        sums = _only_where(enough, self.sums(comparison))
        if not sums.denominator.any():
            whose = "each author's posts" if comparison.within else "the posts"
            raise NothingToCompareError(f"{whose} are all liked equally in this split")
        return sums

    def compare_without_each(self, comparison: Comparison) -> Sums:
        """Returns numerator and denominator of each post's group when that post is left out, (N,)."""
        enough = comparison.size[comparison.group] > self.least_posts
        return _only_where(enough, self.sums_without(comparison))


def _only_where(kept: np.ndarray[tuple[int], np.dtype[np.bool_]], sums: Sums) -> Sums:
    return Sums(np.where(kept, sums.numerator, 0.0), np.where(kept, sums.denominator, 0.0))


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divides, giving 0 where there is nothing to divide by."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


class _PairCounts(NamedTuple):
    """Pairs by how score and truth order them, of groups or of posts."""

    agreeing: FloatArray
    opposed: FloatArray
    truth_differs: FloatArray
    score_differs: FloatArray


def _pairs_of_posts(comparison: Comparison) -> _PairCounts:
    counts = comparison.counts.astype(np.float64)
    return _PairCounts(
        agreeing=counts[:, BELOW, BELOW] + counts[:, ABOVE, ABOVE],
        opposed=counts[:, BELOW, ABOVE] + counts[:, ABOVE, BELOW],
        truth_differs=counts[:, :, BELOW].sum(1) + counts[:, :, ABOVE].sum(1),
        score_differs=counts[:, BELOW].sum(1) + counts[:, ABOVE].sum(1),
    )


def _pairs_of_groups(comparison: Comparison) -> _PairCounts:
    return _PairCounts(*(comparison.group_sums(count) / 2 for count in _pairs_of_posts(comparison)))


def _pairs_without_each(comparison: Comparison) -> _PairCounts:
    of_group, of_post = _pairs_of_groups(comparison), _pairs_of_posts(comparison)
    return _PairCounts(*(g[comparison.group] - p for g, p in zip(of_group, of_post, strict=True)))


def _pairwise_sums(pairs: _PairCounts) -> Sums:
    return Sums((pairs.agreeing - pairs.opposed + pairs.truth_differs) / 2, pairs.truth_differs)


def _kendall_sums(pairs: _PairCounts) -> Sums:
    tau_b = _ratio(pairs.agreeing - pairs.opposed, np.sqrt(pairs.truth_differs * pairs.score_differs))
    return Sums(tau_b * pairs.truth_differs, pairs.truth_differs)


def _post_weighted(value: FloatArray, posts: FloatArray, truth_differs: FloatArray) -> Sums:
    weight = np.where(truth_differs > 0, posts, 0.0)
    return Sums(value * weight, weight)


def _posts_of_groups(comparison: Comparison) -> FloatArray:
    return comparison.size.astype(np.float64)


def _posts_without_each(comparison: Comparison) -> FloatArray:
    return (comparison.size[comparison.group] - 1).astype(np.float64)


def _spearman_sums(comparison: Comparison) -> Sums:
    score, truth = _centred_ranks(comparison)
    covariance, score_variance, truth_variance = (
        comparison.group_sums(product) for product in (score * truth, score**2, truth**2)
    )
    rho = _ratio(covariance, np.sqrt(score_variance * truth_variance))
    return _post_weighted(rho, _posts_of_groups(comparison), _pairs_of_groups(comparison).truth_differs)


def _spearman_sums_without(comparison: Comparison) -> Sums:
    # Leaving out a post moves the (doubled, centred) rank of those above it by -1, of those below it by +1.
    moved = np.array([1.0, 0.0, -1.0])
    ranks_of_score, ranks_of_truth = _centred_ranks(comparison)
    score = (ranks_of_score[:, None] + moved)[:, :, None]
    truth = (ranks_of_truth[:, None] + moved)[:, None, :]
    shape = (ranks_of_score.size, 3, 3)
    covariance, score_variance, truth_variance = (
        comparison.sum_others(np.broadcast_to(product, shape))
        for product in (score * truth, score**2, truth**2)
    )
    pairs = _pairs_without_each(comparison)
    both_differ = (pairs.truth_differs > 0) & (pairs.score_differs > 0)
    rho = _ratio(covariance, np.where(both_differ, np.sqrt(score_variance * truth_variance), 0.0))
    return _post_weighted(rho, _posts_without_each(comparison), pairs.truth_differs)


def _centred_ranks(comparison: Comparison) -> tuple[FloatArray, FloatArray]:
    """Twice the distance of each post's mid-rank from its group's middle, in score and in truth."""
    counts = comparison.counts.astype(np.float64)
    score = counts[:, BELOW].sum(1) - counts[:, ABOVE].sum(1)
    truth = counts[:, :, BELOW].sum(1) - counts[:, :, ABOVE].sum(1)
    return score, truth


def _ndcg_sums(comparison: Comparison) -> Sums:
    gain, cumulative = _beaten_posts(comparison), _cumulative_discounts(comparison)
    score_above, score_tied, truth_above, truth_tied = _above_and_tied(comparison)
    reached = comparison.group_sums(gain * _mean_discount(cumulative, score_above, score_tied + 1))
    ideal = comparison.group_sums(gain * _mean_discount(cumulative, truth_above, truth_tied + 1))
    return _post_weighted(
        _ratio(reached, ideal), _posts_of_groups(comparison), _pairs_of_groups(comparison).truth_differs
    )


def _ndcg_sums_without(comparison: Comparison) -> Sums:
    cumulative = _cumulative_discounts(comparison)
    score_above, score_tied, truth_above, truth_tied = _above_and_tied(comparison)
    # A post beats one post less without a post below it, half a post less without one tied with it.
    gain = (_beaten_posts(comparison)[:, None] - np.array([0.0, 0.5, 1.0]))[:, None, :]
    reached = comparison.sum_others(
        gain * _discounts_without(cumulative, score_above, score_tied)[:, :, None]
    )
    ideal_weights = gain * _discounts_without(cumulative, truth_above, truth_tied)[:, None, :]
    ideal = comparison.sum_others(np.broadcast_to(ideal_weights, (*score_above.shape, 3, 3)))
    return _post_weighted(
        _ratio(reached, ideal),
        _posts_without_each(comparison),
        _pairs_without_each(comparison).truth_differs,
    )


def _discounts_without(cumulative: FloatArray, above: FloatArray, tied: FloatArray) -> FloatArray:
    """The discount of each post when one that it is [below, tied with, above] is left out, (N, 3)."""
    return np.stack(
        (
            _mean_discount(cumulative, np.maximum(above - 1, 0), tied + 1),
            _mean_discount(cumulative, above, np.maximum(tied, 1)),
            _mean_discount(cumulative, above, tied + 1),
        ),
        axis=1,
    )


def _mean_discount(cumulative: FloatArray, above: FloatArray, block: FloatArray) -> FloatArray:
    """Averages the discounts over the places that a block of tied posts takes."""
    first = above.astype(np.int64)
    mean: FloatArray = (cumulative[first + block.astype(np.int64)] - cumulative[first]) / block
    return mean


def _cumulative_discounts(comparison: Comparison) -> FloatArray:
    places = np.arange(1, comparison.size.max() + 1)
    return np.concatenate(([0.0], np.cumsum(1 / np.log2(1 + places))))


def _beaten_posts(comparison: Comparison) -> FloatArray:
    others = comparison.size[comparison.group] - 1
    return (_centred_ranks(comparison)[1] + others) / 2


def _above_and_tied(comparison: Comparison) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    counts = comparison.counts.astype(np.float64)
    return (
        counts[:, ABOVE].sum(1),
        counts[:, TIED].sum(1),
        counts[:, :, ABOVE].sum(1),
        counts[:, :, TIED].sum(1),
    )


def _errors(comparison: Comparison) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Errors, centred within each group where groups are compared; their squares' sums; posts."""
    error = comparison.y_score - comparison.y_true
    posts = _posts_of_groups(comparison)
    if comparison.within:
        error = error - (comparison.group_sums(error) / posts)[comparison.group]
    return error, comparison.group_sums(error**2), posts


def _mean_squared_error_sums(comparison: Comparison) -> Sums:
    _, squares, posts = _errors(comparison)
    return Sums(squares, posts)


def _mean_squared_error_sums_without(comparison: Comparison) -> Sums:
    error, squares, posts = _errors(comparison)
    remaining = posts[comparison.group] - 1
    # The mean of the remaining errors moves too: the sum of squares loses more than the post's own.
    lost = error**2 * (1 + _ratio(np.ones_like(remaining), remaining)) if comparison.within else error**2
    return Sums(squares[comparison.group] - lost, remaining)


pairwise_accuracy = Metric(
    "pairwise",
    2,
    0.0,
    1.0,
    lambda comparison: _pairwise_sums(_pairs_of_groups(comparison)),
    lambda comparison: _pairwise_sums(_pairs_without_each(comparison)),
)
"""Share of pairs of unequal truth that the score orders rightly, score ties counting half; over all pairs."""

kendall_tau = Metric(
    "kendall",
    2,
    -1.0,
    1.0,
    lambda comparison: _kendall_sums(_pairs_of_groups(comparison)),
    lambda comparison: _kendall_sums(_pairs_without_each(comparison)),
)
"""Kendall's tau-b, groups weighted by their pairs of unequal truth; 0 for a constant score."""

spearman = Metric("spearman", 2, -1.0, 1.0, _spearman_sums, _spearman_sums_without)
"""Spearman's rank correlation, groups weighted by posts; 0 for a constant score."""

ndcg = Metric("ndcg", 2, 0.0, 1.0, _ndcg_sums, _ndcg_sums_without)
"""NDCG whose gain is the percentile of the likes among the posts compared (the share of the others that a
post beats) and whose discount is log2 of the place, tied scores averaged; groups weighted by posts."""

mean_squared_error = Metric("mse", 2, 0.0, np.inf, _mean_squared_error_sums, _mean_squared_error_sums_without)
"""Mean squared error on the target's scale; within groups after removing each group's mean of both."""
