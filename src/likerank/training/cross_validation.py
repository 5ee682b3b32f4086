"""Cross-validation: one training a fold ranks the posts that it did not see; one table pools them."""

import shutil
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from likerank.dataset import SELECT, VALIDATION, FoldSnapshot, Snapshot
from likerank.errors import LikerankError
from likerank.evaluation import Metric, Scores, ScoreTable
from likerank.run_names import FOLD, FOLDS, PARENT
from likerank.tracking import Run, Tracking
from likerank.tracking.results import save_predictions
from likerank.training.assembly import Assembly, Plan
from likerank.training.checkpoints import load_kept_weights
from likerank.training.fit import fit, outcome_kept
from likerank.training.results import (
    KEPT,
    judged_rows,
    keep_table,
    score_posts,
    table_of,
    with_ceiling_of_copies,
)


def fold_snapshots(plan: Plan, snapshot: Snapshot) -> list[FoldSnapshot]:
    """Returns a snapshot as each fold sees it; none where the plan asks for no folds.

    Raises:
        LikerankError: If there are too few posts, or a training is to be resumed.
    """
    if plan.folds is None:
        return []
    if plan.resume:
        raise LikerankError(
            f"Folds cannot resume run {plan.resume}; start the same command without resume, and the folds "
            "that were finished are not trained again."
        )
    return [FoldSnapshot(snapshot, fold, plan.folds) for fold in range(1, plan.folds + 1)]


def rank_folds(
    assemble: Callable[[], Assembly],
    tracking: Tracking,
    run: Run,
    config_hash: str,
    snapshots: Sequence[FoldSnapshot],
    metrics: Sequence[Metric],
    days: float,
) -> ScoreTable:
    """Trains network and baselines in each fold and ranks all held-out posts, each by the fold that held it.

    Each fold is a run of its own below the given one; a fold that was finished before is not trained again.

    Args:
        assemble: Makes the training of one fold.
        tracking: MLflow, for the folds' runs.
        run: The run that keeps predictions and table.
        config_hash: The hash of the training that the folds belong to.
        snapshots: The dataset as each fold sees it.
        metrics: The user's metrics.
        days: How many days apart posts nearby may be.
    """
    held_out: list[pd.DataFrame] = []
    scores: list[dict[str, Scores]] = []
    for snapshot in snapshots:
        print(f"Fold {snapshot.fold} of {snapshot.folds}")
        tag = f"{config_hash}-{snapshot.fold}of{snapshot.folds}"
        posts, of_posts = _ranked_fold(assemble(), tracking, run, {FOLD: tag}, snapshot)
        held_out.append(posts)
        scores.append(of_posts)
    posts = pd.concat(held_out, ignore_index=True)
    predictors = {
        name: Scores(
            ranking=np.concatenate([each[name].ranking for each in scores]),
            prediction=np.concatenate([each[name].prediction for each in scores]),
        )
        for name in scores[0]
    }
    table = table_of(posts, predictors, metrics, days, folds=posts["fold"].to_numpy())
    whole = Snapshot(snapshots[0].folder)
    table = with_ceiling_of_copies(table, whole, whole.rows(VALIDATION))
    save_predictions(run, FOLDS, posts[["fold", *KEPT]], predictors)
    keep_table(run, FOLDS, table)
    return table


def _ranked_fold(
    assembly: Assembly, tracking: Tracking, parent: Run, tags: dict[str, str], snapshot: FoldSnapshot
) -> tuple[pd.DataFrame, dict[str, Scores]]:
    """Returns a fold's held-out posts, with fold and target, and each predictor's scores of them."""
    training = assembly.on(snapshot)
    predictors = training.predictors
    finished = tracking.find_run(tags, "FINISHED") if training.plan.reuse else None
    if finished is not None:
        print(f"Trained before: run {finished.id}")
        # Its parent may be a run that was killed.
        finished.set_tags({PARENT: parent.id})
        load_kept_weights(predictors.scorer, finished, training.plan.checkpoint)
    else:
        run = tracking.start_run(tags | {PARENT: parent.id}, f"fold {snapshot.fold} of {snapshot.folds}")
        with outcome_kept(run):
            fit(training, run, assembly.checkpoints(run.id))
        shutil.rmtree(assembly.checkpoints(run.id))
    rows = snapshot.rows(VALIDATION, SELECT)
    posts = judged_rows(predictors, rows).assign(fold=snapshot.fold)
    return posts, score_posts(predictors, rows)
