"""The counts of an analysis: who is there, whether age matters, whether followers do."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.dataset import TRAIN
from likerank.errors import LikerankError
from likerank.evaluation import (
    NothingToCompareError,
    Ripening,
    TargetFacts,
    age_in_words,
    association,
    author_share,
    expected_share,
    interval,
    recommended,
    ripening,
    smoothed_trend,
    spearman,
    target_facts,
)
from likerank.models import STANDARDISERS
from likerank.pipeline.analysed_posts import AnalysedPosts, PostTables
from likerank.progress import track
from likerank.reports import (
    PageFigure,
    PageTable,
    Section,
    age_figure,
    authors_figure,
    leak_figure,
    left_out_figure,
    over_time_figure,
    ripening_figure,
    targets_over_time_figure,
)

_DAY: Final = pd.Timedelta(days=1)
_TRENDS: Final = 12
_POSTS_FOR_TREND: Final = 20
# The simplest first: where two are as good, that one is recommended.
_SIMPLEST_FIRST: Final = (
    "author_log",
    "author_log_z",
    "author_percentile",
    "author_top",
    "local_log_z",
    "top_post",
    "per_follower",
    "per_follower_decayed",
)
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
        counted = tables.posts[tables.posts["likes"].notna()]
        if counted.empty:
            raise LikerankError(
                f"None of the {self.total} posts has a like count; there is nothing to analyse."
            )
        likes = counted["likes"].astype(np.int64)
        author = counted["author"]
        median = likes.groupby(author).median()
        place = (median.rank(method="first") - 1) / max(1, len(median) - 1)
        logs = pd.Series(np.log10(1 + likes), counted.index)
        self.counted = counted.assign(
            likes=likes,
            age=self._ages(counted),
            place=author.map(place).astype(np.float64),
            log=logs,
            relative=logs - logs.groupby(author).transform("mean"),
        ).reset_index(drop=True)

    @property
    def made(self) -> bool:
        """Whether any of them is a demo's."""
        return bool(self.all["source"].str.startswith("demo").any())

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
        return ((seen - posted) / _DAY).clip(lower=0).astype(np.float64)

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
    ages = ((counts["observed_at"] - posted) / _DAY).clip(lower=0)
    return ripening(counts["key"], ages, counts["likes"])


@dataclass(frozen=True)
class FollowersAnswer:
    """What the second question's part comes to.

    Attributes:
        section: For the page.
        targets: Each target of the kept posts by name.
        facts: What was measured of each.
    """

    section: Section
    targets: dict[str, NDArray[np.float32]]
    facts: list[TargetFacts]

    def metrics(self) -> dict[str, float]:
        """Returns the numbers that runs are compared by."""
        shares = {f"author_share/{each.name}": each.share for each in self.facts if not each.missing}
        rankings = {
            f"author_mean/{each.name}": each.ranking for each in self.facts if each.ranking is not None
        }
        return shares | rankings


