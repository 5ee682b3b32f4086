"""What a target is: from likes to the number a model learns, and back.

A target is fitted on training posts alone and lives in the model as plain numbers and strings.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from likerank.errors import LikerankError

# Far below the step between two like counts on any target, far above the rounding of a mean.
_SMALLEST_SPREAD = 1e-12
# What a target may need of the post table beside likes and authors, and where it comes from.
_SOURCES_OF: Final = {
    "followers": ("the authors' followers", "ingest a source that gives followers"),
    "posted_at": ("the posts' dates", "ingest a source that gives posted_at"),
    "followers_then": (
        "the followers when each post was made",
        "ingest a source that gives followers and posted_at, and leave snapshot.fingerprint at latest",
    ),
}
_kinds: dict[str, type["Target"]] = {}


class Target(ABC):
    """What a model learns in place of the likes.

    A subclass names itself and gives `_fit`, `_values` and `inverse`, and can be made without arguments.
    What it has learned is kept in attributes that end in `_` and hold JSON's own types only.

    Attributes:
        name: The configuration's name of the target.
        needs: Columns of the post table that no post may lack, beside `likes` and `author`.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        _kinds[cls.name] = cls

    def fit(self, posts: pd.DataFrame) -> Self:
        """Learns from the posts whatever transforming needs.

        Args:
            posts: The training posts, and no others; `likes` is never missing.

        Returns:
            The target itself.

        Raises:
            LikerankError: If there are no posts, or nothing in them to learn, or they lack what it needs.
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
        self._refuse_what_lacks(posts)
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

        Raises:
            LikerankError: If posts lack what the target needs.
        """
        self._refuse_what_lacks(posts)
        return self._values(posts).astype(np.float32)

    @abstractmethod
    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the likes that the values stand for, in the same order within an author.

        Args:
            values: Values on the target's scale, one for each post.
            posts: The posts that the values belong to.

        Returns:
            Likes, float64 of shape (posts,). A true like count comes back to within 1e-6 of itself plus one,
            unless the target says otherwise; a prediction may come out below 0 and is not cut there, which
            would tie posts.
        """

    @abstractmethod
    def _fit(self, posts: pd.DataFrame) -> None:
        """Sets the fitted attributes; there are posts, and their likes differ."""

    @abstractmethod
    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        """Returns the target in float64."""

    def _refuse_what_lacks(self, posts: pd.DataFrame) -> None:
        for column in self.needs:
            lacks = posts[column].isna().to_numpy(bool) if column in posts else np.ones(len(posts), bool)
            if lacks.any():
                authors = pd.unique(posts["author"][lacks])
                whose = f"{authors[0]}{f' and {len(authors) - 1} other authors' if len(authors) > 1 else ''}"
                what, what_to_do = _SOURCES_OF[column]
                raise LikerankError(
                    f"Target {self.name} needs {what}, which {lacks.sum()} of {len(posts)} posts lack (of "
                    f"{whose}): {what_to_do}, or choose another target."
                )

    def state(self) -> dict[str, Any]:
        """Returns the name and all that was fitted, in JSON's own types."""
        return {"name": self.name} | {key: value for key, value in vars(self).items() if key.endswith("_")}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> "Target":
        """Returns the fitted target that `state` described.

        Raises:
            LikerankError: If no target goes by the state's name.
        """
        fitted = dict(state)
        name = fitted.pop("name")
        if name not in STANDARDISERS:
            raise LikerankError(
                f"The model was trained on target {name!r}, which this likerank does not know (it knows "
                f"{', '.join(sorted(STANDARDISERS))}): use the version of likerank that trained it."
            )
        target = STANDARDISERS[name]()
        vars(target).update(fitted)
        return target


STANDARDISERS: Final[Mapping[str, type[Target]]] = MappingProxyType(_kinds)
"""Every target by its name; `likerank.models` knows all of them."""


def log_likes(posts: pd.DataFrame) -> NDArray[np.float64]:
    """Returns log(1 + likes), shape (posts,)."""
    logs: NDArray[np.float64] = np.log1p(posts["likes"].to_numpy(np.float64))
    return logs


def of_authors(
    known: Mapping[str, Any],
    otherwise: ArrayLike,
    posts: pd.DataFrame,
) -> NDArray[np.float64]:
    """Returns what is known of each post's author, shape (posts, ...); `otherwise` for an unknown author."""
    return np.array([known.get(author, otherwise) for author in posts["author"]], np.float64)


def rows_by_author(posts: pd.DataFrame) -> Mapping[str, NDArray[np.intp]]:
    """Returns the row numbers of each author's posts, in the order of the table, by author key."""
    return {str(author): np.asarray(mine) for author, mine in posts.groupby("author").indices.items()}
