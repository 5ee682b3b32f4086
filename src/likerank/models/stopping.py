"""Early stopping that survives resuming."""

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping


class ResumableEarlyStopping(EarlyStopping):
    """Lightning's early stopping, except that a stopped training stays stopped when it is resumed."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Stops immediately if the checkpoint's patience is exhausted."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True
