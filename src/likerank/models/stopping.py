"""Early stopping that a resumed training remembers."""

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping


class ResumableEarlyStopping(EarlyStopping):
    """Lightning's early stopping, which would train on when a stopped training is resumed."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Stops at once where the checkpoint says that patience had run out."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True
