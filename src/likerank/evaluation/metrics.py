"""The metrics of every table, with closed forms: ranking metrics of the likes, and the error of the target.

Each metric is called as `metric(y_true, y_score, groups=None)` with float64 arrays of shape (N,); `groups`
names each post's author for the score within authors, None scores all posts together. A group of posts with
equal truth gives nothing to rank and is not scored, but by position match and by error.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from likerank.errors import LikerankError
from likerank.evaluation.metric import Exact, Metric, Sums
from likerank.evaluation.position_match import position_match
from likerank.evaluation.scored_posts import ABOVE, BELOW, TIED, FloatArray, IntArray, ScoredPosts


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divides, giving 0 where there is nothing to divide by."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


class _PairCounts(NamedTuple):
    """Pairs by how score and truth order them, of groups or of posts."""

    agreeing: FloatArray
    opposed: FloatArray
    truth_differs: FloatArray
    score_differs: FloatArray


def _pairs_of_posts(posts: ScoredPosts) -> _PairCounts:
    counts = posts.counts.astype(np.float64)
    return _PairCounts(
        agreeing=counts[:, BELOW, BELOW] + counts[:, ABOVE, ABOVE],
        opposed=counts[:, BELOW, ABOVE] + counts[:, ABOVE, BELOW],
        truth_differs=counts[:, :, BELOW].sum(1) + counts[:, :, ABOVE].sum(1),
        score_differs=counts[:, BELOW].sum(1) + counts[:, ABOVE].sum(1),
    )


def _pairs_of_groups(posts: ScoredPosts) -> _PairCounts:
    return _PairCounts(*(posts.group_sums(count) / 2 for count in _pairs_of_posts(posts)))


def _pairs_without_each(posts: ScoredPosts) -> _PairCounts:
    of_group, of_post = _pairs_of_groups(posts), _pairs_of_posts(posts)
    return _PairCounts(*(g[posts.group] - p for g, p in zip(of_group, of_post, strict=True)))


def _pairwise_sums(pairs: _PairCounts) -> Sums:
    return Sums((pairs.agreeing - pairs.opposed + pairs.truth_differs) / 2, pairs.truth_differs)


def _kendall_sums(pairs: _PairCounts) -> Sums:
    tau_b = _ratio(pairs.agreeing - pairs.opposed, np.sqrt(pairs.truth_differs * pairs.score_differs))
    return Sums(tau_b * pairs.truth_differs, pairs.truth_differs)


def _weighted(value: FloatArray, size: IntArray, pairs: _PairCounts) -> Sums:
    weight = np.where(pairs.truth_differs > 0, size, 0.0)
    return Sums(value * weight, weight)


def _spearman_sums(posts: ScoredPosts) -> Sums:
    score, truth = _centred_ranks(posts)
    covariance, score_variance, truth_variance = (
        posts.group_sums(product) for product in (score * truth, score**2, truth**2)
    )
    rho = _ratio(covariance, np.sqrt(score_variance * truth_variance))
    return _weighted(rho, posts.size, _pairs_of_groups(posts))


def _spearman_sums_without(posts: ScoredPosts) -> Sums:
    # Leaving out a post moves the (doubled, centred) rank of those above it by -1, of those below it by +1.
    moved = np.array([1.0, 0.0, -1.0])
    ranks_of_score, ranks_of_truth = _centred_ranks(posts)
    score = (ranks_of_score[:, None] + moved)[:, :, None]
    truth = (ranks_of_truth[:, None] + moved)[:, None, :]
    shape = (ranks_of_score.size, 3, 3)
    covariance, score_variance, truth_variance = (
        posts.sum_others(np.broadcast_to(product, shape)) for product in (score * truth, score**2, truth**2)
    )
    pairs = _pairs_without_each(posts)
    both_differ = (pairs.truth_differs > 0) & (pairs.score_differs > 0)
    rho = _ratio(covariance, np.where(both_differ, np.sqrt(score_variance * truth_variance), 0.0))
    return _weighted(rho, posts.others, pairs)


def _centred_ranks(posts: ScoredPosts) -> tuple[FloatArray, FloatArray]:
    """Twice the distance of each post's mid-rank from its group's middle, in score and in truth."""
    counts = posts.counts.astype(np.float64)
    score = counts[:, BELOW].sum(1) - counts[:, ABOVE].sum(1)
    truth = counts[:, :, BELOW].sum(1) - counts[:, :, ABOVE].sum(1)
    return score, truth


def _ndcg_sums(posts: ScoredPosts) -> Sums:
    gain, cumulative = _beaten_posts(posts), _cumulative_discounts(posts)
    score_above, score_tied, truth_above, truth_tied = _above_and_tied(posts)
    reached = posts.group_sums(gain * _mean_discount(cumulative, score_above, score_tied + 1))
    ideal = posts.group_sums(gain * _mean_discount(cumulative, truth_above, truth_tied + 1))
    return _weighted(_ratio(reached, ideal), posts.size, _pairs_of_groups(posts))


def _ndcg_sums_without(posts: ScoredPosts) -> Sums:
    cumulative = _cumulative_discounts(posts)
    score_above, score_tied, truth_above, truth_tied = _above_and_tied(posts)
    # A post beats one post less without a post below it, half a post less without one tied with it.
    gain = (_beaten_posts(posts)[:, None] - np.array([0.0, 0.5, 1.0]))[:, None, :]
    reached = posts.sum_others(gain * _discounts_without(cumulative, score_above, score_tied)[:, :, None])
    ideal_weights = gain * _discounts_without(cumulative, truth_above, truth_tied)[:, None, :]
    ideal = posts.sum_others(np.broadcast_to(ideal_weights, (*score_above.shape, 3, 3)))
    return _weighted(_ratio(reached, ideal), posts.others, _pairs_without_each(posts))


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


def _cumulative_discounts(posts: ScoredPosts) -> FloatArray:
    places = np.arange(1, posts.size.max() + 1)
    return np.concatenate(([0.0], np.cumsum(1 / np.log2(1 + places))))


def _beaten_posts(posts: ScoredPosts) -> FloatArray:
    return (_centred_ranks(posts)[1] + posts.others) / 2


def _above_and_tied(posts: ScoredPosts) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    counts = posts.counts.astype(np.float64)
    return (
        counts[:, ABOVE].sum(1),
        counts[:, TIED].sum(1),
        counts[:, :, ABOVE].sum(1),
        counts[:, :, TIED].sum(1),
    )


def _errors(posts: ScoredPosts) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Errors, centred within each group where groups are scored; their squares' sums; sizes."""
    error = posts.y_score - posts.y_true
    size = posts.size.astype(np.float64)
    if posts.within:
        error = error - (posts.group_sums(error) / size)[posts.group]
    return error, posts.group_sums(error**2), size


