"""The part of a target that the date explains: a leak that a network which recognises the year can learn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likerank.errors import LikerankError
from likerank.evaluation.intervals import Interval, interval_of
from likerank.evaluation.metrics import pairwise_accuracy
from likerank.evaluation.scopes import NEARBY, WITHIN, JudgedPosts
from likerank.models.baselines import means_around


@dataclass(frozen=True)
class DateLeak:
    """How much who posted when gives away of a target, on posts that it was not fitted on.

    Attributes:
        share: The part of the variance within authors that the mean of the author's training posts around
            the date explains, from 0 to 1.
        within: The share of an author's pairs that this mean orders rightly; 0.5 is no leak.
        nearby: The same of pairs nearby; None where there are none.
    """

    share: float
    within: Interval
    nearby: Interval | None

    @property
    def excess(self) -> float:
        """How far the pairs of an author are from a coin's, 0 where that is not sure."""
        low, high = self.within.low, self.within.high
        return 0.0 if low is None or high is None or low <= 0.5 <= high else abs(self.within.estimate - 0.5)

    def in_words(self) -> str:
        """Returns the numbers for a sentence."""
        nearby = "" if self.nearby is None else f", {self.nearby.estimate:.0%} of those nearby"
        return f"who and when order {self.within.estimate:.0%} of an author's pairs{nearby}"


def date_leak(
    values: ArrayLike, authors: ArrayLike, days: NDArray[np.float64], training: NDArray[np.bool_]
) -> DateLeak | None:
    """Measures the leak.

    Args:
        values: A target, or likes; (N,).
        authors: The author of each post, (N,).
        days: Its date in days, NaN where it is not known, (N,).
        training: Whether it may be learned from, (N,); the others are ordered.

    Returns:
        None where too few posts with dates are left to order.
    """
    target, author = np.asarray(values, np.float64), np.unique(authors, return_inverse=True)[1]
    dated = np.isfinite(days)
    learned, asked = np.flatnonzero(training & dated), np.flatnonzero(~training & dated)
    learned = learned[np.lexsort((days[learned], author[learned]))]
    posts_of = np.bincount(author[learned], minlength=int(author.max(initial=-1)) + 1)
    starts = np.concatenate(([0], np.cumsum(posts_of)))
    score = np.full(target.size, np.nan)
    score[asked] = means_around(starts, days[learned], target[learned], author[asked], days[asked])
    sums = np.bincount(author[learned], weights=target[learned], minlength=posts_of.size)
    level = (sums / np.maximum(posts_of, 1))[author]
    rows = np.flatnonzero(np.isfinite(score))
    if not rows.size:
        return None
    judged = JudgedPosts(target[rows], author[rows], days[rows])
    found: dict[str, Interval | None] = {}
    for scope in (WITHIN, NEARBY):
        try:
            posts = judged.scored(scope, pairwise_accuracy, score[rows])
            found[scope] = interval_of(pairwise_accuracy, posts)
        except LikerankError:
            found[scope] = None
    within = found[WITHIN]
    if within is None:
        return None
    left = float(np.square(target[rows] - score[rows]).sum())
    whole = float(np.square(target[rows] - level[rows]).sum())
    return DateLeak(max(0.0, 1 - left / whole) if whole > 0 else 0.0, within, found[NEARBY])
