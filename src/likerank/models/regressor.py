"""The LightningModule: takes raw pictures, returns one score a picture, logs only losses."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from likerank.dataset.datamodule import Batch
from likerank.models.scorer import Scorer


class PopularityRegressor(LightningModule):
    """Trains a scorer on the mean squared error of a target.

    Args:
        scorer: Maps raw uint8 pictures to scores on the target's scale.
        optimizer: Returns the optimiser of the scorer's parameters; called once, in the constructor.
        scheduler: Returns the schedule of an optimiser over `total_steps` steps; None keeps the learning
            rate.
        flip: Whether training mirrors each picture with probability 1/2.
        seed: With the epoch, seeds dropout and mirroring, so that a resumed training draws the same numbers.
    """

    def __init__(
        self,
        scorer: Scorer,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        scheduler: Callable[..., LRScheduler] | None = None,
        flip: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.scorer = scorer
        self._optimizer = optimizer(self.parameters())
        self._scheduler = scheduler
        self._flip = flip
        self._seed = seed
        self._squared_errors: Tensor | float = 0.0
        self._trained_posts = 0

    def forward(self, pixels: Tensor) -> Tensor:
        """Returns the score of each picture; see `Scorer.forward`."""
        scores: Tensor = self.scorer(pixels)
        return scores

    def on_train_epoch_start(self) -> None:
        """Seeds dropout and mirroring by (seed, epoch, process), so that a resumed epoch draws the same."""
        entropy = [self._seed, self.current_epoch, self.global_rank]
        mixed = np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]
        torch.manual_seed(int(mixed))

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:  # noqa: ARG002
        """Returns the batch's mean squared error."""
        pixels = batch["pixels"]
        if self._flip:
            mirrored = torch.rand(len(pixels), device=pixels.device) < 0.5
            pixels = torch.where(mirrored[:, None, None, None], pixels.flip(2), pixels)
        loss = F.mse_loss(self(pixels), batch["target"])
        # Summed here, since logging each step costs a tenth of a small network's training time.
        self._squared_errors = self._squared_errors + loss.detach() * len(pixels)
        self._trained_posts += len(pixels)
        return loss

    def on_train_epoch_end(self) -> None:
        """Logs the epoch's mean squared error on the training posts, each as scored in its batch."""
        over_processes = self.trainer.strategy.reduce
        squared_errors = over_processes(self._squared_errors, reduce_op="sum")
        posts = over_processes(torch.tensor(self._trained_posts, device=self.device), reduce_op="sum")
        loss = float(squared_errors) / int(posts)
        self._squared_errors, self._trained_posts = 0.0, 0
        self.log("train/loss", loss, prog_bar=True, logger=False, sync_dist=True)
        # Logged before this epoch's checkpoint is written, so that a training that is killed and resumed
        # loses no epoch's loss.
        if self.logger is not None:
            self.logger.log_metrics({"train/loss": loss}, step=self.global_step)

    def validation_step(self, batch: Batch, batch_index: int) -> None:  # noqa: ARG002
        """Logs the mean squared error on validation's early-stopping half."""
        loss = F.mse_loss(self(batch["pixels"]), batch["target"])
        self.log("val/loss", loss, prog_bar=True, batch_size=len(batch["target"]), sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Returns the optimiser, and its schedule over the whole training if there is one."""
        if self._scheduler is None:
            return self._optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        schedule: dict[str, Any] = {
            "scheduler": self._scheduler(self._optimizer, total_steps=steps),
            "interval": "step",
        }
        return {"optimizer": self._optimizer, "lr_scheduler": schedule}  # type: ignore[return-value]
