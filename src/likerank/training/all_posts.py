"""The model that folds have judged: trained on all of train and validation, kept in the run of the folds."""

import shutil
from statistics import median_high

from likerank.app.paths import Folders
from likerank.dataset import WholeSnapshot, find_snapshot
from likerank.errors import LikerankError
from likerank.run_names import FINGERPRINT, FOLD, FOLDS, PARENT
from likerank.tracking import Run, Tracking
from likerank.tracking.results import read_predictions, read_table
from likerank.training.checkpoints import epochs_of
from likerank.training.fit import fit
from likerank.training.rebuild import rebuild
from likerank.training.results import keep_model


def keep_model_of_all_posts(run: Run, tracking: Tracking, folders: Folders) -> None:
    """Trains on all of train and validation, and keeps checkpoint and model in the run of the folds.

    No post is left to choose the epoch by: it trains for the median number of epochs of the folds' chosen
    checkpoints. A training that was cut short is resumed.

    Args:
        run: A finished training with `evaluation.folds`, without a model yet.
        tracking: MLflow, which keeps the folds' runs.
        folders: The project's folders.

    Raises:
        LikerankError: If the folds' runs, or the snapshot, are gone.
    """
    assembly = rebuild(run, folders)
    plan = assembly.plan()
    folds = [fold for fold in tracking.runs({PARENT: run.id, FOLD: None}) if fold.status == "FINISHED"]
    if len(folds) != plan.folds:
        raise LikerankError(
            f"Run {run.id} had {plan.folds} folds, and {len(folds)} of their runs are left, which say for "
            "how many epochs to train; train again with reuse=false."
        )
    epochs = median_high(epochs_of(fold, plan.checkpoint) for fold in folds)
    print(f"Trains on all posts of the folds, for {epochs} epochs, the folds' median.")
    snapshot = WholeSnapshot(find_snapshot(folders.snapshots, run.tags[FINGERPRINT]))
    training = assembly.of_all_posts(epochs).on(snapshot)
    fit(training, run, assembly.checkpoints(run.id))
    keep_model(run, training.predictors, read_table(run, FOLDS), read_predictions(run, FOLDS))
    shutil.rmtree(assembly.checkpoints(run.id), ignore_errors=True)
