"""Figures of a dataset's authors: followers and posts, dates of posts, reasons for leaving posts out."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from likerank.reports.style import BLUE, GREY, VERMILLION, drawing, plain

NAMED = 40
"""The most authors that get a row and a name each; more are drawn as a curve."""

_FOLLOWERS = "followers (log scale)"


def authors_figure(authors: pd.DataFrame) -> Figure:
    """Draws followers and posts of each author: rows with names, or curves where they are many.

    Args:
        authors: One row an author: `username`, `followers` (NaN where not known), `posts` and `kept`.
    """
    ordered = authors.sort_values(["followers", "posts"], na_position="first")
    if len(ordered) > NAMED:
        return _author_curves(ordered)
    with drawing(1.2 + 0.2 * max(4, len(ordered))) as figure:
        followers, posts = figure.subplots(1, 2, sharey=True)
        rows = np.arange(len(ordered))
        known = (ordered["followers"] > 0).to_numpy()
        # Dots, since a bar's length means nothing on a log scale.
        followers.hlines(rows[known], 0.1, ordered["followers"][known], color=GREY, linewidth=0.6)
        followers.plot(ordered["followers"][known], rows[known], "o", color=BLUE, markersize=5)
        for row in rows[~known]:
            text = "unknown" if np.isnan(ordered["followers"].iloc[row]) else "none"
            followers.annotate(
                text, (0, row), (3, 0), ("axes fraction", "data"), "offset points", va="center", fontsize=7
            )
        if known.any():
            followers.set_xscale("log")
            followers.set_xlim(left=ordered["followers"][known].min() / 3)
        posts.barh(rows, ordered["posts"], color=GREY, height=0.7, label="before balancing")
        posts.barh(rows, ordered["kept"], color=BLUE, height=0.4, label="after")
        followers.set_yticks(rows, [plain(name) for name in ordered["username"]], fontsize=8)
        followers.set_ylim(-0.7, len(ordered) - 0.3)
        posts.legend(loc="lower right")
        followers.set_xlabel(_FOLLOWERS)
        posts.set_xlabel("posts")
        for axes in (followers, posts):
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x")
    return figure


def _author_curves(authors: pd.DataFrame) -> Figure:
    with drawing(3.6) as figure:
        followers, posts = figure.subplots(1, 2)
        known = np.sort(authors["followers"][authors["followers"] > 0].to_numpy())[::-1]
        followers.plot(np.arange(1, known.size + 1), known, color=BLUE, linewidth=1.6)
        none = int((authors["followers"] == 0).sum())
        unknown = int(authors["followers"].isna().sum())
        if known.size:
            followers.set_yscale("log")
        followers.set_title(f"{known.size:,} with followers, {none:,} without, {unknown:,} unknown")
        for column, colour, label in (("posts", GREY, "before balancing"), ("kept", BLUE, "after")):
            numbers = np.sort(authors[column].to_numpy())[::-1]
            posts.plot(np.arange(1, numbers.size + 1), numbers, color=colour, linewidth=1.6, label=label)
        posts.legend()
        posts.set_ylim(bottom=0)
        posts.set_title(f"{len(authors):,} authors")
        followers.set_ylabel(_FOLLOWERS)
        posts.set_ylabel("posts")
        for axes in (followers, posts):
            axes.set_xlabel("author's place, the most first")
            axes.grid()
    return figure


def over_time_figure(posted_at: pd.Series, kept: pd.Series) -> Figure:
    """Draws the number of posts a month, or a year where they span many, of all and of those kept.

    The times are UTC, and none is missing.
    """
    by_month = (posted_at.max() - posted_at.min()).days <= 8 * 366
    unit = "M" if by_month else "Y"
    periods = posted_at.dt.tz_localize(None).dt.to_period(unit)
    with drawing(2.8) as figure:
        axes = figure.subplots()
        days = 30.4 if by_month else 365.2
        for shown, colour, width, label in (
            (periods, GREY, 0.9, "all posts"),
            (periods[kept], BLUE, 0.5, "after balancing"),
        ):
            number = shown.value_counts().sort_index()
            middle = number.index.to_timestamp() + pd.Timedelta(days=days / 2)
            axes.bar(middle, number, width=days * width, color=colour, label=label)
        axes.set_ylabel(f"posts a {'month' if by_month else 'year'}")
        axes.set_xlabel("posted (UTC)")
        axes.grid(axis="y")
        axes.legend(loc="upper left")
        axes.set_ylim(top=1.35 * axes.get_ylim()[1])
    return figure


def left_out_figure(left_out: Mapping[str, int], total: int) -> Figure:
    """Draws the share of all posts that the dataset is without, by reason; at least one."""
    ordered = sorted(left_out.items(), key=lambda item: item[1])
    shares = [100 * number / total for _, number in ordered]
    with drawing(0.9 + 0.32 * len(ordered)) as figure:
        axes = figure.subplots()
        bars = axes.barh([reason for reason, _ in ordered], shares, color=VERMILLION, height=0.6)
        labels = [f"{number:,} ({share:.1f} %)" for (_, number), share in zip(ordered, shares, strict=True)]
        axes.bar_label(bars, labels, padding=3, fontsize=8)
        axes.set_xlabel(f"share of all {total:,} posts (%)")
        axes.set_xlim(0, max(shares) * 1.2)
        axes.set_ylim(-0.7, len(ordered) - 0.3)
        axes.grid(axis="x")
    return figure
