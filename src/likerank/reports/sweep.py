"""A sweep in pictures and on a page: its trials ranked, what each choice did, what failed and why."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import rankdata

from likerank.evaluation import OBJECTIVE, SEED, by_numbers_in_it, effects_of_choices, numbers_in, swept_keys
from likerank.reports.page import render_page
from likerank.reports.style import AMOUNTS, BLACK, as_png, as_svg, drawing, shortened

_LOG_BEYOND = 30  # highest over lowest
_TICKS = 6
_INCHES_AN_AXIS = 1.45
_BELOW = -0.15  # where a trial without such a choice passes
_PALEST = 0.12  # of the colours; below, a line would hardly be seen on white


def write_sweep_report(
    folder: Path, *, title: str, trials: pd.DataFrame, objective: str, reasons: Mapping[str, str]
) -> list[Path]:
    """Writes a sweep's page, figure and tables.

    Args:
        folder: Where to; made where it is missing.
        title: What the sweep is called.
        trials: One row a trial, finished or not, by run id: a column for each choice (text or numbers),
            `seed`, and `objective`, NaN where the trial failed.
        objective: What was maximised, such as `val/network/within/pairwise`.
        reasons: Why a trial failed, by run id.

    Returns:
        The files: sweep.html, parallel_coordinates.png and .svg, trials.csv and effects.csv; the figures
        only where a trial finished and a choice differed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ranked = trials.sort_values(OBJECTIVE, ascending=False, kind="stable", na_position="last")
    effects = effects_of_choices(trials)
    files = {"trials.csv": ranked.to_csv(index_label="run"), "effects.csv": effects.to_csv(index=False)}
    figure = parallel_coordinates(trials, objective) if _drawable(trials) else None
    files["sweep.html"] = sweep_page(
        title=title, trials=trials, effects=effects, objective=objective, reasons=reasons
    )
    if figure is not None:
        files["parallel_coordinates.svg"] = as_svg(figure)
        (folder / "parallel_coordinates.png").write_bytes(as_png(figure))
    for name, content in files.items():
        (folder / name).write_text(content)
    return sorted(folder / name for name in (*files, *(["parallel_coordinates.png"] if figure else [])))


def sweep_page(
    *,
    title: str,
    trials: pd.DataFrame,
    effects: pd.DataFrame,
    objective: str,
    reasons: Mapping[str, str],
) -> str:
    """Returns a self-contained page of a sweep; its arguments are those of `write_sweep_report`."""
    finished = trials[trials[OBJECTIVE].notna()].sort_values(OBJECTIVE, ascending=False, kind="stable")
    failed = trials[trials[OBJECTIVE].isna()]
    keys = swept_keys(trials)
    return render_page(
        "sweep.html",
        title=title,
        summary=_summary(finished, failed, objective),
        # matplotlib escapes the labels that it writes.
        figure=Markup(as_svg(parallel_coordinates(trials, objective))) if _drawable(trials) else "",  # noqa: S704
        objective=objective,
        keys=keys,
        trials=[
            _row(run, row, keys) | {"objective": f"{row[OBJECTIVE]:.4f}"} for run, row in finished.iterrows()
        ],
        failed=[
            _row(run, row, keys) | {"reason": reasons.get(str(run), "not known")}
            for run, row in failed.iterrows()
        ],
        effects=[
            {
                "key": row["key"],
                "value": row["value"],
                "trials": row["trials"],
                "seeds": row["seeds"],
                "effect": f"{row['effect']:+.4f}",
                "interval": "-" if np.isnan(row["low"]) else f"{row['low']:+.4f} to {row['high']:+.4f}",
            }
            for _, row in effects.iterrows()
        ],
    )


