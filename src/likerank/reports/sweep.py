"""Reports of a sweep: its trials on the screen, and a page, a figure and tables as files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pandas.plotting import parallel_coordinates
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from scipy.stats import rankdata

from likerank.evaluation.effects import (
    OBJECTIVE,
    SEED,
    by_numbers_in_it,
    effects_of_choices,
    numbers_in,
    swept_keys,
)
from likerank.reports.export import write_table
from likerank.reports.page import render_page
from likerank.reports.style import AMOUNTS, BLACK, as_png, as_svg, drawing, shortened

_SHOWN: Final = 20
_TICKS: Final = 6
_BELOW: Final = -0.15  # height of a trial that lacks the choice
_PALEST: Final = 0.12  # of the colours; below, a line is hardly visible on white


def print_trials(trials: pd.DataFrame, title: str) -> None:
    """Prints the best trials of a sweep, and all that did not finish with the reason.

    Args:
        trials: One row a trial, best first, with the columns `run`, `status`, `objective` (NaN where there is
            none), `reason` and the choices that differ, as text.
        title: The title of the table.
    """
    table = Table("", "objective", title=Text(title), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("run", no_wrap=True)
    table.add_column("choices", overflow="fold")
    finished = trials[trials[OBJECTIVE].notna()]
    for place, (_, trial) in enumerate(finished.head(_SHOWN).iterrows(), start=1):
        # As text: a list in brackets would be taken for markup.
        table.add_row(str(place), f"{trial[OBJECTIVE]:.4f}", trial["run"], Text(_choices(trial)))
    console = Console()
    console.print(table)
    if len(finished) > _SHOWN:
        console.print(f"and {len(finished) - _SHOWN} more: sweep/trials.csv in the sweep's run has them all.")
    for _, trial in trials[trials["status"] != "FINISHED"].iterrows():
        words = f"{str(trial['status']).lower()}: {_choices(trial)}: {trial['reason']}"
        console.print(words, markup=False, highlight=False)


def write_sweep_report(
    folder: Path, *, title: str, trials: pd.DataFrame, objective: str, reasons: Mapping[str, str]
) -> list[Path]:
    """Writes a sweep's page, figure and tables.

    Args:
        folder: The folder; created where it is missing.
        title: The sweep's name.
        trials: One row a trial, finished or not, by run id: a column for each choice (text or numbers),
            `seed`, and `objective`, NaN where the trial failed.
        objective: The maximised metric, such as `val/network/within/pairwise`.
        reasons: The reason why a trial failed, by run id.

    Returns:
        The files: sweep.html, parallel_coordinates.png and .svg, and the tables `trials` and `effects` as
        .csv and .tex; the figures only where a trial finished and a choice differed.
    """
    ranked = trials.sort_values(OBJECTIVE, ascending=False, kind="stable", na_position="last")
    effects = effects_of_choices(trials)
    files = write_table(ranked.reset_index(names="run"), folder, "trials")
    files += write_table(effects, folder, "effects")
    figure = ""
    if swept_keys(trials[trials[OBJECTIVE].notna()]):
        drawn = trials_figure(trials, objective)
        figure = as_svg(drawn)
        files += [folder / "parallel_coordinates.png", folder / "parallel_coordinates.svg"]
        files[-2].write_bytes(as_png(drawn))
        files[-1].write_text(figure)
    keys, finished = swept_keys(ranked), int(ranked[OBJECTIVE].notna().sum())
    rows = [
        {
            "run": run,
            "seed": row[SEED],
            "choices": [row[key] for key in keys],
            "objective": row[OBJECTIVE],
            "reason": reasons.get(str(run), "not known"),
        }
        for run, row in ranked.iterrows()
    ]
    best = "; there is no best trial"
    if finished:
        best = f". The best by {objective}: {ranked[OBJECTIVE].iloc[0]:.4f}, run {ranked.index[0]}"
    page = render_page(
        "sweep.html",
        title=title,
        summary=f"{len(ranked)} trials, {finished} finished, {len(ranked) - finished} failed{best}.",
        figure=Markup(figure),  # noqa: S704 - matplotlib escapes the labels that it writes
        objective=objective,
        keys=keys,
        trials=rows[:finished],
        failed=rows[finished:],
        effects=effects.to_dict("records"),
    )
    files.append(folder / "sweep.html")
    files[-1].write_text(page)
    return sorted(files)


def trials_figure(trials: pd.DataFrame, objective: str) -> Figure:
    """Draws each finished trial as a line over its choices to its objective.

    The values of a choice are spaced evenly in their order, so that a learning rate needs no logarithm;
    the objective is drawn to scale.

    Args:
        trials: The trials as in `write_sweep_report`; at least one finished.
        objective: The maximised metric.
    """
    finished = trials[trials[OBJECTIVE].notna()].sort_values(OBJECTIVE)  # the best is drawn last
    failed, keys = len(trials) - len(finished), swept_keys(finished)
    axes_of = {key: _choice_axis(finished[key]) for key in keys}
    axes_of[objective] = _objective_axis(finished[OBJECTIVE])
    lines = pd.DataFrame({name: heights for name, (heights, _) in axes_of.items()})
    # Coloured by place, since one bad trial would give all others the same colour.
    places = (rankdata(lines[objective]) - 1) / max(len(lines) - 1, 1)
    colours = [mpl.colors.to_hex(mpl.colormaps[AMOUNTS](_PALEST + (1 - _PALEST) * place)) for place in places]
    with drawing(4.6, max(6.0, 1.45 * len(axes_of) + 1)) as figure:
        axes = figure.subplots()
        parallel_coordinates(
            lines.assign(trial=range(len(lines))),
            "trial",
            ax=axes,
            color=colours,
            linewidth=1.3,
            alpha=0.9,
            axvlines_kwds={"color": BLACK, "linewidth": 1},
        )
        axes.legend([], []).remove()
        axes.lines[len(lines) - 1].set(color=BLACK, linewidth=3)
        for place, (_, ticks) in enumerate(axes_of.values()):
            axes.hlines(list(ticks), place, place + 0.03, color=BLACK, linewidth=1, zorder=3)
            behind = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
            for height, label in ticks.items():
                text = label.replace("$", r"\$")
                axes.text(place + 0.05, height, text, va="center", fontsize=8, zorder=4, bbox=behind)
        names = [name.replace(".", ".\n").replace("/", "/\n") for name in axes_of]
        axes.set_xticks(range(len(names)), names)
        axes.tick_params(axis="x", length=0, pad=8)
        axes.set_yticks([])
        axes.set_xlim(-0.15, len(names) - 0.35)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        left_out = f", {failed} failed and left out" if failed else ""
        axes.set_title(f"{len(finished)} trials{left_out}; thick: the best; the darker, the higher")
    return figure


def _choice_axis(values: pd.Series) -> tuple[NDArray[np.float64], dict[float, str]]:
    """Returns the height of each value, 0 to 1 in the values' order, and some of them as ticks."""
    numbers = numbers_in(values)
    if numbers is None:
        values = values.map(str, na_action="ignore")
        different: list[Any] = sorted(set(values.dropna()), key=by_numbers_in_it)
    else:
        values, different = numbers, sorted(set(numbers.dropna()))
    spaced = np.linspace(0, 1, len(different)) if len(different) > 1 else np.array([0.5])
    heights = values.map(dict(zip(different, spaced, strict=True))).to_numpy(np.float64)
    shown = np.unique(np.linspace(0, len(different) - 1, min(len(different), _TICKS)).round().astype(int))
    names = [
        f"{value:.3g}" if numbers is not None else shortened(value.rsplit(".", 1)[-1], 20)
        for value in different
    ]
    ticks = {float(spaced[at]): names[at] for at in shown}
    if np.isnan(heights).any():
        heights = np.where(np.isnan(heights), _BELOW, heights)
        ticks[_BELOW] = "none"
    return heights, ticks


def _objective_axis(values: pd.Series) -> tuple[NDArray[np.float64], dict[float, str]]:
    low, high = float(values.min()), float(values.max())
    span = high - low or 1.0
    heights = (values.to_numpy(np.float64) - low) / span
    return heights, {float((tick - low) / span): f"{tick:.3g}" for tick in np.linspace(low, high, _TICKS)}


def _choices(trial: "pd.Series[str]") -> str:
    return " ".join(
        f"{str(name).rsplit('.', 1)[-1]}={_short(str(trial[name]))}"
        for name in trial.index
        if name not in ("run", "status", OBJECTIVE, "reason") and trial[name] != ""
    )


def _short(value: str) -> str:
    """Returns a fraction with four digits, and any other text unchanged."""
    try:
        return f"{float(value):.4g}" if "." in value or "e" in value else value
    except ValueError:
        return value
