"""Comparisons of configurations: a table on the screen, a figure, a page, and rows for a file."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from likerank.evaluation.configurations import Comparison, Standing, listed
from likerank.reports.page import render_page
from likerank.reports.style import (
    BLUE,
    GREY,
    REFERENCE,
    VERMILLION,
    as_svg,
    draw_interval,
    drawing,
    label_rows,
    plain,
)
from likerank.reports.table import ABSENT, SCOPES, dotted, margin, print_notes

_COLOURS = {"best": VERMILLION, "not surely behind": BLUE, "surely behind": GREY}


def measure_in_words(comparison: Comparison) -> str:
    """Returns the meaning of a comparison's metric, for an axis or a heading."""
    words = comparison.metric
    meaning = f"{words.label}: {words.sentence}" if words.sentence else words.label
    return f"{meaning}, {SCOPES[comparison.scope]}"


def _legend(comparison: Comparison, caption: Sequence[str]) -> list[str]:
    lines = [
        "A score is the mean over seeds, ± half its 95 % interval over posts and seeds. Spread: standard "
        "deviation over seeds.",
        "Behind: the best score minus this one on the same posts. Surely: its interval, at 95 % for all "
        "pairs together, since the best was chosen by its score; where it contains 0, the order is not sure.",
    ]
    if blind := [each.label for each in comparison.standings if not each.seeds_counted]:
        which = "All" if len(blind) == len(comparison.standings) else listed(blind)
        lines.append(f"One seed each, so the intervals do not cover the variation between seeds: {which}.")
    authors = f" of {comparison.authors:,} authors" if comparison.authors else ""
    lines.append(f"Compared: {comparison.posts:,} posts{authors}, validation's model-selection half.")
    return [*lines, *caption]


def print_comparison(
    comparison: Comparison, *, title: str, caption: Sequence[str] = (), console: Console | None = None
) -> None:
    """Prints the configurations, the best first, and the verdict.

    Args:
        comparison: The comparison.
        title: The name of the compared runs, on one line.
        caption: Further lines below the table.
        console: Where to print; standard output by default.
    """
    console = console or Console()
    console.print(Text(title, style="bold"))
    console.print(Text(measure_in_words(comparison), style="dim"))
    shown = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    shown.add_column("", justify="right")
    shown.add_column("configuration", overflow="fold", min_width=22)
    for heading in ("seeds", "score", "±", "spread", "behind", "surely"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_row("", "chance", "", dotted(comparison.chance), style="dim", end_section=True)
    for place, standing in enumerate(comparison.standings, 1):
        style = "bold" if standing.behind is None else "dim" if standing.surely_behind else ""
        shown.add_row(str(place), *map(Text, _cells(standing, dotted)), style=style)
    console.print(shown, "", Text(comparison.verdict, style="bold"), sep="\n")
    print_notes(console, _legend(comparison, caption))


def _cells(standing: Standing, number: Callable[[float | None], str]) -> tuple[str, ...]:
    behind, score = standing.behind, standing.score
    distance = ("best", "")
    if behind is not None:
        surely = ABSENT if behind.low is None else f"{number(behind.low)} to {number(behind.high)}"
        distance = (number(behind.estimate), surely)
    numbers = (number(score.estimate), number(margin(score)), number(standing.spread))
    return (standing.label, str(len(standing.by_seed)), *numbers, *distance)


def comparison_frame(comparison: Comparison, runs: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Returns one row a configuration, the best first, at full precision; `runs`: ids by label."""
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
            "chance": comparison.chance,
            "runs": " ".join(runs[each.label]),
        }
        for each in comparison.standings
    )


def comparison_page(
    comparison: Comparison, *, title: str, best_runs: Mapping[str, str], caption: Sequence[str] = ()
) -> str:
    """Returns a self-contained page: verdict, figure, table.

    Args:
        comparison: The comparison.
        title: The name of the compared runs.
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
        for each in comparison.standings
    ]
    return render_page(
        "comparison.html",
        title=title,
        verdict=comparison.verdict,
        # matplotlib escapes the labels that it writes.
        figure=Markup(as_svg(comparison_figure(comparison))),  # noqa: S704
        measure=measure_in_words(comparison),
        rows=rows,
        chance=_precise(comparison.chance),
        legend=_legend(comparison, caption),
    )


def comparison_figure(comparison: Comparison) -> Figure:
    """Draws each configuration's score beside chance, and its distance behind the best."""
    standings = comparison.standings
    with drawing(1.8 + 0.27 * len(standings)) as figure:
        scores, differences = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
        for place, standing in enumerate(standings):
            group = "surely behind" if standing.surely_behind else "not surely behind"
            colour = _COLOURS["best" if standing.behind is None else group]
            seeds = list(standing.by_seed.values())
            scores.plot(
                seeds, [place] * len(seeds), "|", color=colour, alpha=0.6, markersize=9, markeredgewidth=1
            )
            draw_interval(scores, standing.score, place, colour)
            if standing.behind is not None:
                draw_interval(differences, standing.behind, place, colour)
        scores.axvline(comparison.chance, **REFERENCE)
        above = scores.get_xaxis_transform()
        scores.annotate(
            "chance", (comparison.chance, 1), (3, 1), above, textcoords="offset points", fontsize=8
        )
        differences.axvline(0, color=VERMILLION, linewidth=0.8)
        labels = [f"{plain(each.label, 52)}  {place}" for place, each in enumerate(standings, 1)]
        label_rows(scores, labels, [differences])
        scores.set_xlabel(f"{measure_in_words(comparison)}\n(mean over seeds, 95 % interval; | each seed)")
        differences.set_xlabel("best minus this one, same posts\n(95 % for all pairs at once)")
        figure.legend(
            [Line2D([], [], color=colour, marker="o", markersize=5) for colour in _COLOURS.values()],
            list(_COLOURS),
            loc="outside lower right",
            ncols=len(_COLOURS),
        )
    return figure


def _precise(value: float | None) -> str:
    return ABSENT if value is None else f"{round(value, 4) + 0.0:.4f}"
