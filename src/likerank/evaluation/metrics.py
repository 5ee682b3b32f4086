"""The metrics of every table, with closed forms: ranking metrics of the likes, and the error of the target.

Each metric is called as `metric(y_true, y_score, groups=None)` with float64 arrays of shape (N,); `groups`
names each post's author for the score within authors, None scores all posts together. A group of posts with
equal truth gives nothing to rank and is not scored, but by position match and by error.
"""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import numpy as np

from likerank.errors import LikerankError
from likerank.evaluation.metric import Metric, Sums
from likerank.evaluation.position_match import position_match
from likerank.evaluation.scored_posts import ABOVE, BELOW, TIED, FloatArray, IntArray, ScoredPosts
from likerank.evaluation.trend import LEAST_COUNT


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divides, giving 0 where there is nothing to divide by."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


class _PairCounts(NamedTuple):
    """Pairs by how score and truth order them."""

    agreeing: FloatArray
    opposed: FloatArray
    truth_differs: FloatArray
    score_differs: FloatArray


def _pairs(posts: ScoredPosts, without: bool) -> _PairCounts:
    """Returns the pairs of each group, (G,), or of each post's group without the post, (N,)."""
    counts = posts.counts.astype(np.float64)
    of_post = (
        counts[:, BELOW, BELOW] + counts[:, ABOVE, ABOVE],
        counts[:, BELOW, ABOVE] + counts[:, ABOVE, BELOW],
        counts[:, :, BELOW].sum(1) + counts[:, :, ABOVE].sum(1),
        counts[:, BELOW].sum(1) + counts[:, ABOVE].sum(1),
    )
    of_group = [posts.group_sums(count) / 2 for count in of_post]
    if not without:
        return _PairCounts(*of_group)
    return _PairCounts(*(group[posts.group] - post for group, post in zip(of_group, of_post, strict=True)))


def pairwise_sums(posts: ScoredPosts, without: bool = False) -> Sums:
    """Returns the rightly ordered pairs and the pairs of unequal truth, see `Metric`'s `exact`."""
    pairs = _pairs(posts, without)
    return Sums((pairs.agreeing - pairs.opposed + pairs.truth_differs) / 2, pairs.truth_differs)


def _pairs_apart_sums(posts: ScoredPosts, without: bool, ratio: float) -> Sums:
    if (posts.y_true == 0).any():
        posts = posts.with_truth(np.where(posts.y_true == 0, LEAST_COUNT, posts.y_true))
    # A hair less, since a product of counts that are apart by the very ratio is rounded.
    factor = ratio * (1 - 1e-12)
    more, fewer = posts.counts_beside(posts.y_true * factor), posts.counts_beside(posts.y_true / factor)
    more, fewer = more[:, :, TIED] + more[:, :, ABOVE], fewer[:, :, TIED] + fewer[:, :, BELOW]
    apart = (more.sum(1) + fewer.sum(1)).astype(np.float64)
    right = more[:, ABOVE] + fewer[:, BELOW] + (more[:, TIED] + fewer[:, TIED]) / 2
    sums = Sums(posts.group_sums(right) / 2, posts.group_sums(apart) / 2)
    if not without:
        return sums
    return Sums(sums.numerator[posts.group] - right, sums.denominator[posts.group] - apart)


def pairs_apart(ratio: float) -> Metric:
    """Returns the metric: the share of pairs ranked rightly, of those whose counts differ by a factor.

    Args:
        ratio: The factor, above 1: the more liked post of a pair has at least so many times the likes of the
            other. A count of 0 counts as a half.
    """
    return Metric(
        name=f"pairwise_{ratio:g}x",
        label=f"pairs {ratio:g}x",
        sentence=f"share of pairs ranked rightly whose counts differ {ratio:g} times or more",
        shown=False,
        lowest=0,
        highest=1,
        exact=partial(_pairs_apart_sums, ratio=ratio),
        of_lists=False,
    )


def _kendall_sums(posts: ScoredPosts, without: bool) -> Sums:
    pairs = _pairs(posts, without)
    tau_b = _ratio(pairs.agreeing - pairs.opposed, np.sqrt(pairs.truth_differs * pairs.score_differs))
    return Sums(tau_b * pairs.truth_differs, pairs.truth_differs)


def _total(posts: ScoredPosts, weights: FloatArray, without: bool) -> FloatArray:
    """Sums weights (N,) over each group, or weights that broadcast to (N, 3, 3) over each post's others."""
    if not without:
        return posts.group_sums(weights)
    return posts.sum_others(np.broadcast_to(weights, posts.counts.shape))


def _weighted(posts: ScoredPosts, value: FloatArray, pairs: _PairCounts, without: bool) -> Sums:
    weight = np.where(pairs.truth_differs > 0, posts.others if without else posts.size, 0.0)
    return Sums(value * weight, weight)


