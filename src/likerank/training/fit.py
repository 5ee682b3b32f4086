"""Fits a network, in one process or in several, and keeps the outcome in the run."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytorch_lightning.loggers import Logger

from likerank.app.sentences import sentence_of
from likerank.dataset import TRAIN
from likerank.errors import LikerankError
from likerank.run_names import CHECKPOINTS
from likerank.tracking import Run
from likerank.training.assembly import Training
from likerank.training.checkpoints import checkpoint_weights, load_weights
from likerank.training.distributed import Handover, passing_on


def fit(training: Training, run: Run, folder: Path) -> None:
    """Trains, and leaves the chosen checkpoint's weights in the network and the checkpoint in the run.

    Args:
        training: What to fit.
        run: The run that losses and the checkpoint are logged to.
        folder: The folder of the checkpoints while the training goes on; a training that was cut short is
            resumed from what it holds.

    Raises:
        LikerankError: If the training left no checkpoint.
    """
    with passing_on(Handover(run.id, training.snapshot.fingerprint)):
        fit_weights(training, folder, run.lightning_logger())
    if training.trainer.fast_dev_run:  # type: ignore[attr-defined]
        return  # Lightning writes no checkpoint then.
    plan = training.plan
    chosen = folder / f"{plan.checkpoint}.ckpt"
    if not chosen.exists():
        raise LikerankError(
            f"The training left no {plan.checkpoint} checkpoint: trainer.max_epochs is {plan.max_epochs}, or "
            "no loss on validation was a number; lower optimizer.lr."
        )
    load_weights(training.predictors.scorer, chosen)
    run.log_file(chosen, CHECKPOINTS)


def fit_weights(training: Training, folder: Path, logger: Logger | None) -> None:
    """Trains, and leaves checkpoints in a folder: the whole work of a process that another one started."""
    data, snapshot = training.predictors.data, training.snapshot
    training.predictors.scorer.fit_normalisation(snapshot.pixels, snapshot.rows(TRAIN))
    training.attach(folder, logger)
    last = folder / "last.ckpt"
    if last.exists():
        checkpoint_weights(last)  # Else a damaged one ends in an error of Lightning's.
    try:
        training.trainer.fit(
            training.regressor, data, ckpt_path=last if last.exists() else None, weights_only=True
        )
    except BaseException:
        # Else the processes that wait for this one would do so for half an hour.
        if training.trainer.strategy.launcher is not None:
            training.trainer.strategy.launcher.kill(signal.SIGKILL)
        raise


@contextmanager
def outcome_kept(run: Run) -> Iterator[None]:
    """Sets the run's final status on exit."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        run.finish("KILLED", "interrupted")
        raise
    except Exception as error:
        run.finish("FAILED", sentence_of(error) or f"{type(error).__name__}: {error}")
        raise
    run.finish("FINISHED")
