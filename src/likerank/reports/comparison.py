"""Comparisons of configurations: a table on the screen, a figure, a page, and rows for a file."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from likerank.evaluation import Comparison, Interval, Standing
from likerank.reports.page import render_page
from likerank.reports.style import BLACK, BLUE, GREY, VERMILLION, as_svg, drawing, shortened
from likerank.reports.table import ABSENT, dotted

_SCOPES = {"within": "within an author", "across": "across authors"}
_METRICS = {
    "pairwise": "share of pairs ranked rightly",
    "spearman": "Spearman's rho",
    "kendall": "Kendall's tau",
    "ndcg": "NDCG",
}
_LABEL_IN_FIGURE = 52
_LABEL_ON_SCREEN = 22
_INCHES_A_ROW = 0.27
_COLOURS = {"best": VERMILLION, "not surely behind": BLUE, "surely behind": GREY}


def measure_in_words(metric: str) -> str:
    """Returns the meaning of a metric such as `within/pairwise`, for an axis or a heading."""
    scope, _, name = metric.partition("/")
    matched = name.removeprefix("position_match_")
    what = _METRICS.get(name, f"share of posts at their true place in sets of {matched}")
    return f"{what}, {_SCOPES[scope]}"


def legend(ranking: Comparison) -> list[str]:
    """Returns the explanations that belong below a comparison."""
    lines = [
        "A score is the mean over seeds, ± its 95 % interval over posts and seeds. Spread: standard "
        "deviation over seeds.",
        "Behind: the best score minus this one on the same posts. Surely: its interval, at 95 % for all "
        "pairs together, since the best was chosen by its score; where it contains 0, the order is not sure.",
    ]
    if blind := [each.label for each in ranking.standings if not each.seeds_counted]:
        whose = "All" if len(blind) == len(ranking.standings) else "; ".join(_some(blind))
        lines.append(f"One seed each, so the intervals do not cover the variation between seeds: {whose}.")
    authors = f" of {ranking.authors:,} authors" if ranking.authors else ""
    lines.append(f"Compared: {ranking.posts:,} posts{authors}, validation's model-selection half.")
    return lines


def print_ranking(
    ranking: Comparison,
    *,
    title: str,
    metric: str,
    caption: Sequence[str] = (),
    console: Console | None = None,
) -> None:
    """Prints the configurations, the best first, and the verdict.

    Args:
        ranking: The comparison.
        title: The name of the compared runs, on one line.
        metric: The metric, such as `within/pairwise`.
        caption: Further lines below the table.
        console: Where to print; standard output by default.
    """
    console = console or Console()
    console.print(Text(title, style="bold"))
    console.print(Text(measure_in_words(metric), style="dim"))
    shown = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    shown.add_column("", justify="right")
    shown.add_column("configuration", overflow="fold", min_width=_LABEL_ON_SCREEN)
    for heading in ("seeds", "score", "±", "spread", "behind", "surely"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_row("", "chance", "", dotted(ranking.chance), style="dim", end_section=True)
    for place, standing in enumerate(ranking.standings, 1):
        style = "bold" if standing.behind is None else "dim" if standing.surely_behind else ""
        shown.add_row(str(place), *map(Text, _cells(standing, dotted)), style=style)
    console.print(shown)
    console.print()
    console.print(Text(ranking.verdict, style="bold"))
    for line in (*legend(ranking), *caption):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 1)))


def _cells(standing: Standing, number: Callable[[float | None], str]) -> tuple[str, ...]:
    behind, score = standing.behind, standing.score
    margin = None
    if score.low is not None and score.high is not None:
        # An interval that reaches the metric's limit is cut on that side only.
        margin = max(score.estimate - score.low, score.high - score.estimate)
    numbers = (number(score.estimate), number(margin), number(standing.spread))
    if behind is None:
        distance = ("best", "")
    else:
        surely = ABSENT if behind.low is None else f"{number(behind.low)} to {number(behind.high)}"
        distance = (number(behind.estimate), surely)
    return (standing.label, str(len(standing.by_seed)), *numbers, *distance)


def ranking_frame(ranking: Comparison, runs: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Returns one row a configuration, the best first, at full precision.

    Args:
        ranking: The comparison.
        runs: The ids of each label's runs.
    """
    return pd.DataFrame(
        {
            "configuration": each.label,
            "kind": each.kind,
            "seeds": " ".join(map(str, each.by_seed)),
            "score": each.score.estimate,
            "low": each.score.low,
            "high": each.score.high,
            "spread": each.spread,
            "behind": each.behind.estimate if each.behind else 0.0,
            "behind_low": each.behind.low if each.behind else None,
            "behind_high": each.behind.high if each.behind else None,
            "surely_behind": each.surely_behind,
            "chance": ranking.chance,
            "runs": " ".join(runs[each.label]),
        }
        for each in ranking.standings
    )


