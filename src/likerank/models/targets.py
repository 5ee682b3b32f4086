"""Targets: from likes to the number a model learns, and back.

A target is fitted on training posts alone and lives in the model as plain numbers and strings.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from likerank.errors import LikerankError

# Far below the step between two like counts on any target, far above the rounding of a mean.
_SMALLEST_SPREAD = 1e-12


class Target(ABC):
    """What a model learns in place of the likes.

    A subclass names itself and gives `_fit`, `_values` and `inverse`, and can be made without arguments.
    What it has learned is kept in attributes that end in `_` and hold JSON's own types only.

    Attributes:
        name: The configuration's name of the target.
    """

    name: ClassVar[str]

    def fit(self, posts: pd.DataFrame) -> Self:
        """Learns from the posts whatever transforming needs.

        Args:
            posts: The training posts, and no others; `likes` is never missing.

        Returns:
            The target itself.

        Raises:
            LikerankError: If there are no posts, or nothing in them to learn.
        """
        if posts.empty:
            raise LikerankError(
                f"There are no training posts to fit target {self.name} on: ingest more posts or loosen the "
                "snapshot's recipe."
            )
        likes = posts["likes"].to_numpy()
        if np.all(likes == likes[0]):
            raise LikerankError(
                f"All {len(posts)} training posts have {likes[0]} likes, so there is nothing to learn: "
                "ingest posts whose likes differ."
            )
        self._fit(posts)
        if np.ptp(self._values(posts)) < _SMALLEST_SPREAD:
            raise LikerankError(
                f"Target {self.name} is the same for all {len(posts)} training posts, so there is nothing to "
                "learn: choose another target, or ingest posts that differ in it."
            )
        return self

    def transform(self, posts: pd.DataFrame) -> NDArray[np.float32]:
        """Returns what the model learns for each post.

        It is worked out in float64 and rounded once, so that the network and the baselines learn the very
        same numbers.

        Args:
            posts: Posts of any split.

        Returns:
            float32 of shape (posts,), in the order of the table.
        """
        return self._values(posts).astype(np.float32)

    @abstractmethod
    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the likes that the values stand for, in the same order within an author.

        Args:
            values: Values on the target's scale, one for each post.
            posts: The posts that the values belong to.

        Returns:
            Likes, float64 of shape (posts,). A true like count comes back to within 1e-6 of itself plus one;
            a prediction may come out below 0 and is not cut there, which would tie posts.
        """

    @abstractmethod
    def _fit(self, posts: pd.DataFrame) -> None:
        """Sets the fitted attributes; there are posts, and their likes differ."""

    @abstractmethod
    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the target in float64."""

    def state(self) -> dict[str, Any]:
        """Returns the name and all that was fitted, in JSON's own types."""
        return {"name": self.name} | {key: value for key, value in vars(self).items() if key.endswith("_")}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> "Target":
        """Returns the fitted target that `state` described.

        Raises:
            LikerankError: If no target goes by the state's name.
        """
        known = {kind.name: kind for kind in Target.__subclasses__()}
        fitted = dict(state)
        name = fitted.pop("name")
        if name not in known:
            raise LikerankError(
                f"The model was trained on target {name!r}, which this likerank does not know (it knows "
                f"{', '.join(sorted(known))}): use the version of likerank that trained it."
            )
        target = known[name]()
        vars(target).update(fitted)
        return target


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


class AuthorLog(Target):
    """log(1 + likes) against the author's mean of it over the training posts.

    How much better a post did than its author's usual one, so an audience's size explains nothing. An
    author without training posts is held against the mean of all training posts.
    """

    name = "author_log"

    author_means_: dict[str, float]
    overall_mean_: float

    def _fit(self, posts: pd.DataFrame) -> None:
        logs = pd.Series(_log_likes(posts))
        means = logs.groupby(posts["author"].to_numpy(str)).mean()
        self.author_means_ = {str(author): float(mean) for author, mean in means.items()}
        self.overall_mean_ = float(logs.mean())

    def _usual(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        means = self.author_means_
        return np.array([means.get(author, self.overall_mean_) for author in posts["author"]], np.float64)

    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        return _log_likes(posts) - self._usual(posts)

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the likes that the values stand for."""
        likes: NDArray[np.float64] = np.expm1(np.asarray(values, np.float64) + self._usual(posts))
        return likes


def _log_likes(posts: pd.DataFrame) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log1p(posts["likes"].to_numpy(np.float64))
    return logs