def _mean_squared_error_sums(posts: ScoredPosts) -> Sums:
    _, squares, size = _errors(posts)
    return Sums(squares, size)


def _mean_squared_error_sums_without(posts: ScoredPosts) -> Sums:
    error, squares, _ = _errors(posts)
    remaining = posts.others.astype(np.float64)
    # The mean of the remaining errors moves too: the sum of squares loses more than the post's own.
    lost = error**2 * (1 + _ratio(np.ones_like(remaining), remaining)) if posts.within else error**2
    return Sums(squares[posts.group] - lost, remaining)


def _of_pairs(sums: Callable[[_PairCounts], Sums]) -> Exact:
    return Exact(lambda posts: sums(_pairs_of_groups(posts)), lambda posts: sums(_pairs_without_each(posts)))


def pairwise_sums(posts: ScoredPosts) -> Sums:
    """Returns the rightly ordered pairs and the pairs of unequal truth of each group, (G,) both."""
    return _pairwise_sums(_pairs_of_groups(posts))


pairwise_accuracy = Metric(
    name="pairwise",
    label="pairs",
    sentence="share of pairs ranked rightly",
    lowest=0,
    highest=1,
    exact=_of_pairs(_pairwise_sums),
)
"""Share of pairs of unequal truth that the score orders rightly, score ties counting half; over all pairs."""

kendall_tau = Metric(
    name="kendall",
    label="tau",
    sentence="Kendall's rank correlation",
    lowest=-1,
    highest=1,
    exact=_of_pairs(_kendall_sums),
)
"""Kendall's tau-b, groups weighted by their pairs of unequal truth; 0 for a constant score."""

spearman = Metric(
    name="spearman",
    label="rho",
    sentence="Spearman's rank correlation",
    lowest=-1,
    highest=1,
    exact=Exact(_spearman_sums, _spearman_sums_without),
)
"""Spearman's rank correlation, groups weighted by posts; 0 for a constant score."""

ndcg = Metric(name="ndcg", lowest=0, highest=1, exact=Exact(_ndcg_sums, _ndcg_sums_without))
"""NDCG with the percentile of the likes among the group's posts (the share of the others that a post beats)
as gain and log2 of the place as discount, tied scores averaged; groups weighted by posts."""

mean_squared_error = Metric(
    name="mse",
    lowest=0,
    on_target=True,
    exact=Exact(_mean_squared_error_sums, _mean_squared_error_sums_without),
)
"""Mean squared error on the target's scale; within groups after removing each group's mean of both."""

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
