"""The counts of an analysis: who is there, and whether age matters."""

from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from likerank.analysis.figures.age import age_figure, ripening_figure
from likerank.analysis.figures.authors import authors_figure, left_out_figure, over_time_figure
from likerank.analysis.page import PageFigure, Section
from likerank.analysis.post_tables import AnalysedPosts, PostTables
from likerank.analysis.statistics.association import age_in_words, association
from likerank.analysis.statistics.observation_window import Ripening, ripening
from likerank.analysis.statistics.trends import smoothed_trend
from likerank.errors import LikerankError
from likerank.progress import track
from likerank.reports.points import author_places

DAY: Final = pd.Timedelta(days=1)
_TRENDS: Final = 12
_POSTS_FOR_TREND: Final = 20
_HIDDEN: Final = "hidden or missing like count"


class Posts:
    """The posts, and what all parts of an analysis need of them.

    Args:
        tables: As they were read.

    Attributes:
        all: All posts that were read.
        kept: Those of the dataset, with `split`.
        counted: Posts whose likes are known, with `age` (days, NaN where not known), `place` of the author
            among all by median likes (0 to 1), and `relative`, log10(1 + likes) less its author's mean.
    """

    def __init__(self, tables: PostTables) -> None:
        self.all = tables.posts
        self.kept = tables.kept
        self.left_out = tables.left_out
        self.total = tables.total
        self.copies = tables.copies
        self.synthetic = tables.synthetic
        counted = tables.posts[tables.posts["likes"].notna()]
        if counted.empty:
            raise LikerankError(
                f"None of the {self.total} posts has a like count; there is nothing to analyse."
            )
        likes = counted["likes"].astype(np.int64)
        author = counted["author"]
        logs = pd.Series(np.log10(1 + likes), counted.index)
        self.counted = counted.assign(
            likes=likes,
            age=self._ages(counted),
            place=author.map(author_places(likes, author)).astype(np.float64),
            log=logs,
            relative=logs - logs.groupby(author).transform("mean"),
        ).reset_index(drop=True)

    @cached_property
    def seen_at(self) -> str:
        """Says how ages were found."""
        if "observed_at" in self.all and self.all["observed_at"].notna().any():
            return "Age is the time from posting to the newest count."
        return "When posts were counted is not known here: age is the time from posting to the newest post."

    @staticmethod
    def _ages(posts: pd.DataFrame) -> "pd.Series[float]":
        posted = pd.to_datetime(posts["posted_at"], utc=True)
        newest = pd.Series(posted.max(), posts.index)
        seen = posts["observed_at"].fillna(newest) if "observed_at" in posts else newest
        return ((seen - posted) / DAY).clip(lower=0).astype(np.float64)

    def in_words(self) -> str:
        """Says what there is."""
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