def _spearman_sums(posts: ScoredPosts, without: bool) -> Sums:
    # Twice the distance of each post's mid-rank from its group's middle.
    counts, pairs = posts.counts.astype(np.float64), _pairs(posts, without)
    score = counts[:, BELOW].sum(1) - counts[:, ABOVE].sum(1)
    truth = counts[:, :, BELOW].sum(1) - counts[:, :, ABOVE].sum(1)
    if without:
        # Leaving out a post moves the rank of those above it by -1, of those below it by +1.
        moved = np.array([1.0, 0.0, -1.0])
        score, truth = (score[:, None] + moved)[:, :, None], (truth[:, None] + moved)[:, None, :]
    covariance, score_variance, truth_variance = (
        _total(posts, product, without) for product in (score * truth, score**2, truth**2)
    )
    both_differ = (pairs.truth_differs > 0) & (pairs.score_differs > 0)
    rho = _ratio(covariance, np.where(both_differ, np.sqrt(score_variance * truth_variance), 0.0))
    return _weighted(posts, rho, pairs, without)


def _ndcg_sums(posts: ScoredPosts, without: bool) -> Sums:
    by_score, by_truth = posts.counts.sum(2), posts.counts.sum(1)
    gain = (by_truth[:, BELOW] - by_truth[:, ABOVE] + posts.others) / 2
    reached, ideal = (_discounts(posts, others, without) for others in (by_score, by_truth))
    if without:
        # A post beats one post less without a post below it, half a post less without one tied with it.
        gain = (gain[:, None] - np.array([0.0, 0.5, 1.0]))[:, None, :]
        reached, ideal = reached[:, :, None], ideal[:, None, :]
    gains = (_total(posts, gain * discounts, without) for discounts in (reached, ideal))
    return _weighted(posts, _ratio(*gains), _pairs(posts, without), without)


def _discounts(posts: ScoredPosts, others: IntArray, without: bool) -> FloatArray:
    """Returns the discount of each post, averaged over the places of tied posts, (N,).

    Without one post it is that when a post that it is [below, tied with, above] is left out, (N, 3).
    """
    above, tied = others[:, ABOVE], others[:, TIED]
    places = np.arange(1, posts.size.max() + 1)
    cumulative = np.concatenate(([0.0], np.cumsum(1 / np.log2(1 + places))))

    def mean(above: IntArray, block: IntArray) -> FloatArray:
        discount: FloatArray = (cumulative[above + block] - cumulative[above]) / block
        return discount

    whole = mean(above, tied + 1)
    if not without:
        return whole
    return np.column_stack(
        (mean(np.maximum(above - 1, 0), tied + 1), mean(above, np.maximum(tied, 1)), whole)
    )


def _mean_squared_error_sums(posts: ScoredPosts, without: bool) -> Sums:
    error, size = posts.y_score - posts.y_true, posts.size.astype(np.float64)
    if posts.within:
        error = error - (posts.group_sums(error) / size)[posts.group]
    squares = posts.group_sums(error**2)
    if not without:
        return Sums(squares, size)
    others = posts.others.astype(np.float64)
    # The mean of the remaining errors moves too: the sum of squares loses more than the post's own.
    lost = error**2 * (1 + _ratio(np.ones_like(others), others)) if posts.within else error**2
    return Sums(squares[posts.group] - lost, others)


pairwise_accuracy = Metric(
    name="pairwise",
    label="pairs",
    sentence="share of pairs ranked rightly",
    lowest=0,
    highest=1,
    exact=pairwise_sums,
    of_lists=False,
)
"""Share of pairs of unequal truth that the score orders rightly, score ties counting half; over all pairs."""

kendall_tau = Metric(
    name="kendall",
    label="tau",
    sentence="Kendall's rank correlation",
    lowest=-1,
    highest=1,
    exact=_kendall_sums,
    of_lists=False,
)
"""Kendall's tau-b, groups weighted by their pairs of unequal truth; 0 for a constant score."""

spearman = Metric(
    name="spearman",
    label="rho",
    sentence="Spearman's rank correlation",
    lowest=-1,
    highest=1,
    exact=_spearman_sums,
)
"""Spearman's rank correlation, groups weighted by posts; 0 for a constant score."""

ndcg = Metric(name="ndcg", lowest=0, highest=1, exact=_ndcg_sums)
"""NDCG with the percentile of the likes among the group's posts (the share of the others that a post beats)
as gain and log2 of the place as discount, tied scores averaged; groups weighted by posts."""

mean_squared_error = Metric(name="mse", lowest=0, on_target=True, exact=_mean_squared_error_sums)
"""Mean squared error on the target's scale; within groups after removing each group's mean of both."""

BANDS = tuple(map(pairs_apart, (1.5, 2, 4)))
"""Shares of pairs by how much their counts differ: published results are on such pairs, or on all."""

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        pairwise_accuracy,
        position_match(2),
        position_match(5),
        position_match(10),
        spearman,
        kendall_tau,
        ndcg,
        mean_squared_error,
    )
}
"""The metrics of every table by name, in the order of the columns on the screen; the first one leads."""


def with_metrics(metrics: Iterable[Metric]) -> dict[str, Metric]:
    """Returns METRICS and more metrics, by name.

    Raises:
        LikerankError: If two have the same name.
    """
    known = dict(METRICS)
    for metric in metrics:
        if metric.name in known:
            raise LikerankError(f"There are two metrics with the name {metric.name}; rename yours.")
        known[metric.name] = metric
    return known
