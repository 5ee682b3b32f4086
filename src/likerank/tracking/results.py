"""Tables and predictions of a run: written once it has ranked a split, read by whatever judges it."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from likerank.errors import LikerankError
from likerank.evaluation import Scores, ScoreTable
from likerank.evaluation.scopes import DAYS
from likerank.files import naming_damage, read_checked_parquet
from likerank.run_names import FOLDS, PREDICTIONS, RESULTS
from likerank.tracking.run import Run

_DAYS = "evaluation.days"
_WAY_OUT = "restore it from a backup, or leave the run out and train again"


def save_predictions(run: Run, split: str, posts: pd.DataFrame, scores: Mapping[str, Scores]) -> None:
    """Writes columns of N posts, and each predictor's ranking of them, into `predictions/{split}.parquet`."""
    table = posts.assign(**{name: each.ranking for name, each in scores.items()})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{split}.parquet"
        table.to_parquet(file, index=False)
        run.log_file(file, PREDICTIONS)


def read_predictions(run: Run, split: str) -> pd.DataFrame:
    """Returns the predictors' scores of a split's posts.

    Returns:
        A row a post: `key`, `author`, `likes`, `half` (of folds `fold`), `target`, `posted_at`, `usual` (log
        likes usual for the author then; earlier versions kept neither), and a column of scores for each
        predictor.

    Raises:
        LikerankError: If the run keeps none, or they are damaged.
    """
    file, part = run.artifact(f"{PREDICTIONS}/{split}.parquet"), "fold" if split == FOLDS else "half"
    with naming_damage(file, _WAY_OUT):
        predictions: pd.DataFrame = read_checked_parquet(file).to_pandas()
        if lacking := {"key", "author", "likes", part, "target"} - set(predictions):
            raise ValueError(f"it lacks the column {min(lacking)}")
        return predictions


def days_of(run: Run) -> float:
    """Returns how many days apart posts nearby may be, as the run's training was told."""
    return float(run.params.get(_DAYS, DAYS))


def save_table(run: Run, split: str, table: ScoreTable) -> None:
    """Writes a split's table into the run, whole and as metrics."""
    run.log_metrics({f"{split}/{key}": value for key, value in table.to_metrics().items()})
    run.log_json(_results(run) | {split: table.to_json()}, RESULTS)


def read_table(run: Run, split: str) -> ScoreTable:
    """Returns the table of a split that a run keeps.

    Raises:
        LikerankError: If the run keeps none.
    """
    results = _results(run)
    if split not in results:
        raise LikerankError(f"Run {run.id} keeps no table of {split}; choose another run.")
    with naming_damage(run.artifact(RESULTS), _WAY_OUT):
        return ScoreTable.from_json(results[split])


def ranked_splits(run: Run) -> list[str]:
    """Returns the splits that a run keeps a table of."""
    return list(_results(run))


def _results(run: Run) -> dict[str, Any]:
    if not run.has_artifact(RESULTS):
        return {}
    file = run.artifact(RESULTS)
    with naming_damage(file, _WAY_OUT):
        kept: dict[str, Any] = json.loads(file.read_text())
        if not all(isinstance(table, dict) for table in kept.values()):
            raise ValueError("a part of it is no table")
        return kept
