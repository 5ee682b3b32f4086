"""Scopes: which posts are compared with each other, and by what truth.

`across` compares all posts, `within` those of one author, `nearby` those of one author that were published at
most some days apart. Nearby, likes are divided by what was usual for the author at the date, see `trend`.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from likerank.dataset.snapshot import LEAST_DATED
from likerank.errors import LikerankError
from likerank.evaluation.metric import Metric, UndefinedMetricError
from likerank.evaluation.nearby import Windows
from likerank.evaluation.scored_posts import FloatArray, IntArray, ScoredPosts
from likerank.evaluation.trend import log_counts
from likerank.models.target import days_since_1970

ACROSS, WITHIN, NEARBY = "across", "within", "nearby"
SCOPES: Final = (NEARBY, WITHIN, ACROSS)
HEADLINE: Final = "headline"
"""The name, in metric keys, of the scope that a table leads with: `nearby`, or `within` without dates."""
_LEAST_NEARBY: Final = 0.1  # Of all posts, that have another of their author's nearby.
DAYS: Final = 90.0
"""How many days apart posts nearby may be, unless told otherwise."""


def check_days(days: object, name: str = "evaluation.days") -> float:
    """Returns the limit of `nearby`.

    Raises:
        LikerankError: If it is no number above 0.
    """
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 < days < np.inf:
        raise LikerankError(f"{name} is {days}; it must be a number of days above 0.")
    return float(days)


@dataclass(frozen=True)
class JudgedPosts:
    """N posts that predictors are judged on, in any scope.

    Attributes:
        likes: Likes of each post, (N,).
        authors: Each post's author, a code or a name, (N,).
        days: Each post's date in days, NaN where it is not known, (N,); None without dates.
        usual: Log likes that were usual for the author at the date, (N,), see `trend.usual_log_likes`; None
            to judge posts nearby by the likes themselves.
        folds: The training that scored each post, (N,), where there were several: only posts of one training
            are compared with each other.
        most_days: How many days apart posts nearby may be.
    """

    likes: ArrayLike
    authors: ArrayLike
    days: ArrayLike | None = None
    usual: ArrayLike | None = None
    folds: ArrayLike | None = None
    most_days: float = DAYS
    author: IntArray = field(init=False, repr=False)

    @classmethod
    def of_table(
        cls, posts: pd.DataFrame, most_days: float = DAYS, folds: ArrayLike | None = None
    ) -> "JudgedPosts":
        """Takes N rows of predictions: `likes`, `author`, and, unless an older likerank wrote them, dates.

        Args:
            posts: The rows; `posted_at` is the date and `usual` what log likes were usual then.
            most_days: How many days apart posts nearby may be.
            folds: As the attribute.
        """
        return cls(
            likes=posts["likes"].to_numpy(np.float64),
            authors=pd.factorize(posts["author"])[0],
            days=days_since_1970(posts),
            usual=posts["usual"].to_numpy(np.float64) if "usual" in posts else None,
            folds=folds,
            most_days=most_days,
        )

    def __post_init__(self) -> None:
        """Gives authors codes."""
        object.__setattr__(self, "author", np.unique(np.asarray(self.authors), return_inverse=True)[1])

    @cached_property
    def headline(self) -> str:
        """The scope that a table leads with: `nearby`, or `within` where half lack dates or few meet."""
        if self.dated and self._windows.rows.size >= _LEAST_NEARBY * self.author.size:
            return NEARBY
        return WITHIN

    @property
    def dated(self) -> bool:
        """Whether at least half of the posts have a date."""
        if self.days is None:
            return False
        return float(np.mean(np.isfinite(np.asarray(self.days, np.float64)))) >= LEAST_DATED

    def scope_of(self, name: str) -> str:
        """Returns a scope by its name, where `headline` is the one that a table of these posts leads with."""
        return self.headline if name == HEADLINE else name

    def scored(self, scope: str, metric: Metric, scores: ArrayLike) -> ScoredPosts:
        """Returns the posts that a metric of the likes compares in a scope, with scores (N,).

        Raises:
            UndefinedMetricError: If no two posts are nearby each other.
            LikerankError: If the scores are not one finite number for each post.
        """
        return self._posts(scope, metric, self.truth(scope), scores)

    def erring(self, scope: str, metric: Metric, targets: ArrayLike, predictions: ArrayLike) -> ScoredPosts:
        """Returns the posts that a metric of the target compares in a scope, with both, (N,) each."""
        return self._posts(scope, metric, targets, predictions)

    def truth(self, scope: str) -> FloatArray:
        """Returns what posts are compared by, (N,): likes, nearby relative to the author's usual ones."""
        return self._truth_nearby if scope == NEARBY else np.asarray(self.likes, np.float64)

    @property
    def windows(self) -> Windows | None:
        """Which posts are nearby each other, where a table of these posts leads with that; else None."""
        return self._windows if self.headline == NEARBY else None

    def authors_of(self, scope: str) -> IntArray:
        """Returns the author of each post that `scored` returns."""
        return self.author[self._windows.rows] if scope == NEARBY else self.author

    def _posts(self, scope: str, metric: Metric, truth: ArrayLike, scores: ArrayLike) -> ScoredPosts:
        if scope != NEARBY:
            groups = self._within if scope == WITHIN else None if metric.on_target else self.folds
            return ScoredPosts(truth, scores, groups)
        whole = ScoredPosts(truth, scores, self._within)  # Checks them.
        windows = self._windows
        if not windows.rows.size:
            raise UndefinedMetricError(f"no author has 2 posts{windows.limit} in this split")
        return (windows.lists if metric.of_lists else windows.posts)(whole.y_true, whole.y_score)

    @cached_property
    def _within(self) -> IntArray:
        if self.folds is None:
            return self.author
        both = np.column_stack((self.author, np.asarray(self.folds)))
        return np.asarray(np.unique(both, axis=0, return_inverse=True)[1])

    @cached_property
    def _windows(self) -> Windows:
        days = np.full(self.author.size, np.nan) if self.days is None else self.days
        return Windows.of(self._within, days, self.most_days)

    @cached_property
    def _truth_nearby(self) -> FloatArray:
        likes = np.asarray(self.likes, np.float64)
        if self.usual is None:
            return likes
        # As a count, which metrics and shares of pairs by ratio take: relative to the usual one.
        relative: FloatArray = np.exp(log_counts(likes) - np.asarray(self.usual, np.float64))
        return relative
