"""Figures of a training: its losses, predictions, worst mistakes and ranking."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from likerank.evaluation import ScoreTable
from likerank.reports.points import author_places, colour_bar, drawn_of, sample, scatter
from likerank.reports.style import BLUE, GREY, REFERENCE, VERMILLION, draw_interval, drawing, label_rows
from likerank.reports.table import SCOPES, metrics_in_words, predictor_name, scopes_of


def loss_figure(training: Sequence[float], validation: Sequence[float], chosen: int) -> Figure:
    """Draws the losses of each epoch and marks the kept one.

    Args:
        training: Losses on training posts, one an epoch.
        validation: Losses on validation's early-stopping half.
        chosen: The kept epoch, from 1.
    """
    with drawing(3.2, 7.0) as figure:
        axes = figure.subplots()
        for values, colour, label in (
            (training, GREY, "training posts"),
            (validation, BLUE, "validation, early-stopping half"),
        ):
            axes.plot(np.arange(1, len(values) + 1), values, "o-", color=colour, markersize=3, label=label)
        at = validation[chosen - 1]
        axes.axvline(chosen, color=VERMILLION, linewidth=1)
        axes.plot([chosen], [at], "o", color=VERMILLION, markersize=7)
        axes.set_title(f"Kept: epoch {chosen} of {len(validation)}, validation loss {at:.4g}")
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
        axes.axline((float(table["target"].mean()),) * 2, slope=1, **REFERENCE)
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
    shown = table.shown
    scopes = scopes_of(table)
    with drawing(1.7 + len(scopes) * (0.5 + 0.2 * len(predictors))) as figure:
        grid = figure.subplots(len(scopes), len(shown), sharey=True, sharex="col", squeeze=False)
        for line, scope in zip(grid, scopes, strict=True):
            for axes, words in zip(line, shown, strict=True):
                found = {at: rows.get((scope, words.name, name)) for at, name in enumerate(predictors)}
                scored = {at: row for at, row in found.items() if row is not None}
                for place, row in scored.items():
                    draw_interval(axes, row, place, BLUE, dot=4)
                for bound, look in (
                    ("chance", REFERENCE),
                    ("ceiling", {"color": VERMILLION, "linewidth": 0.9}),
                ):
                    for value in {getattr(row, bound) for row in scored.values()} - {None}:
                        axes.axvline(value, **look)
            label_rows(line[0], [predictor_name(name) for name in predictors], line[1:])
            line[0].set_title(SCOPES[scope])
        for axes, words in zip(grid[-1], shown, strict=True):
            axes.set_xlabel(words.label)
            axes.xaxis.set_major_locator(MaxNLocator(3))
        figure.suptitle("dashed: chance; red: ceiling, true or estimated", fontsize=8, x=0.99, ha="right")
        figure.supxlabel(textwrap.fill(metrics_in_words(table), 150), fontsize=7, x=0.01, ha="left")
    return figure


def bands_figure(table: ScoreTable) -> Figure:
    """Draws the pairs that each predictor ranks rightly, by how many times the likes of a pair differ.

    They are those of the scope that the table leads with, all first, each with its interval.
    """
    lead = table.shown[0]
    bands = [lead, *(words for words in table.metrics if words.name.startswith(f"{lead.name}_"))]
    rows = {(row.predictor, row.metric): row for row in table.rows if row.scope == table.headline}
    predictors = list(dict.fromkeys(name for name, _ in rows))
    with drawing(1.3 + 0.22 * len(predictors)) as figure:
        grid = figure.subplots(1, len(bands), sharey=True, sharex=True, squeeze=False)[0]
        for axes, words in zip(grid, bands, strict=True):
            for place, name in enumerate(predictors):
                if (row := rows.get((name, words.name))) is not None:
                    draw_interval(axes, row, place, BLUE, dot=4)
            axes.axvline(0.5, **REFERENCE)
            axes.set_title("all" if words is lead else words.label.removeprefix(f"{lead.label} "))
            axes.xaxis.set_major_locator(MaxNLocator(3))
        label_rows(grid[0], [predictor_name(name) for name in predictors], grid[1:])
        figure.supxlabel(
            f"Pairs ranked rightly, {SCOPES[table.headline]}: all, and those whose likes differ by at least "
            "that factor, with 95 % intervals; dashed: a coin.",
            fontsize=7,
            x=0.01,
            ha="left",
        )
    return figure


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
