"""Targets by one number for all posts or by the author's followers, and the list of likerank's targets."""

from collections.abc import Mapping
from contextlib import suppress
from pkgutil import resolve_name
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.errors import LikerankError
from likerank.models.author_targets import AuthorLog, AuthorLogZ, AuthorPercentile, AuthorTop, LocalLogZ
from likerank.models.target import LikesRatio, Target, of_authors


class TopPost(LikesRatio):
    """Likes divided by those of the most liked training post: the paper's target.

    Its values are in [0, 1] on training posts; a post of another split with more likes has a value above 1.
    """

    name = "top_post"

    most_likes_: int

    def _fit(self, posts: pd.DataFrame) -> None:
        self.most_likes_ = int(posts["likes"].max())

    def _divisors(self, posts: pd.DataFrame) -> float:  # noqa: ARG002
        return self.most_likes_


class PerFollower(LikesRatio):
    """Likes divided by the author's newest number of followers, which the paper tried and rejected.

    Today's followers divide likes of years ago, so the values of an author's early posts are too low. An
    account without followers counts as having one. The inverse of a post without a number of followers takes
    the most that its author had in training, and is NaN where the author is unknown as well.
    """

    name = "per_follower"
    needs = ("followers",)

    followers_: dict[str, int]

    def _fit(self, posts: pd.DataFrame) -> None:
        newest = posts[self.needs[0]].groupby(posts["author"].to_numpy(str)).max()
        self.followers_ = {str(author): int(number) for author, number in newest.items()}

    def _divisors(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        followers = np.full(len(posts), np.nan)
        if self.needs[0] in posts:
            followers = posts[self.needs[0]].to_numpy(np.float64, na_value=np.nan)
        known = of_authors(self.followers_, np.nan, posts)
        return np.maximum(np.where(np.isnan(followers), known, followers), 1.0)


class PerFollowerDecayed(PerFollower):
    """Likes divided by the author's followers when the post was published: the paper's future work.

    That number is the snapshot's estimate, see `likerank.dataset.follower_history` for its assumptions.
    """

    name = "per_follower_decayed"
    needs = ("followers_then",)


TARGETS: Final[Mapping[str, type[Target]]] = {
    kind.name: kind
    for kind in (
        TopPost,
        AuthorTop,
        AuthorPercentile,
        AuthorLog,
        AuthorLogZ,
        LocalLogZ,
        PerFollower,
        PerFollowerDecayed,
    )
}
"""likerank's own targets by name; a model trained on another one names the class to import."""


def load_target(state: Mapping[str, Any]) -> Target:
    """Returns the fitted target that `Target.state` described.

    likerank's own targets are looked up in `TARGETS` by name; any other class is imported by its path, so
    that the state should be that of a model that you trust. No command calls this.

    Args:
        state: The state; one of an older likerank has no class path.

    Raises:
        LikerankError: If the target is not likerank's and its class cannot be imported or is no `Target`.
    """
    fitted = dict(state)
    name, path = fitted.pop("name"), fitted.pop("class", "")
    kind: Any = None
    with suppress(KeyError, ImportError, AttributeError):
        kind = resolve_name(path) if path and not path.startswith("likerank.") else TARGETS[name]
    if not (isinstance(kind, type) and issubclass(kind, Target)):
        raise LikerankError(
            f"The model was trained on target {name!r}, which is none of likerank's own "
            f"({', '.join(sorted(TARGETS))}), and {path or 'no class path'} cannot be imported as a "
            "subclass of likerank.models.Target: install the package or the likerank that trained it."
        )
    target = kind()
    vars(target).update(fitted)
    return target
