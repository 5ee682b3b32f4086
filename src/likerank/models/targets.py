"""Targets that hold every post against one number of all posts, or against its author's followers."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from likerank.models.author_targets import AuthorLog, AuthorLogZ, AuthorPercentile, AuthorTop, LocalLogZ
from likerank.models.target import STANDARDISERS, Target, of_authors

__all__ = [
    "STANDARDISERS",
    "AuthorLog",
    "AuthorLogZ",
    "AuthorPercentile",
    "AuthorTop",
    "LocalLogZ",
    "PerFollower",
    "PerFollowerDecayed",
    "Target",
    "TopPost",
]


class TopPost(Target):
    """Likes divided by those of the most liked training post: the paper's target.

    In [0, 1] on training posts; another split's post that is liked better lies above 1.
    """

    name = "top_post"

    most_likes_: int

    def _fit(self, posts: pd.DataFrame) -> None:
        self.most_likes_ = int(posts["likes"].max())

    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        return posts["likes"].to_numpy(np.float64) / self.most_likes_

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:  # noqa: ARG002
        """Returns the likes that the values stand for."""
        return np.asarray(values, np.float64) * self.most_likes_


class PerFollower(Target):
    """Likes divided by the author's newest followers: what the paper tried and rejected.

    Followers of today stand against likes of years ago, so an author's early posts come out too low. An
    account without followers counts as having one.
    """

    name = "per_follower"
    needs = ("followers",)

    followers_: dict[str, int]

    def _fit(self, posts: pd.DataFrame) -> None:
        newest = posts[self.needs[0]].groupby(posts["author"].to_numpy(str)).max()
        self.followers_ = {str(author): int(number) for author, number in newest.items()}

    def _followers(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        followers = np.full(len(posts), np.nan)
        if self.needs[0] in posts:
            followers = posts[self.needs[0]].to_numpy(np.float64, na_value=np.nan)
        known = of_authors(self.followers_, np.nan, posts)
        return np.maximum(np.where(np.isnan(followers), known, followers), 1.0)

    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        return posts["likes"].to_numpy(np.float64) / self._followers(posts)

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the likes that the values stand for.

        Posts that do not say how many followers there are take the most that their author had in training;
        NaN where the author is unknown as well.
        """
        return np.asarray(values, np.float64) * self._followers(posts)


class PerFollowerDecayed(PerFollower):
    """Likes divided by the author's followers when the post was made: the paper's future work.

    Those are the snapshot's estimate; `likerank.dataset.follower_history` says what it assumes.
    """

    name = "per_follower_decayed"
    needs = ("followers_then",)
