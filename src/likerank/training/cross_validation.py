"""Stage folds: one training a fold, each ranking what it did not see, pooled into one table."""

import shutil

import numpy as np
import pandas as pd
import pytorch_lightning as pl
from omegaconf import DictConfig

from likerank.dataset import SELECT, VALIDATION, FoldSnapshot, Snapshot
from likerank.errors import LikerankError
from likerank.evaluation import Scores, ScoreTable, score_table
from likerank.run_names import CHECKPOINTS, FOLD, FOLDS, PARENT
from likerank.tracking import Run, Tracking
from likerank.training.baselines import configured_baselines
from likerank.training.fit import checkpoints_folder, fit, outcome_kept
from likerank.training.instantiate import configured_data, configured_scorer, load_trained
from likerank.training.results import keep_predictions, keep_table, score_posts, truth_of


def fold_snapshots(config: DictConfig, snapshot: Snapshot) -> list[FoldSnapshot]:
    """Returns a snapshot as each of the configured folds sees it.

    Raises:
        LikerankError: If there are too few folds or too few posts, or a training is to be resumed.
    """
    folds = config.evaluation.folds
    if not isinstance(folds, int) or folds < 2:
        raise LikerankError(f"evaluation.folds is {folds}; it must be a whole number from 2, or null.")
    if config.resume:
        raise LikerankError(
            f"Folds cannot resume run {config.resume}; start the same command without resume, and the folds "
            "that were finished are not trained again."
        )
    return [FoldSnapshot(snapshot, fold, folds) for fold in range(1, folds + 1)]


def rank_folds(
    config: DictConfig, tracking: Tracking, run: Run, trial: str, snapshots: list[FoldSnapshot]
) -> ScoreTable:
    """Trains network and baselines in each fold and ranks all held-out posts, each by the fold that held it.

    Each fold is a run of its own below the given one; a fold that was finished before is not trained again.

    Args:
        config: What to train.
        tracking: Where the folds' runs are started.
        run: Where predictions and table are kept.
        trial: The trial that the folds belong to; see `trial_of`.
        snapshots: The dataset as each fold sees it.
    """
    held_out: list[pd.DataFrame] = []
    scores: list[dict[str, Scores]] = []
    for snapshot in snapshots:
        print(f"Fold {snapshot.fold} of {snapshot.folds}")
        posts, of_posts = _ranked_fold(config, tracking, run, trial, snapshot)
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
    table = score_table(
        likes=posts["likes"].to_numpy(dtype=np.float64),
        targets=posts["target"].to_numpy(dtype=np.float64),
        authors=pd.factorize(posts["author"])[0],
        predictors=predictors,
        truth=truth_of(posts),
        folds=posts["fold"].to_numpy(),
    )
    keep_predictions(run, FOLDS, posts[["key", "author", "likes", "fold", "target"]], predictors)
    keep_table(run, FOLDS, table)
    return table


def _ranked_fold(
    config: DictConfig, tracking: Tracking, parent: Run, trial: str, snapshot: FoldSnapshot
) -> tuple[pd.DataFrame, dict[str, Scores]]:
    """Returns a fold's held-out posts, with fold and target, and what each predictor says of them."""
    data = configured_data(config, snapshot)
    pl.seed_everything(config.seed, verbose=False)
    scorer = configured_scorer(config)
    tags = {FOLD: f"{trial}-{snapshot.fold}of{snapshot.folds}"}
    finished = tracking.find_run(tags, "FINISHED") if config.reuse else None
    if finished is not None:
        print(f"Trained before: run {finished.id}")
        # Its parent may be a run that was killed.
        finished.set_tags({PARENT: parent.id})
        load_trained(scorer, finished.artifact(f"{CHECKPOINTS}/{config.checkpoint}.ckpt"))
    else:
        run = tracking.start_run(tags | {PARENT: parent.id}, f"fold {snapshot.fold} of {snapshot.folds}")
        with outcome_kept(run):
            fit(config, run, data, scorer)
        shutil.rmtree(checkpoints_folder(config, run.id))
    rows = snapshot.rows(VALIDATION, SELECT)
    posts = snapshot.posts.iloc[rows].assign(fold=snapshot.fold, target=data.targets[rows])
    return posts, score_posts(snapshot, rows, scorer, configured_baselines(config, data))
