"""The figures that a run keeps of its training and of a split's ranking."""

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from likerank.dataset import VALIDATION, Snapshot
from likerank.evaluation import ScoreTable
from likerank.reports.picture_sheet import SheetRow, contact_sheet_figure
from likerank.reports.style import as_png
from likerank.reports.training_figures import (
    bands_figure,
    loss_figure,
    mistakes,
    predicted_figure,
    ranking_chart,
)
from likerank.run_names import FIGURES
from likerank.tracking import Run
from likerank.tracking.results import read_predictions
from likerank.training.assembly import Plan

_MISTAKES: Final = 5


def keep_figures(run: Run, split: str, snapshot: Snapshot, table: ScoreTable, plan: Plan) -> None:
    """Draws a split's ranking into the run; with validation, its losses too.

    Args:
        run: The run, with its predictions.
        split: `val` or `test`.
        snapshot: The dataset, for the pictures.
        table: The split's ranking.
        plan: The choices of its training.
    """
    predictions = read_predictions(run, split)
    figures = {
        "ranking": ranking_chart(table),
        "bands": bands_figure(table),
        "predicted": predicted_figure(predictions, plan.target),
        "mistakes": contact_sheet_figure(
            _mistakes(predictions, snapshot), "Places among the author's posts; 100 % is the best."
        ),
    }
    if split == VALIDATION and (losses := list(run.metric_history("val/loss").values())):
        best = int(np.nanargmin(losses)) + 1 if np.isfinite(losses).any() else len(losses)
        chosen = best if plan.checkpoint == "best" else len(losses)
        training = list(run.metric_history("train/loss").values())
        figures["loss"] = loss_figure(training, losses, chosen)
    with tempfile.TemporaryDirectory() as folder:
        for name, figure in figures.items():
            file = Path(folder) / (f"{name}.png" if name == "loss" else f"{split}_{name}.png")
            file.write_bytes(as_png(figure))
            run.log_file(file, FIGURES)


def _mistakes(predictions: pd.DataFrame, snapshot: Snapshot) -> list[SheetRow]:
    chosen = mistakes(predictions, _MISTAKES)
    row_of = pd.Series(np.arange(len(snapshot.posts)), snapshot.posts["key"])

    def row(label: str, left: str, right: str) -> SheetRow:
        sides = [
            [
                (
                    snapshot.pixels[row_of[post["key"]]],
                    f"true {post['true_place']:.0%}\npredicted {post['place']:.0%}",
                )
                for _, post in chosen[name].iterrows()
            ]
            for name in (left, right)
        ]
        return SheetRow(label, sides[0], sides[1])

    return [
        row("Worst mistakes: put too low (left), put too high (right)", "too low", "too high"),
        row("Put rightly: high (left), low (right)", "rightly high", "rightly low"),
    ]
