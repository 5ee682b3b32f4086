"""Figures of a training: its losses, predictions, worst mistakes and ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from likerank.evaluation import ACROSS, WITHIN, ScoreRow, ScoreTable
from likerank.reports.points import author_places, colour_bar, drawn_of, sample, scatter
from likerank.reports.style import BLACK, BLUE, GREY, VERMILLION, drawing
from likerank.reports.table import predictor_name

_CHART = {
    "pairwise": "pairs ranked correctly",
    "position_match_5": "at the true place of 5",
    "spearman": "Spearman's rho",
}
_SCOPES = {WITHIN: "within an author", ACROSS: "across authors"}


@dataclass(frozen=True)
class Losses:
    """A training's losses, one an epoch.

    Attributes:
        training: Losses on training posts.
        validation: Losses on validation's early-stopping half.
        chosen: The kept epoch, from 1.
    """

    training: Sequence[float]
    validation: Sequence[float]
    chosen: int


def loss_figure(losses: Losses) -> Figure:
    """Draws the loss of each epoch and marks the kept one."""
    with drawing(3.2, 7.0) as figure:
        axes = figure.subplots()
        for values, colour, label in (
            (losses.training, GREY, "training posts"),
            (losses.validation, BLUE, "validation, early-stopping half"),
        ):
            axes.plot(np.arange(1, len(values) + 1), values, "o-", color=colour, markersize=3, label=label)
        at = losses.validation[losses.chosen - 1]
        axes.axvline(losses.chosen, color=VERMILLION, linewidth=1)
        axes.plot([losses.chosen], [at], "o", color=VERMILLION, markersize=7)
        axes.set_title(f"Kept: epoch {losses.chosen} of {len(losses.validation)}, validation loss {at:.4g}")
        axes.set_xlabel("epoch")
        axes.set_ylabel("mean squared error (target squared)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
        axes.grid()
    return figure


def predicted_figure(predictions: pd.DataFrame, target: str) -> Figure:
    """Draws the network's predictions against the true values, on the target's scale, coloured by author.

    Args:
        predictions: One row a post: `author`, `likes`, `target` and `network`.
        target: The target's name.
    """
    places = author_places(predictions["likes"], predictions["author"])
    table = predictions.assign(place=predictions["author"].map(places))
    drawn = sample(table)
    with drawing(4.6, 6.4) as figure:
        axes = figure.subplots()
        scatter(axes, drawn, "target", "network", size=10, alpha=0.8)
        axes.axline(
            (float(table["target"].mean()),) * 2, slope=1, color=BLACK, linewidth=0.8, linestyle=(0, (4, 3))
        )
        axes.set_xlabel(f"true {target}")
        axes.set_ylabel(f"predicted {target}")
        axes.set_title(f"{drawn_of(drawn, table)}; dashed: predicted equals true")
        axes.grid()
        colour_bar(figure, axes)
    return figure


def ranking_chart(table: ScoreTable) -> Figure:
    """Draws each predictor's scores with their intervals, beside chance and ceiling."""
    rows = {(row.scope, row.metric, row.predictor): row for row in table.rows}
    predictors = list(dict.fromkeys(row.predictor for row in table.rows))
    with drawing(1.2 + 2 * (0.5 + 0.2 * len(predictors))) as figure:
        grid = figure.subplots(2, len(_CHART), sharey=True, squeeze=False)
        for line, scope in zip(grid, _SCOPES, strict=True):
            for axes, metric in zip(line, _CHART, strict=True):
                shown = [rows.get((scope, metric, name)) for name in predictors]
                _scores(axes, shown)
                if scope == ACROSS:
                    axes.set_xlabel(_CHART[metric])
            line[0].set_yticks(
                range(len(predictors)), [predictor_name(name) for name in predictors], fontsize=8
            )
            line[0].set_ylim(len(predictors) - 0.4, -0.6)
            line[0].set_title(_SCOPES[scope])
        figure.suptitle("dashed: chance; red: ceiling, if the truth is known", fontsize=8, x=0.99, ha="right")
    return figure


def _scores(axes: Axes, rows: Sequence[ScoreRow | None]) -> None:
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    for place, row in enumerate(rows):
        if row is None or row.estimate is None:
            continue
        if row.low is not None and row.high is not None:
            axes.plot([row.low, row.high], [place, place], color=BLUE, linewidth=1.6)
        axes.plot([row.estimate], [place], "o", color=BLUE, markersize=4)
    for bound, colour, style in (("chance", BLACK, (0, (4, 3))), ("ceiling", VERMILLION, "-")):
        known = [value for row in rows if (value := getattr(row, bound, None)) is not None]
        if known:
            axes.axvline(known[0], color=colour, linewidth=0.9, linestyle=style)


def mistakes(predictions: pd.DataFrame, number: int) -> Mapping[str, pd.DataFrame]:
    """Returns the posts ranked too low and too high by the most, and posts ranked correctly, by kind.

    Predicted and true places are compared within each author, from 0 (worst) to 1 (best), so that the size of
    an audience is no mistake; authors with fewer than five posts are left out unless all have fewer.

    Args:
        predictions: One row a post: `author`, `target` and `network`.
        number: The number of posts of each kind.
    """
    posts = predictions.groupby("author")["author"].transform("size")
    enough = predictions[posts >= 5] if (posts >= 5).any() else predictions
    places = enough.groupby("author")[["target", "network"]].rank(pct=True)
    placed = enough.assign(true_place=places["target"], place=places["network"])
    error = placed["place"] - placed["true_place"]
    ordered = placed.iloc[np.argsort(error.to_numpy(), kind="stable")]
    best = placed[error.abs() <= error.abs().quantile(0.2)].sort_values("true_place", ascending=False)
    return {
        "too low": ordered.head(number),
        "too high": ordered.tail(number)[::-1],
        "rightly high": best.head(number),
        "rightly low": best.tail(number),
    }
