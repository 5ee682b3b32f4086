"""Figures of targets: each target over time by author, and its leak of the author."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from likerank.analysis.statistics.target_choice import TargetFacts
from likerank.reports.points import colour_bar, counts, drawn_of, sample, scatter
from likerank.reports.style import BLUE, REFERENCE, VERMILLION, drawing, label_rows

_COLUMNS = 3


def targets_over_time_figure(
    posts: pd.DataFrame, targets: Mapping[str, NDArray[np.float32]], dated: bool
) -> Figure:
    """Draws likes and every target against time, coloured by author.

    Args:
        posts: One row a post: `posted_at` (where dated), `likes`, `place` of its author, from 0 to 1.
        targets: The target of every post by name, (N,) each.
        dated: Whether there are dates; without, posts are in the order of their author.
    """
    table = posts.assign(**targets)
    when = table["posted_at"] if dated else table["place"].rank(method="first")
    # matplotlib draws a missing number, but no missing time.
    drawn = sample(table.assign(when=when).dropna(subset="when"))
    names = ["likes", *targets]
    rows = -(-len(names) // _COLUMNS)
    with drawing(0.6 + 2.3 * rows) as figure:
        grid = figure.subplots(rows, _COLUMNS, sharex=True, squeeze=False)
        for axes, name in zip(grid.flat, names, strict=False):
            scatter(axes, drawn, "when", name, size=4, alpha=0.6)
            axes.set_title(name)
            axes.set_ylabel("target")
            axes.grid()
        counts(grid[0, 0], drawn["likes"])
        for axes in grid.flat[len(names) :]:
            axes.set_visible(False)
        for column in range(_COLUMNS):
            lowest = grid[(len(names) - 1 - column) // _COLUMNS, column]
            lowest.set_xlabel("posted (UTC)" if dated else "posts, author by author")
            lowest.tick_params(axis="x", labelbottom=True)
            for label in lowest.get_xticklabels():
                label.set(rotation=30, horizontalalignment="right")
        figure.suptitle(drawn_of(drawn, table), fontsize=9, x=0.01, ha="left")
        colour_bar(figure, grid)
    return figure


def leak_figure(targets: Sequence[TargetFacts], expected: float, recommended: str) -> Figure:
    """Draws each target's variance that the author explains, and the pairwise accuracy of the author's mean.

    Args:
        targets: The targets, likes first; those that are missing are left out.
        expected: The η² of authors who explain nothing.
        recommended: The name of the recommended target.
    """
    shown = [each for each in targets if not each.missing]
    colours = [VERMILLION if each.name == recommended else BLUE for each in shown]
    rows = np.arange(len(shown))
    with drawing(1.3 + 0.3 * len(shown)) as figure:
        shares, rankings = figure.subplots(1, 2, sharey=True)
        known = [100 * (0.5 if each.ranking is None else each.ranking) for each in shown]
        for axes, values, start, line in (
            (shares, [100 * each.share for each in shown], 0.0, 100 * expected),
            (rankings, known, 50.0, 50.0),
        ):
            bars = axes.barh(rows, np.array(values) - start, left=start, color=colours, height=0.6)
            axes.bar_label(bars, [f"{value:.0f} %" for value in values], padding=3, fontsize=8)
            axes.axvline(line, **REFERENCE)
        shares.set_xlim(0, 112)
        rankings.set_xlim(min(40, *known) - 5, 108)
        shares.set_xlabel("η²: variance that the author explains (%)\ndashed: authors who explain nothing")
        rankings.set_xlabel("pairs that the author's mean orders rightly,\nacross authors (%); 50 is chance")
        label_rows(shares, [each.name for each in shown], [rankings])
        shares.set_title(f"red: recommended, {recommended}" if recommended else "")
    return figure
