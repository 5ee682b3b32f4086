"""Figures of age: likes against age, each author's correlation, and the observation window."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from likerank.analysis.figures.authors import NAMED
from likerank.analysis.figures.pictures import TIMES, draw_times
from likerank.analysis.statistics.association import Association
from likerank.analysis.statistics.observation_window import COMPLETE, ObservationWindow
from likerank.analysis.statistics.trends import Trend
from likerank.reports.points import colour_bar, counts, drawn_of, sample, scatter
from likerank.reports.style import AUTHORS, BLUE, GREY, REFERENCE, VERMILLION, draw_interval, drawing, plain

_LINES = 12


def age_figure(
    posts: pd.DataFrame,
    trends: dict[str, Trend],
    pooled: Trend | None,
    found: Association,
    names: dict[str, str],
) -> Figure:
    """Draws likes against age coloured by author, the pooled trend, and each author's correlation.

    Args:
        posts: One row a post: `age` (days), `likes`, `place` of its author among all, from 0 to 1.
        trends: Trends of log10(1 + likes) over age, by author's key: those with the most posts.
        pooled: Trend of log10(1 + likes) less its author's mean, over age.
        found: Age against likes.
        names: Author's name by key.
    """
    rows = len(found.by_author)
    tall = rows <= NAMED
    with drawing(3.6 + (max(2.8, 0.8 + 0.17 * rows) if tall else 3.2)) as figure:
        panels = figure.subplot_mosaic(
            [["likes", "likes"], ["trend", "authors"]],
            height_ratios=[3.4, max(2.6, 0.6 + 0.17 * rows) if tall else 3.0],
        )
        _likes(panels["likes"], posts, trends)
        _pooled(panels["trend"], pooled)
        _correlations(panels["authors"], found, names)
        colour_bar(figure, panels["likes"])
    return figure


def _likes(axes: Axes, posts: pd.DataFrame, trends: dict[str, Trend]) -> None:
    drawn = sample(posts)
    scatter(axes, drawn, "age", "likes", size=7, alpha=0.6)
    places = posts.groupby("author")["place"].first()
    for author, trend in list(trends.items())[:_LINES]:
        colour = mpl.colormaps[AUTHORS](places[author])
        axes.plot(trend.x, 10**trend.y - 1, color="white", linewidth=3)
        axes.plot(trend.x, 10**trend.y - 1, color=colour, linewidth=1.6)
    counts(axes, drawn["likes"])
    axes.set_xlabel("age when counted (days since post)")
    lines = f"; lines: trends of {min(len(trends), _LINES)} authors" if trends else ""
    axes.set_title(f"Likes against age: {drawn_of(drawn, posts)}{lines}")
    axes.grid()


def _pooled(axes: Axes, pooled: Trend | None) -> None:
    axes.set_title("Trend within authors, 95 % band")
    axes.set(xlabel="age when counted (days since post)", ylabel=TIMES)
    if pooled is None:
        _nothing(axes, "too few dated posts")
        return
    draw_times(axes, pooled, BLUE)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0.5), max(high, 1.5))
    axes.grid()


def _correlations(axes: Axes, found: Association, names: dict[str, str]) -> None:
    axes.set_xlabel("Spearman of age and likes, 95 % interval")
    axes.axvline(0, **REFERENCE)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    if found.pooled is None:
        axes.set_yticks([])
        _nothing(axes, "nobody has two posts that differ")
        return
    named = len(found.by_author) <= NAMED
    thin = 1.2 if named else 0.4
    gap = max(1.0, 0.04 * len(found.by_author))
    for place, each in enumerate(found.by_author):
        sure = each.rho.leaves_out_0
        # The intervals of hundreds of authors would cover each other.
        width = thin if named or sure else 0
        draw_interval(axes, each.rho, place + gap, BLUE if sure else GREY, width, 2.2 * thin)
    draw_interval(axes, found.pooled, 0, VERMILLION, 2.4, 2.2 * 2.4)
    axes.set_yticks(
        [0, *(place + gap for place in range(len(found.by_author)) if named)],
        ["all authors", *(plain(names[each.author], 20) for each in found.by_author if named)],
        fontsize=7,
    )
    many = "" if named else f" of {len(found.by_author):,} authors, in order"
    axes.set_title(f"Correlation{many}; blue: surely not 0")
    axes.set_ylim(-max(0.8, 0.8 * gap), len(found.by_author) + gap)


def observation_window_figure(found: ObservationWindow) -> Figure:
    """Draws the share of a post's last count at each age."""
    with drawing(3.2) as figure:
        axes = figure.subplots()
        axes.fill_between(found.ages, 100 * found.quarter, 100 * found.three_quarters, color=BLUE, alpha=0.25,
                          linewidth=0, label="the middle half of the posts")  # fmt: skip
        axes.plot(found.ages, 100 * found.half, color=BLUE, linewidth=2, label="median post")
        axes.axhline(100 * COMPLETE, **REFERENCE)
        axes.set_xscale("log")
        low, high = np.log(axes.get_xlim())
        # Beside its line, away from the other's, and within the axes.
        for days, words, height, outer in (
            (found.median_days, "half", 0.04, "right"),
            (found.most_days, "nine of ten", 0.14, "left"),
        ):
            axes.axvline(days, color=VERMILLION, linewidth=1)
            place = (np.log(days) - low) / (high - low)
            side = "left" if place < 0.2 else "right" if place > 0.8 else outer
            axes.annotate(f" {words}: {days:.1f} days ", (days, height), ha=side, fontsize=8,
                          xycoords=("data", "axes fraction"), color=VERMILLION)  # fmt: skip
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(0, 105)
        axes.set_xlabel("age when counted (days since post, log scale)")
        axes.set_ylabel("share of its last count (%)")
        axes.legend(loc="upper left")
        axes.grid()
    return figure


def _nothing(axes: Axes, why: str) -> None:
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=GREY)
