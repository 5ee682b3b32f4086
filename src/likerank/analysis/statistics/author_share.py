"""The part of a target that the author explains: a leak that a network across authors can learn."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likerank.evaluation.metrics import pairwise_accuracy, pairwise_sums
from likerank.evaluation.scored_posts import FloatArray, ScoredPosts

# Means that a target made equal differ by rounding: a smaller difference, over the spread, counts as none.
_ROUNDING = 1e-6


def author_share(values: ArrayLike, authors: ArrayLike) -> float:
    """Returns η², the share of the values' variance that the author explains.

    η² is the sum of squares between authors over that of all posts, about 1/n for authors with n posts each
    who explain nothing.

    Args:
        values: A target, or likes; shape (N,).
        authors: The author of each post; shape (N,).

    Returns:
        From 0 to 1; 0 where all values are equal.

    Raises:
        LikerankError: If the arrays are empty, of different lengths, or hold NaN or infinity.
    """
    posts = ScoredPosts(values, values, authors)
    if np.ptp(posts.y_true) == 0.0:
        return 0.0
    centred = posts.y_true - posts.y_true.mean()
    between = float((np.square(posts.group_sums(centred)) / posts.size).sum())
    return min(1.0, between / float(np.square(centred).sum()))


def author_mean_ranking(values: ArrayLike, authors: ArrayLike, training: ArrayLike | None = None) -> float:
    """Returns the pairwise accuracy across authors of the author's mean: 0.5 is chance, 1 is perfect.

    With `training`, the mean of the author's training posts ranks the other posts: right for a target, which
    was fitted on those. Without, the mean of the author's other posts ranks each post, which so does not
    count for itself: right for values that were not fitted, such as likes. (For a target that was centred by
    author, the mean of the others is the opposite of the post itself.) An author without such posts gets the
    mean of all. Pairs of one author count one half.

    Args:
        values: A target, or likes; shape (N,).
        authors: The author of each post; shape (N,).
        training: Whether the target was fitted on the post, bool (N,).

    Raises:
        UndefinedMetricError: If there are fewer than two posts to rank, or all are equal.
        LikerankError: If the arrays are empty, of different lengths, or hold NaN or infinity.
    """
    posts = ScoredPosts(values, values, authors)
    if training is None:
        ranked = np.ones(posts.y_true.size, dtype=bool)
        score = _by_author(posts, ranked, itself=posts.y_true)
    else:
        ranked = ~np.asarray(training, dtype=bool)
        score = _by_author(posts, ~ranked)
    truth, author = posts.y_true[ranked], posts.group[ranked]
    across = pairwise_accuracy.by_group(ScoredPosts(truth, score[ranked]))
    within = ScoredPosts(truth, score[ranked], author)
    same = pairwise_sums(within)
    agreeing = across.numerator.sum() - same.numerator.sum() + same.denominator.sum() / 2
    return float(agreeing / across.denominator.sum())


def _by_author(
    posts: ScoredPosts, counted: NDArray[np.bool_], itself: FloatArray | None = None
) -> FloatArray:
    """Returns the mean of the counted posts of each post's author, without the post itself if given."""
    values = np.where(counted, posts.y_true, 0.0)
    overall = float(values.sum() / max(1, counted.sum()))
    sums, numbers = (posts.group_sums(each.astype(np.float64))[posts.group] for each in (values, counted))
    if itself is not None:
        sums, numbers = sums - itself, numbers - 1.0
    means = np.where(numbers > 0, sums / np.maximum(numbers, 1.0), overall)
    step = _ROUNDING * float(posts.y_true.std())
    return np.round((means - overall) / step) if step > 0 else means
