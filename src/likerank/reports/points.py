"""Scatter plots of posts: colours for any number of authors, and a limited number of points."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from likerank.reports.style import AUTHORS

DRAWN = 20_000
"""The largest number of points that is drawn."""


def author_places(likes: pd.Series, authors: pd.Series) -> pd.Series:
    """Returns each author's place among all by median likes, from 0 to 1, by author."""
    median = likes.groupby(authors).median()
    places: pd.Series = (median.rank(method="first") - 1) / max(1, len(median) - 1)
    return places


def scatter(axes: Axes, posts: pd.DataFrame, x: str, y: str, *, size: float, alpha: float) -> None:
    """Draws posts as points, coloured by the `place` of their author."""
    axes.scatter(posts[x], posts[y], c=posts["place"], cmap=AUTHORS, vmin=0, vmax=1, s=size, alpha=alpha,
                 linewidths=0, rasterized=True)  # fmt: skip


def sample(posts: pd.DataFrame) -> pd.DataFrame:
    """Returns at most `DRAWN` of the posts, a random sample."""
    return posts if len(posts) <= DRAWN else posts.sample(DRAWN, random_state=0)


def drawn_of(drawn: pd.DataFrame, posts: pd.DataFrame) -> str:
    """Returns a text with the numbers of drawn points and of all points."""
    return f"{len(posts):,} posts" if len(drawn) == len(posts) else f"{len(drawn):,} of {len(posts):,} posts"


def colour_bar(figure: Figure, axes: Axes | np.ndarray) -> None:
    """Draws the key to the authors' colours."""
    mappable = mpl.cm.ScalarMappable(mpl.colors.Normalize(0, 1), AUTHORS)
    bar = figure.colorbar(mappable, ax=axes, pad=0.01, fraction=0.03, aspect=30)
    bar.set_ticks([0, 1], labels=["author with\nthe fewest likes", "author with\nthe most likes"], fontsize=7)
    bar.outline.set_visible(False)


def counts(axes: Axes, likes: pd.Series) -> None:
    """Sets the y axis to likes on a log scale, with room for 0 where some post has none."""
    if likes.min() > 0:
        axes.set_yscale("log")
    else:
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylim(bottom=-0.3)
    axes.set_ylabel("likes (log scale)")
