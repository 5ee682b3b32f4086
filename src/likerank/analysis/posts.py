"""The posts of an analysis as tables, with the columns that its sections share."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from likerank.errors import LikerankError
from likerank.reports.points import author_places

DAY: Final = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Posts:
    """Posts as tables.

    Attributes:
        all: All posts: the columns of a snapshot's post table, `observed_at` where it is known.
        kept: The posts of a dataset after balancing, with `split`.
        left_out: Number of posts that the dataset is without, by reason.
        total: Number of posts with those that were left out.
        copies: `groups` of near copies, `posts` in them, their `share`; None where they were not looked for.
        synthetic: Whether any of the posts is synthetic.
    """

    all: pd.DataFrame
    kept: pd.DataFrame
    left_out: dict[str, int]
    total: int
    copies: dict[str, int | float] | None
    synthetic: bool

    @cached_property
    def counted(self) -> pd.DataFrame:
        """Posts with known likes, and more columns.

        `age` (days, NaN where not known), `place` of the author among all by median likes (0 to 1), `log`
        (log10(1 + likes)) and `relative` (`log` less its author's mean).

        Raises:
            LikerankError: If there is no such post.
        """
        counted = self.all[self.all["likes"].notna()]
        if counted.empty:
            raise LikerankError(
                f"None of the {self.total} posts has a like count; there is nothing to analyse."
            )
        likes = counted["likes"].astype(np.int64)
        author = counted["author"]
        logs = pd.Series(np.log10(1 + likes), counted.index)
        posted = pd.to_datetime(counted["posted_at"], utc=True)
        newest = pd.Series(posted.max(), counted.index)
        seen = counted["observed_at"].fillna(newest) if "observed_at" in counted else newest
        return counted.assign(
            likes=likes,
            age=((seen - posted) / DAY).clip(lower=0).astype(np.float64),
            place=author.map(author_places(likes, author)).astype(np.float64),
            log=logs,
            relative=logs - logs.groupby(author).transform("mean"),
        ).reset_index(drop=True)

    @property
    def age_in_words(self) -> str:
        """The definition of age for these posts."""
        if "observed_at" in self.all and self.all["observed_at"].notna().any():
            return "Age is the time from posting to the newest count."
        return "When posts were counted is not known here: age is the time from posting to the newest post."

    def in_words(self) -> str:
        """Returns the numbers of posts and authors in a sentence."""
        authors = self.all["author"].nunique()
        return (
            f"{self.total:,} posts of {authors:,} author{'s' * (authors != 1)}, {len(self.counted):,} with a "
            f"like count; {len(self.kept):,} would be in the dataset."
        )

    def metrics(self) -> dict[str, float]:
        """Returns the numbers that runs are compared by."""
        return {
            "posts": len(self.all),
            "authors": self.all["author"].nunique(),
            "posts_counted": len(self.counted),
            "posts_kept": len(self.kept),
        }
