"""The first sections of an analysis: the authors, and whether age matters."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from likerank.analysis.figures.age import age_figure, observation_window_figure
from likerank.analysis.figures.authors import authors_figure, left_out_figure, over_time_figure
from likerank.analysis.page import PageFigure, Section
from likerank.analysis.post_sources import PostSource
from likerank.analysis.posts import DAY, Posts
from likerank.analysis.statistics.association import age_in_words, association
from likerank.analysis.statistics.observation_window import ObservationWindow, observation_window
from likerank.analysis.statistics.trends import smoothed_trend
from likerank.progress import track


def who(posts: Posts) -> Section:
    """Describes authors, followers, dates and the posts that the dataset is without."""
    by_author = posts.all.groupby("author")
    authors = pd.DataFrame(
        {
            "username": by_author["username"].last(),
            "followers": by_author["followers"].max().astype("Float64").to_numpy(np.float64, na_value=np.nan),
            "posts": by_author.size(),
        }
    )
    authors["kept"] = posts.kept["author"].value_counts().reindex(authors.index).fillna(0).astype(np.int64)
    title = "Followers of each author, and posts before and after balancing."
    figures = [PageFigure("authors", title, authors_figure(authors))]
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
        first, last = dated["posted_at"].min(), dated["posted_at"].max()
        sentences.append(f"{len(dated):,} posts have a date, from {first:%Y-%m-%d} to {last:%Y-%m-%d}.")
        drawn = over_time_figure(dated["posted_at"], dated["key"].isin(posts.kept["key"]))
        figures.append(PageFigure("over_time", "When posts were posted.", drawn))
    hidden = int(posts.all["likes"].isna().sum())
    renamed = {"no like count": "hidden or missing like count"}
    left_out = {renamed.get(reason, reason): number for reason, number in posts.left_out.items()}
    sentences.append(
        f"{hidden:,} posts ({hidden / len(posts.all):.1%}) hide their likes or have none given. Files that "
        "ingest skipped, such as videos and damaged files, are not in the store; ingest prints their number."
    )
    if left_out:
        title = "Posts that the dataset is without, by reason."
        figures.append(PageFigure("left_out", title, left_out_figure(left_out, posts.total)))
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


def does_age_matter(posts: Posts, source: PostSource) -> Section:
    """Answers whether likes within an author go with a post's age, and how long a count grows."""
    dated = posts.counted[posts.counted["age"].notna()]
    found = association(dated["age"], dated["likes"], dated["author"])
    pooled = smoothed_trend(dated["age"], dated["relative"])
    ratio = None if pooled is None else float(10 ** (pooled.y[-1] - pooled.y[0]))
    figures = []
    if dated.empty:
        sentences = ["No post with a like count has a date."]
    else:
        sentences = [
            posts.age_in_words,
            "Likes are compared within each author, so that who posted when does not count. Age alone cannot "
            "tell a post that gathered likes for longer from one of a time when the author had another "
            "audience.",
        ]
        trends = {}
        for author, number in dated["author"].value_counts().head(12).items():
            theirs = dated[dated["author"] == author]
            trend = smoothed_trend(theirs["age"], theirs["log"], span=0.15)
            if number >= 20 and trend is not None:
                trends[str(author)] = trend
        names = dict(zip(dated["author"], dated["username"], strict=True))
        title = "Likes against age, the trend within authors, and each author's rank correlation."
        figures.append(PageFigure("age", title, age_figure(dated, trends, pooled, found, names)))
    window = _observation_window(dated, source)
    if window is None:
        sentences.append("The observation window is not known: no dated post was counted at two ages.")
    else:
        sentences.append(window.in_words())
        title = "The observation window: how a count grows after posting."
        figures.append(PageFigure("observation_window", title, observation_window_figure(window)))
    of_window = None if window is None else window.to_json()
    # "ripening" is the key of older versions, for one release.
    numbers = asdict(found) | {
        "trend_ratio": ratio,
        "observation_window": of_window,
        "ripening": of_window,
    }
    answer = age_in_words(found, ratio)
    return Section("Does age matter?", sentences, figures, answer=answer, numbers={"age": numbers})


def _observation_window(dated: pd.DataFrame, source: PostSource) -> ObservationWindow | None:
    parts = list(track(source.like_counts(dated["key"].tolist()), "Reading like counts in parts"))
    if not parts:
        return None
    counts = pd.concat(parts, ignore_index=True)
    posted = pd.to_datetime(counts["key"].map(dated.set_index("key")["posted_at"]), utc=True)
    ages = ((counts["observed_at"] - posted) / DAY).clip(lower=0)
    return observation_window(counts["key"], ages, counts["likes"])