def parallel_coordinates(trials: pd.DataFrame, objective: str) -> Figure:
    """Draws each finished trial as a line over its choices to its objective.

    Args:
        trials: As `write_sweep_report` takes them; at least one finished.
        objective: What was maximised.
    """
    finished = trials[trials[OBJECTIVE].notna()].sort_values(OBJECTIVE)  # the best is drawn last
    failed = len(trials) - len(finished)
    keys = swept_keys(finished)
    scales = [_scale(finished[key]) for key in (*keys, OBJECTIVE)]
    heights = np.column_stack([height for height, _ in scales])
    # By place, not by value: one bad trial would leave all others the same colour.
    places = (rankdata(heights[:, -1]) - 1) / max(len(heights) - 1, 1)
    colours = mpl.colormaps[AMOUNTS](_PALEST + (1 - _PALEST) * places)
    with drawing(4.6, max(6.0, _INCHES_AN_AXIS * len(scales) + 1)) as figure:
        axes = figure.subplots()
        across = np.arange(len(scales))
        for row, (line, colour) in enumerate(zip(heights, colours, strict=True)):
            best = row == len(heights) - 1
            axes.plot(
                across,
                line,
                color=BLACK if best else colour,
                linewidth=3 if best else 1.3,
                alpha=0.9,
                zorder=2,
            )
        for place, (_, ticks) in enumerate(scales):
            _axis(axes, place, ticks)
        names = [key.replace(".", ".\n") for key in keys]
        axes.set_xticks(across, [*names, objective.replace("/", "/\n")])
        axes.tick_params(axis="x", length=0, pad=8)
        axes.set_yticks([])
        axes.set_xlim(-0.15, len(scales) - 0.35)
        axes.set_ylim(heights.min() - 0.05, 1.05)
        axes.spines[:].set_visible(False)
        left_out = f", {failed} failed and left out" if failed else ""
        axes.set_title(f"{len(finished)} trials{left_out}; thick: the best; the darker, the higher")
    return figure


def _drawable(trials: pd.DataFrame) -> bool:
    finished = trials[trials[OBJECTIVE].notna()]
    return bool(swept_keys(finished))


def _scale(values: pd.Series) -> tuple[NDArray[np.float64], dict[float, str]]:
    """Returns where each value stands on an axis from 0 to 1, and the axis's ticks."""
    numbers = numbers_in(values)
    if numbers is None:
        names = values.map(str, na_action="ignore")
        different = sorted(set(names.dropna()), key=by_numbers_in_it)
        places = dict(zip(different, _spaced(len(different)), strict=True))
        ticks = {place: shortened(name.rsplit(".", 1)[-1], 20) for name, place in places.items()}
        heights = names.map(places).to_numpy(np.float64)
    else:
        low, high = float(numbers.min()), float(numbers.max())
        logarithmic = low > 0 and high / low > _LOG_BEYOND
        shown = np.unique(numbers.dropna().to_numpy(np.float64))
        if shown.size > _TICKS:
            shown = np.asarray((np.geomspace if logarithmic else np.linspace)(low, high, _TICKS))
        measure = np.log if logarithmic else np.asarray
        first, last = measure([low, high])
        span = last - first or 1.0
        heights = (measure(numbers.to_numpy(np.float64)) - first) / span
        ticks = {float((measure(number) - first) / span): f"{number:.3g}" for number in shown}
    if np.isnan(heights).any():
        heights = np.where(np.isnan(heights), _BELOW, heights)
        ticks[_BELOW] = "none"
    return heights, ticks


def _spaced(number: int) -> NDArray[np.float64]:
    return np.linspace(0, 1, number) if number > 1 else np.array([0.5])


def _axis(axes: Axes, place: int, ticks: Mapping[float, str]) -> None:
    axes.plot([place, place], [0, 1], color=BLACK, linewidth=1, zorder=3)
    for height, label in ticks.items():
        axes.plot([place, place + 0.03], [height, height], color=BLACK, linewidth=1, zorder=3)
        axes.text(
            place + 0.05,
            height,
            label.replace("$", r"\$"),
            va="center",
            fontsize=8,
            zorder=4,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8},
        )


def _row(run: object, row: pd.Series, keys: list[str]) -> dict[str, object]:
    return {"run": run, "seed": row[SEED], "choices": [row[key] for key in keys]}


def _summary(finished: pd.DataFrame, failed: pd.DataFrame, objective: str) -> str:
    total = f"{len(finished) + len(failed)} trials, {len(finished)} finished, {len(failed)} failed"
    if finished.empty:
        return f"{total}; there is no best trial."
    return f"{total}. The best by {objective}: {finished[OBJECTIVE].iloc[0]:.4f}, run {finished.index[0]}."
