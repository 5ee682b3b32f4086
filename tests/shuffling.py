"""The spread of a metric over shuffled scores: how far a predictor without any knowledge is from chance."""

import numpy as np
from numpy.typing import ArrayLike

from likerank.evaluation import Metric
from likerank.evaluation.scored_posts import ScoredPosts


def permutation_standard_error(
    metric: Metric,
    y_true: ArrayLike,
    y_score: ArrayLike,
    groups: ArrayLike | None,
    repeats: int,
    seed: int,
) -> float:
    """Returns the standard deviation of the metric over scores that are shuffled, within groups if given."""
    random = np.random.default_rng(seed)
    posts = ScoredPosts(y_true, y_score, groups)
    return float(np.std([metric.mean(posts.shuffled(random)) for _ in range(repeats)], ddof=1))
