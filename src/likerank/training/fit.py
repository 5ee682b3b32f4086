"""Fits a network, in one process or in several, and keeps what became of it in the run."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger

from likerank.app.paths import mlruns_folder, snapshots_folder
from likerank.app.run_command import sentence_of
from likerank.dataset import TRAIN, PopularityDataModule, find_snapshot
from likerank.errors import LikerankError
from likerank.models import PopularityRegressor, Scorer
from likerank.run_names import CHECKPOINTS
from likerank.tracking import Run
from likerank.training.distributed import HandOver, handing_over
from likerank.training.instantiate import (
    configured_data,
    configured_regressor,
    configured_scorer,
    configured_trainer,
    trained_weights,
)


def fit(config: DictConfig, run: Run, data: PopularityDataModule, scorer: Scorer) -> None:
    """Trains, and leaves the chosen checkpoint's weights in the scorer and the checkpoint in the run."""
    checkpoints = checkpoints_folder(config, run.id)
    with handing_over(HandOver(run.id, data.snapshot.fingerprint)):
        regressor = _fitted(config, data, scorer, run.lightning_logger(), checkpoints)
    chosen = checkpoints / f"{config.checkpoint}.ckpt"
    if not chosen.exists():
        raise LikerankError(
            f"The training left no {config.checkpoint} checkpoint: trainer.max_epochs is "
            f"{config.trainer.max_epochs}, or no loss on validation was a number; lower optimizer.lr."
        )
    regressor.load_state_dict(trained_weights(chosen))
    run.log_file(chosen, CHECKPOINTS)


def fit_beside(config: DictConfig, given: HandOver) -> None:
    """Does the part of a process that the training's first one started: it fits, and nothing else."""
    data = configured_data(config, find_snapshot(snapshots_folder(config), given.fingerprint))
    OmegaConf.update(config, "snapshot", data.snapshot.recipe)
    pl.seed_everything(config.seed, verbose=False)
    scorer = configured_scorer(config)
    _fitted(config, data, scorer, False, checkpoints_folder(config, given.run_id))


def checkpoints_folder(config: DictConfig, run_id: str) -> Path:
    """Returns where a run's checkpoints lie while it trains."""
    return mlruns_folder(config) / CHECKPOINTS / run_id


@contextmanager
def outcome_kept(run: Run) -> Iterator[None]:
    """Ends the run as what became of it, whatever that is."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        run.finish("KILLED", "interrupted")
        raise
    except Exception as error:
        run.finish("FAILED", sentence_of(error) or f"{type(error).__name__}: {error}")
        raise
    run.finish("FINISHED")


def _fitted(
    config: DictConfig,
    data: PopularityDataModule,
    scorer: Scorer,
    logger: Logger | bool,
    checkpoints: Path,
) -> PopularityRegressor:
    scorer.fit_normalisation(data.snapshot.pixels, data.snapshot.rows(TRAIN))
    regressor = configured_regressor(config, scorer)
    trainer = configured_trainer(config, logger, checkpoints)
    last = checkpoints / "last.ckpt"
    try:
        trainer.fit(regressor, data, ckpt_path=last if last.exists() else None, weights_only=True)
    except BaseException:
        # Else those that wait for this one would do so for half an hour.
        if trainer.strategy.launcher is not None:
            trainer.strategy.launcher.kill(signal.SIGKILL)
        raise
    return regressor
