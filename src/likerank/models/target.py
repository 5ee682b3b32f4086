"""The base class of targets: from likes to the number that a model learns, and back.

A target is fitted only on training posts and is kept in the model as plain numbers and strings.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from likerank.errors import LikerankError

# Far below the step between two like counts on any target, far above the rounding of a mean.
_SMALLEST_SPREAD = 1e-12
_DAY_IN_MILLISECONDS: Final = 86_400_000
# Columns that a target may need beside likes and authors, in words, and where they come from.
_SOURCES_OF: Final = {
    "followers": ("the authors' followers", "ingest a source that gives followers"),
    "posted_at": ("the posts' dates", "ingest a source that gives posted_at"),
    "followers_then": (
        "the followers when each post was published",
        "ingest a source that gives followers and posted_at, and leave snapshot.fingerprint at latest",
    ),
}


class Target(ABC):
    """The number that a model learns in place of the likes.

    A subclass, in likerank or in a package of yours, sets `name`, defines `_fit`, `_values` and `inverse`,
    and can be constructed without arguments. Everything that it learns is kept in attributes that end in `_`
    and hold only JSON's types.

    Attributes:
        name: The target's name in the configuration and in messages.
        needs: Columns of the post table that no post may lack, beside `likes` and `author`.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()

    def fit(self, posts: pd.DataFrame) -> Self:
        """Learns from the training posts.

        Args:
            posts: The training posts, and no others; `likes` is never missing.

        Returns:
            The target itself.

        Raises:
            LikerankError: If there are no posts, if all have the same value, or if they lack a needed column.
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
        self._check_columns(posts)
        self._fit(posts)
        if np.ptp(self._values(posts)) < _SMALLEST_SPREAD:
            raise LikerankError(
                f"Target {self.name} is the same for all {len(posts)} training posts, so there is nothing to "
                "learn: choose another target, or ingest posts that differ in it."
            )
        return self

    def transform(self, posts: pd.DataFrame) -> NDArray[np.float32]:
        """Returns the target of each post.

        The values are computed in float64 and rounded once, so that the network and the baselines learn the
        same numbers.

        Args:
            posts: Posts of any split.

        Returns:
            float32 of shape (posts,), in the order of the table.

        Raises:
            LikerankError: If posts lack a column that the target needs.
        """
        self._check_columns(posts)
        return self._values(posts).astype(np.float32)

    @abstractmethod
    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the likes that the values stand for, in the same order within an author.

        Args:
            values: Values on the target's scale, one for each post.
            posts: The posts that the values belong to.

        Returns:
            Likes, float64 of shape (posts,). A true like count is returned to within 1e-6 of itself plus one,
            unless the target says otherwise. A prediction may be below 0 and is not cut there, since cutting
            would tie posts.
        """

    @abstractmethod
    def _fit(self, posts: pd.DataFrame) -> None:
        """Sets the fitted attributes; there are posts, and their likes differ."""

    @abstractmethod
    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the target in float64."""

    def _check_columns(self, posts: pd.DataFrame) -> None:
        for column in self.needs:
            if column not in posts and column not in _SOURCES_OF:
                raise LikerankError(
                    f"Target {self.name} needs the column {column}, which the post table lacks (it has "
                    f"{', '.join(map(str, posts.columns))}): choose another target."
                )
            lacks = posts[column].isna().to_numpy(bool) if column in posts else np.ones(len(posts), bool)
            if lacks.any():
                authors = pd.unique(posts["author"][lacks])
                others = len(authors) - 1
                whose = (
                    f"{authors[0]} and {others} other author{'s' * (others > 1)}" if others else authors[0]
                )
                otherwise = (f"the column {column}", f"ingest a source that gives {column}")
                what, what_to_do = _SOURCES_OF.get(column, otherwise)
                raise LikerankError(
                    f"Target {self.name} needs {what}, which {lacks.sum()} of {len(posts)} posts lack (of "
                    f"{whose}): {what_to_do}, or choose another target."
                )

    def state(self) -> dict[str, Any]:
        """Returns name, import path and all fitted attributes, in JSON's types; `load_target` reads it."""
        fitted = {key: value for key, value in vars(self).items() if key.endswith("_")}
        return {"name": self.name, "class": f"{type(self).__module__}.{type(self).__qualname__}"} | fitted


class LikesRatio(Target):
    """Base class of targets that divide the likes by one number for each post."""

    @abstractmethod
    def _divisors(self, posts: pd.DataFrame) -> NDArray[np.float64] | float:
        """Returns the number that each post's likes are divided by."""

    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        return posts["likes"].to_numpy(np.float64) / self._divisors(posts)

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the likes that the values stand for."""
        return np.asarray(values, np.float64) * self._divisors(posts)


def log_likes(posts: pd.DataFrame) -> NDArray[np.float64]:
    """Returns log(1 + likes), shape (posts,)."""
    logs: NDArray[np.float64] = np.log1p(posts["likes"].to_numpy(np.float64))
    return logs


def days_since_1970(posts: pd.DataFrame) -> NDArray[np.float64]:
    """Returns the posts' dates in days since 1970, shape (posts,); NaN where there is none."""
    if "posted_at" not in posts:
        return np.full(len(posts), np.nan)
    moments = pd.to_datetime(posts["posted_at"], utc=True).to_numpy("datetime64[ms]")
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / _DAY_IN_MILLISECONDS)


def of_authors(
    known: Mapping[str, Any],
    otherwise: ArrayLike,
    posts: pd.DataFrame,
) -> NDArray[np.float64]:
    """Returns the entry of each post's author, shape (posts, ...); `otherwise` for an unknown author."""
    return np.array([known.get(author, otherwise) for author in posts["author"]], np.float64)


def rows_by_author(posts: pd.DataFrame) -> Mapping[str, NDArray[np.intp]]:
    """Returns the row numbers of each author's posts, in the order of the table, by author key."""
    return {str(author): np.asarray(mine) for author, mine in posts.groupby("author").indices.items()}
