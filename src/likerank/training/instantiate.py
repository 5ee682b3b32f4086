"""What a training consists of, made from its configuration: the same for training and for rebuilding it."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint, TQDMProgressBar
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins import TorchCheckpointIO

from likerank.dataset import PopularityDataModule, Snapshot
from likerank.errors import LikerankError
from likerank.files import aside_of
from likerank.models import PopularityRegressor, ResumableEarlyStopping, Scorer

CHECKPOINTS = ("best", "last")
# Rich's bar, or one drawn at each step, would slow a small network's training by some percent.
_STEPS_A_REFRESH = 10


def configured_data(
    config: DictConfig, snapshot: Snapshot | Path | Callable[[], Path]
) -> PopularityDataModule:
    """Returns the DataModule over a snapshot."""
    data: PopularityDataModule = instantiate(
        config.data, snapshot=snapshot, target=instantiate(config.target), _convert_="all"
    )
    return data


def configured_scorer(config: DictConfig) -> Scorer:
    """Returns an untrained network with its scaling.

    Raises:
        LikerankError: If the network cannot take pictures of the snapshot's size.
    """
    network = instantiate(config.network, _convert_="all")
    scorer = Scorer(network, channels_last=config.regressor.channels_last)
    size = config.snapshot.size
    try:
        with torch.no_grad():
            scorer.eval()(torch.zeros(2, size, size, 3, dtype=torch.uint8))
    except RuntimeError as error:
        raise LikerankError(
            f"The network {config.network._target_} does not take pictures of {size}x{size} pixels or gives "
            f"more than one number for each ({error}); change network or snapshot.size."
        ) from error
    return scorer.train()


def configured_regressor(config: DictConfig, scorer: Scorer) -> PopularityRegressor:
    """Returns the LightningModule around a scorer."""
    scheduler = config.get("scheduler")
    optimizer = instantiate(config.optimizer)
    try:
        optimizer(scorer.parameters())
    except (TypeError, ValueError) as error:
        raise LikerankError(
            f"The optimiser {config.optimizer._target_} cannot be made ({error}); change optimizer."
        ) from error
    return PopularityRegressor(
        scorer,
        optimizer=optimizer,
        scheduler=instantiate(scheduler) if scheduler else None,
        flip=config.regressor.flip,
        seed=config.seed,
    )


def configured_trainer(config: DictConfig, logger: Logger | bool, checkpoints: Path) -> Trainer:
    """Returns the Trainer; it keeps `best.ckpt` and `last.ckpt` in a folder."""
    if config.checkpoint not in CHECKPOINTS:
        raise LikerankError(f"checkpoint is {config.checkpoint}; it must be one of {', '.join(CHECKPOINTS)}.")
    callbacks: list[Callback] = [
        ModelCheckpoint(checkpoints, "best", monitor="val/loss", enable_version_counter=False),
        ModelCheckpoint(checkpoints, "last", enable_version_counter=False, save_on_train_epoch_end=True),
    ]
    if config.early_stopping:
        callbacks.insert(0, ResumableEarlyStopping("val/loss", patience=config.early_stopping))
    if config.trainer.enable_progress_bar:
        callbacks.append(TQDMProgressBar(refresh_rate=_STEPS_A_REFRESH))
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)  # its hints at each start
    trainer: Trainer = instantiate(
        config.trainer,
        logger=logger,
        callbacks=callbacks,
        plugins=[WholeCheckpoints()],
        # Lightning's would give a post to two processes; ours splits the batches.
        use_distributed_sampler=False,
        # A CPU repeats to the bit without, and a small network's training would pay 3 % for the checks.
        deterministic=torch.cuda.is_available(),
        _convert_="all",
    )
    return trainer


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it.

    Lightning writes it to the system's folder for temporary files; where that is another disk, a kill in the
    move would leave half a checkpoint in place of a whole one.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,  # noqa: ANN401
    ) -> None:
        """Saves the checkpoint at the path."""
        aside = aside_of(Path(path))
        super().save_checkpoint(checkpoint, aside, storage_options)
        aside.replace(path)


def trained_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Returns a checkpoint's weights; nothing in it is executed."""
    weights: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True)["state_dict"]
    return weights


def load_trained(scorer: Scorer, checkpoint: Path) -> None:
    """Gives a scorer the weights of a checkpoint, which keeps them as the LightningModule's."""
    weights = trained_weights(checkpoint)
    scorer.load_state_dict({key.removeprefix("scorer."): value for key, value in weights.items()})