def who(posts: Posts) -> Section:
    """Says who is there."""
    kept = posts.kept["author"].value_counts()
    by_author = posts.all.groupby("author")
    authors = pd.DataFrame(
        {
            "username": by_author["username"].last(),
            "followers": by_author["followers"].max().astype("Float64").to_numpy(np.float64, na_value=np.nan),
            "posts": by_author.size(),
        }
    )
    authors["kept"] = kept.reindex(authors.index).fillna(0).astype(np.int64)
    figures = [
        PageFigure(
            "authors",
            "Followers of each author, and posts before and after balancing.",
            authors_figure(authors),
        )
    ]
    known = authors["followers"].dropna()
    sentences = [
        f"An author has {authors['posts'].median():,.0f} posts at the median, from "
        f"{authors['posts'].min():,} to {authors['posts'].max():,}; after balancing at most "
        f"{authors['kept'].max():,}.",
        "No author's followers are known."
        if known.empty
        else f"Followers are known of {len(known):,} authors: {known.median():,.0f} at the median, from "
        f"{known.min():,.0f} to {known.max():,.0f}, {known.sum():,.0f} in all.",
    ]
    dated = posts.all[posts.all["posted_at"].notna()]
    if dated.empty:
        sentences.append("No post has a date.")
    else:
        sentences.append(
            f"{len(dated):,} posts have a date, from {dated['posted_at'].min():%Y-%m-%d} to "
            f"{dated['posted_at'].max():%Y-%m-%d}."
        )
        in_dataset = dated["key"].isin(posts.kept["key"])
        figures.append(
            PageFigure(
                "over_time", "When posts were posted.", over_time_figure(dated["posted_at"], in_dataset)
            )
        )
    hidden = int(posts.all["likes"].isna().sum())
    left_out = {(_HIDDEN if reason == "no like count" else reason): n for reason, n in posts.left_out.items()}
    sentences.append(
        f"{hidden:,} posts ({hidden / len(posts.all):.1%}) hide their likes or have none given. What ingest "
        "skipped, such as videos and damaged files, never came into the store; ingest says how much that was."
    )
    if left_out:
        figures.append(
            PageFigure(
                "left_out",
                "Posts that the dataset is without, by reason.",
                left_out_figure(left_out, posts.total),
            )
        )
    else:
        sentences.append("No post is left out of the dataset.")
    numbers = {
        "posts": posts.total,
        "kept": len(posts.kept),
        "hidden": hidden,
        "left_out": left_out,
        "authors": {
            str(key): {
                "username": row["username"],
                "followers": None if np.isnan(row["followers"]) else int(row["followers"]),
                "posts": int(row["posts"]),
                "kept": int(row["kept"]),
            }
            for key, row in authors.iterrows()
        },
    }
    return Section("Who is there?", sentences, figures, numbers={"who": numbers})


def does_age_matter(posts: Posts, source: AnalysedPosts) -> Section:
    """Answers the first question."""
    dated = posts.counted[posts.counted["age"].notna()]
    found = association(dated["age"], dated["likes"], dated["author"])
    pooled = smoothed_trend(dated["age"], dated["relative"])
    ratio = None if pooled is None else float(10 ** (pooled.y[-1] - pooled.y[0]))
    figures = []
    sentences = [
        posts.seen_at,
        "Likes are compared within each author, so that who posted when does not count. Age alone cannot "
        "tell a post that gathered likes for longer from one of a time when the author had another audience.",
    ]
    if dated.empty:
        sentences = ["No post with a like count has a date."]
    else:
        trends = {}
        for author, number in dated["author"].value_counts().head(_TRENDS).items():
            if number >= _POSTS_FOR_TREND:
                theirs = dated[dated["author"] == author]
                if (trend := smoothed_trend(theirs["age"], theirs["log"], span=0.15)) is not None:
                    trends[str(author)] = trend
        names = dict(zip(dated["author"], dated["username"], strict=True))
        figures.append(
            PageFigure(
                "age",
                "Likes against age, the trend within authors, and each author's rank correlation.",
                age_figure(dated, trends, pooled, found, names),
            )
        )
    ripe = _ripening(dated, source)
    if ripe is None:
        sentences.append("How a count ripens cannot be told: no dated post was counted at two ages.")
    else:
        sentences.append(ripe.in_words())
        figures.append(PageFigure("ripening", "How a count ripens after posting.", ripening_figure(ripe)))
    numbers: dict[str, Any] = found.to_json() | {"trend_ratio": ratio}
    numbers["ripening"] = None if ripe is None else ripe.to_json()
    return Section(
        "Does age matter?", sentences, figures, answer=age_in_words(found, ratio), numbers={"age": numbers}
    )


def _ripening(dated: pd.DataFrame, source: AnalysedPosts) -> Ripening | None:
    parts = list(track(source.like_counts(dated["key"].tolist()), "Reading like counts in parts"))
    if not parts:
        return None
    counts = pd.concat(parts, ignore_index=True)
    posted = pd.to_datetime(counts["key"].map(dated.set_index("key")["posted_at"]), utc=True)
    ages = ((counts["observed_at"] - posted) / DAY).clip(lower=0)
    return ripening(counts["key"], ages, counts["likes"])