def do_followers_matter(posts: Posts) -> FollowersAnswer:
    """Answers the second question, and says of each standardiser what it leaves in."""
    kept = posts.kept
    authors = kept["author"].to_numpy(str)
    training = (kept["split"] == TRAIN).to_numpy()
    posted = pd.to_datetime(kept["posted_at"], utc=True)
    dated = bool(posted.notna().any())
    days = np.asarray((posted - posted.min()) / _DAY, np.float64) if dated else None
    likes = kept["likes"].to_numpy(np.float64)
    facts = [target_facts("likes", likes, authors, training=None, days=days)]
    targets: dict[str, NDArray[np.float32]] = {}
    for name in sorted(STANDARDISERS, key=_simplicity):
        try:
            target = STANDARDISERS[name]().fit(kept[training])
            values = target.transform(kept)
            stranger = target.transform(kept.assign(author="nobody/nobody"))
        except LikerankError as error:
            facts.append(TargetFacts(name, missing=str(error)))
            continue
        targets[name] = values
        per_author = not np.array_equal(values, stranger)
        facts.append(target_facts(name, values, authors, training=training, days=days, per_author=per_author))
    expected = expected_share(authors)
    advice = recommended(facts[1:], authors[training])
    table = PageTable(
        (
            "target",
            "η²",
            "by chance",
            "author's mean ranks",
            "goes with date",
            "outer 1 %",
            "spread",
            "in words",
        ),
        [_row(each, expected) for each in facts],
        frozenset(range(1, 7)),
    )
    place = kept["author"].map(posts.counted.groupby("author")["place"].first())
    placed = kept.assign(place=place.to_numpy(), likes=likes)
    figures = [
        PageFigure(
            "targets",
            "Likes and every standardiser against time, coloured by author: where colours lie in layers, it "
            "leaks.",
            targets_over_time_figure(placed, targets, dated),
        ),
        PageFigure(
            "leak",
            "How much of each target is a matter of who posted.",
            leak_figure(facts, expected, advice.target),
        ),
    ]
    sentences = [
        "Targets are fitted on training posts alone. η²: the share of the variance that the author alone "
        "explains; by chance: what authors would explain who do not matter. Author's mean ranks: of two "
        "posts, how often the mean of each one's author orders them rightly (50 % is chance), on posts that "
        "the target was not fitted on. Goes with date: Spearman within an author. Outer 1 %: the share of "
        "the variance that a hundredth of the posts make. Spread: how many times as much authors that vary "
        "much vary as others.",
    ]
    numbers = {
        "expected_share": expected,
        "targets": [each.to_json() for each in facts],
        "recommended": advice.target,
        "reason": advice.reason,
    }
    answer = f"{_followers_in_words(posts)} Recommended target: {advice.reason}"
    section = Section("Do followers matter?", sentences, figures, table, answer, {"followers": numbers})
    return FollowersAnswer(section, targets, facts)


def _simplicity(name: str) -> int:
    return _SIMPLEST_FIRST.index(name) if name in _SIMPLEST_FIRST else len(_SIMPLEST_FIRST)


def _followers_in_words(posts: Posts) -> str:
    share = author_share(posts.counted["log"], posts.counted["author"])
    chance = expected_share(posts.counted["author"])
    said = f"Who posted explains {share:.0%} of the variance of log likes ({chance:.0%} would be chance)"
    by_author = posts.counted.groupby("author")
    followers = by_author["followers"].max()
    known = followers.notna()
    medians = by_author["likes"].median()
    try:
        rho = interval(spearman, medians[known], followers[known].astype(np.float64))
    except (NothingToCompareError, LikerankError):
        return f"{said}; too few followers are known to tell whether they matter."
    if rho.low is None or rho.high is None:
        return f"{said}; too few followers are known to tell whether they matter."
    numbers = f"Spearman {rho.estimate:+.2f}, {rho.low:+.2f} to {rho.high:+.2f}, {int(known.sum()):,} authors"
    if rho.low > 0:
        return f"Yes: authors with more followers have more likes ({numbers}). {said}."
    if rho.high < 0:
        return (
            f"Yes, but the wrong way round: authors with more followers have fewer likes ({numbers}). {said}."
        )
    return f"Not surely: authors with more followers do not surely have more likes ({numbers}). {said}."


def _row(facts: TargetFacts, expected: float) -> tuple[str, ...]:
    if facts.missing:
        return (facts.name, *[""] * 6, facts.missing)
    drift = facts.drift.pooled if facts.drift is not None else None
    return (
        facts.name,
        f"{facts.share:.1%}",
        f"{expected:.1%}",
        "" if facts.ranking is None else f"{facts.ranking:.1%}",
        "" if drift is None else f"{drift.estimate:+.3f}",
        f"{facts.top_share:.0%}",
        "" if facts.spread is None else f"{facts.spread:.1f}",
        facts.in_words(expected),
    )
