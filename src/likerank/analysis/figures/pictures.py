"""Figures of pictures: before and after preprocessing, means, and traits against likes."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from likerank.analysis.statistics.association import Association
from likerank.analysis.statistics.trends import Trend
from likerank.reports.points import sample
from likerank.reports.style import BLUE, GREY, REFERENCE, VERMILLION, drawing

Picture = NDArray[np.uint8]

TIMES = "likes over the author's usual (times)"
_TIMES = (0.01, 0.03, 0.1, 0.2, 0.5, 0.8, 1, 1.25, 2, 5, 10, 30, 100)


def before_after_figure(pictures: Sequence[tuple[Picture, Picture]]) -> Figure:
    """Draws pairs of a picture as it is kept and as a network sees it."""
    size = pictures[0][1].shape[0]
    with drawing(3.9) as figure:
        before, after = figure.subplots(2, len(pictures), squeeze=False)
        for axes, (kept, seen) in zip(zip(before, after, strict=True), pictures, strict=True):
            axes[0].imshow(kept)
            axes[1].imshow(seen, interpolation="nearest")
        for axes in (*before, *after):
            axes.set(xticks=[], yticks=[], frame_on=False)
        before[0].set_ylabel("as it is kept")
        after[0].set_ylabel(f"as it is seen,\n{size} x {size} pixels")
    return figure


def mean_pictures_figure(means: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Draws mean pictures, (height, width, 3) from 0 to 255, side by side by name."""
    with drawing(2.6, 8.0) as figure:
        panels = figure.subplots(1, len(means), squeeze=False)[0]
        for axes, (name, mean) in zip(panels, means.items(), strict=True):
            axes.imshow(np.clip(mean / 255, 0, 1), interpolation="nearest")
            axes.set_title(name, fontsize=8, weight="normal")
            axes.set_axis_off()
    return figure


def traits_figure(
    posts: pd.DataFrame, found: Mapping[str, Association], trends: Mapping[str, Trend | None]
) -> Figure:
    """Draws each trait of a picture against how the post did beside its author's others.

    Args:
        posts: One row a post: `relative`, log10(1 + likes) less its author's mean, and each trait.
        found: Each trait's correlation with likes within authors.
        trends: Of `relative` over each trait.
    """
    with drawing(5.2) as figure:
        grid = figure.subplots(2, 2, sharey=True)
        drawn = sample(posts)
        for axes, (name, each) in zip(grid.flat, found.items(), strict=True):
            axes.scatter(
                drawn[name],
                10 ** drawn["relative"],
                s=5,
                color=GREY,
                alpha=0.35,
                linewidths=0,
                rasterized=True,
            )
            draw_times(axes, trends[name], VERMILLION if each.sure else BLUE)
            rho = each.pooled
            numbers = "" if rho is None else f": Spearman {rho.estimate:+.2f}"
            if rho is not None and rho.low is not None and rho.high is not None:
                numbers += f" ({rho.low:+.2f} to {rho.high:+.2f})"
            axes.set_title(f"{name}{numbers}")
            axes.set_xlabel(f"{name} ({'deviation of the Laplacian' if name == 'sharpness' else '0 to 1'})")
            axes.grid()
        for axes in grid[:, 0]:
            axes.set_ylabel(TIMES)
        reach = float(np.quantile(np.abs(posts["relative"]), 0.99)) or 0.1
        grid[0, 0].set_yscale("log")
        grid[0, 0].set_ylim(10**-reach, 10**reach)
        ticks = [tick for tick in _TIMES if 10**-reach <= tick <= 10**reach]
        grid[0, 0].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        grid[0, 0].yaxis.set_minor_locator(NullLocator())
    return figure


def draw_times(axes: Axes, trend: Trend | None, colour: str) -> None:
    """Draws a trend of log10 with its band as multiples, and a line at 1."""
    if trend is not None:
        axes.fill_between(trend.x, 10**trend.low, 10**trend.high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(trend.x, 10**trend.y, color=colour, linewidth=2)
    axes.axhline(1, **REFERENCE)
