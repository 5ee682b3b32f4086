"""95 % confidence intervals by the delete-one jackknife over posts.

The metric is computed again without each post in turn, exactly. (A bootstrap draws posts with replacement and
so compares a post with itself, which is biased.) Metrics without closed forms leave out blocks of posts where
a group has many; see `Metric`. Within groups the groups and their weights are fixed and their posts vary. A
group with fewer than twice a metric's least number of posts is too small for an estimate of its own; such
groups vary as a whole, one against the other. Student's t with posts less groups as degrees of freedom gives
the width.

Source: B. Efron and C. Stein, The jackknife estimate of variance, Annals of Statistics 9 (1981): its variance
errs on the wide side. Simulated with 27 authors, against the true spread: pairwise accuracy 1.2 times too
wide at 10 posts an author and 1.1 at 22, position match in sets of ten 1.3 at 22; across 600 posts every
metric's is right within a tenth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from likerank.evaluation.metric import Metric
from likerank.evaluation.scored_posts import FloatArray, ScoredPosts

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval.

    Attributes:
        estimate: The metric's value, or the difference of two.
        low: Lower bound, at least the metric's least possible value; None where there are too few posts.
        high: Upper bound, at most the greatest possible value; None where there are too few posts.
        standard_error: The estimate's standard error; None where there are too few posts.
    """

    estimate: float
    low: float | None
    high: float | None
    standard_error: float | None

    @property
    def leaves_out_0(self) -> bool:
        """Whether the interval is known and 0 is not in it."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


class Jackknife(NamedTuple):
    """An estimate, independent deviations whose squares sum to its variance, their degrees of freedom."""

    estimate: float
    deviations: FloatArray
    degrees: int

    def less(self, other: "Jackknife") -> "Jackknife":
        """Returns the difference of two estimates on the same posts, paired."""
        estimate, deviations = self.estimate - other.estimate, self.deviations - other.deviations
        return Jackknife(estimate, deviations, min(self.degrees, other.degrees))


class Variance(NamedTuple):
    """A part of an estimate's variance, and its degrees of freedom."""

    value: float
    degrees: int


def interval(
    metric: Metric, y_true: ArrayLike, y_score: ArrayLike, groups: ArrayLike | None = None
) -> Interval:
    """Scores y_score (N,) against y_true (N,), with a 95 % interval.

    A score that no post changes, such as a constant predictor's, has an interval of no width. The best and
    the worst possible score have none, since their posts do not show how they would vary.

    Args:
        metric: The metric.
        y_true: The truth of each post.
        y_score: The score of each post.
        groups: Each post's author for the score within authors, None to score all posts together.

    Raises:
        UndefinedMetricError: If no group has enough posts.
        LikerankError: If the arrays are empty, of different lengths, or hold NaN or infinity.
    """
    return interval_of(metric, ScoredPosts(y_true, y_score, groups))


def interval_of(metric: Metric, posts: ScoredPosts) -> Interval:
    """Does the same for posts that several metrics share."""
    return bounded(jackknife(metric, posts), metric.lowest, metric.highest)


def paired_difference(
    metric: Metric,
    y_true: ArrayLike,
    y_score: ArrayLike,
    y_score_other: ArrayLike,
    groups: ArrayLike | None = None,
) -> Interval:
    """Returns the first predictor's lead over the other on the same posts, with a 95 % interval.

    Arguments and errors as for `interval`, with the other predictor's scores, (N,).
    """
    return difference(metric, *(ScoredPosts(y_true, scores, groups) for scores in (y_score, y_score_other)))


def difference(metric: Metric, posts: ScoredPosts, posts_other: ScoredPosts) -> Interval:
    """Does the same for the same posts with two predictors' scores."""
    first, other = jackknife(metric, posts), jackknife(metric, posts_other)
    widest = metric.highest - metric.lowest
    return bounded(first.less(other), -widest, widest)


def jackknife(metric: Metric, posts: ScoredPosts) -> Jackknife:
    """Scores posts, with the deviation of the score by each post (or block of posts) or small group.

    Deviations of two scores on the same posts may be added and subtracted: they stay paired.

    Raises:
        UndefinedMetricError: If no group has enough posts.
    """
    whole = metric.by_group(posts)
    without, group = metric.leave_out(posts)
    weight = whole.denominator / whole.denominator.sum()
    estimate = whole.numerator.sum() / whole.denominator.sum()

    def summed(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(group, weights=values, minlength=weight.size), np.float64)

    enough = posts.size >= 2 * metric.least_posts
    left_out = enough[group] & (without.denominator > 0)
    times = summed(left_out.astype(np.float64))
    several = times > 1
    left_out &= several[group]
    times = np.where(several, times, 1)
    value = np.divide(*without, out=np.zeros_like(without.numerator), where=left_out)
    centred = value - (summed(value) / times)[group]
    of_posts = np.where(left_out, centred * (weight * np.sqrt(posts.jackknife_shares(times)))[group], 0.0)

    small = (whole.denominator > 0) & ~several
    small_groups = int(np.count_nonzero(small))
    share = whole.numerator / whole.denominator.sum() - estimate * weight
    of_groups = np.where(small, share * np.sqrt(small_groups / max(small_groups - 1, 1)), 0.0)

    of_several = posts.jackknife_degrees(times.astype(np.int64))[several]
    degrees = int(of_several.sum()) + max(small_groups - 1, 0)
    return Jackknife(float(estimate), np.concatenate((of_posts, of_groups)), degrees)


def bounded(
    jackknife: Jackknife,
    lowest: float,
    highest: float,
    parts: Sequence[Variance] = (),
    confidence: float = CONFIDENCE,
) -> Interval:
    """Turns a jackknife and other variances of the estimate into an interval.

    Independent parts are joined as sqrt(sum of (t * standard error)^2), each with its own Student's t. The
    interval covers at least as often as the confidence says.

    Source: S. K. Banerjee, On confidence interval for two-means problem based on separate estimates of
    variances and tabulated values of t-table, Sankhya A 23 (1961).

    Args:
        jackknife: The estimate and its deviations.
        lowest: The least possible estimate.
        highest: The greatest possible estimate.
        parts: Other independent variances of the estimate.
        confidence: The coverage, from 0 to 1.
    """
    if jackknife.degrees < 1:
        return Interval(jackknife.estimate, None, None, None)
    posts = Variance(float(np.sum(jackknife.deviations**2)), jackknife.degrees)
    error = float(np.sqrt(posts.value + sum(part.value for part in parts)))
    if error == 0 and jackknife.estimate in (lowest, highest):
        # Two pairs that are both right are no proof that all would be.
        return Interval(jackknife.estimate, None, None, None)
    squares = [stdtrit(part.degrees, (1 + confidence) / 2) ** 2 * part.value for part in (posts, *parts)]
    reach = float(np.sqrt(sum(squares)))
    return Interval(
        jackknife.estimate,
        max(lowest, jackknife.estimate - reach),
        min(highest, jackknife.estimate + reach),
        error,
    )