def comparison_page(
    ranking: Comparison, *, title: str, metric: str, best_runs: Mapping[str, str], caption: Sequence[str] = ()
) -> str:
    """Returns a self-contained page: verdict, figure, table.

    Args:
        ranking: The comparison.
        title: The name of the compared runs.
        metric: The metric, such as `within/pairwise`.
        best_runs: The id of each label's best run.
        caption: Further lines below the table.
    """
    rows = [
        {
            "cells": _cells(each, _precise),
            "best": each.behind is None,
            "sure": each.surely_behind,
            "run": best_runs[each.label],
        }
        for each in ranking.standings
    ]
    return render_page(
        "comparison.html",
        title=title,
        verdict=ranking.verdict,
        # matplotlib escapes the labels that it writes.
        figure=Markup(as_svg(ranking_figure(ranking, metric))),  # noqa: S704
        measure=measure_in_words(metric),
        rows=rows,
        chance=_precise(ranking.chance),
        legend=[*legend(ranking), *caption],
    )


def ranking_figure(ranking: Comparison, metric: str) -> Figure:
    """Draws each configuration's score beside chance, and its distance behind the best."""
    standings = ranking.standings
    with drawing(1.8 + _INCHES_A_ROW * len(standings)) as figure:
        scores, differences = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
        for place, standing in enumerate(standings):
            colour = _COLOURS[_group(standing)]
            seeds = list(standing.by_seed.values())
            scores.plot(
                seeds, [place] * len(seeds), "|", color=colour, alpha=0.6, markersize=9, markeredgewidth=1
            )
            _dot(scores, standing.score, place, colour)
            if standing.behind is not None:
                _dot(differences, standing.behind, place, colour)
        scores.axvline(ranking.chance, color=BLACK, linewidth=0.8, linestyle=(0, (4, 3)))
        scores.annotate(
            "chance",
            (ranking.chance, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, 1),
            textcoords="offset points",
            fontsize=8,
        )
        differences.axvline(0, color=VERMILLION, linewidth=0.8)
        labels = [
            f"{shortened(each.label, _LABEL_IN_FIGURE)}  {place}" for place, each in enumerate(standings, 1)
        ]
        scores.set_yticks(
            np.arange(len(standings)), [label.replace("$", r"\$") for label in labels], fontsize=8
        )
        scores.set_ylim(len(standings) - 0.4, -0.6)
        scores.set_xlabel(f"{measure_in_words(metric)}\n(mean over seeds, 95 % interval; | each seed)")
        differences.set_xlabel("best minus this one, same posts\n(95 % for all pairs at once)")
        for axes in (scores, differences):
            axes.grid(axis="x")
            axes.tick_params(axis="y", length=0)
        figure.legend(
            [Line2D([], [], color=colour, marker="o", markersize=5) for colour in _COLOURS.values()],
            list(_COLOURS),
            loc="outside lower right",
            ncols=len(_COLOURS),
        )
    return figure


def _dot(axes: Axes, interval: Interval, place: int, colour: str) -> None:
    if interval.low is not None and interval.high is not None:
        axes.plot([interval.low, interval.high], [place, place], color=colour, linewidth=1.6)
    axes.plot([interval.estimate], [place], "o", color=colour, markersize=5)


def _group(standing: Standing) -> str:
    if standing.behind is None:
        return "best"
    return "surely behind" if standing.surely_behind else "not surely behind"


def _precise(value: float | None) -> str:
    return ABSENT if value is None else f"{round(value, 4) + 0.0:.4f}"


def _some(labels: Sequence[str]) -> list[str]:
    return [*labels[:4], *([f"{len(labels) - 4} more"] if len(labels) > 4 else [])]
