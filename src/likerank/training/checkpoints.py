"""Checkpoints: written completely or not at all, read without executing anything."""

from pathlib import Path
from typing import Any, Final

import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins import TorchCheckpointIO

from likerank.files import aside_of, naming_damage
from likerank.models.scorer import Scorer
from likerank.run_names import CHECKPOINTS
from likerank.tracking import Run

LAST: Final = "last"
CHECKPOINT_CHOICES: Final = ("best", LAST)
_WAY_OUT: Final = "restore it from a backup, or train again with reuse=false"


class AtomicCheckpointIO(TorchCheckpointIO):
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


class RelocatableCheckpoint(ModelCheckpoint):
    """Lightning's checkpoint callback, except that it remembers the best epoch in a moved or copied folder.

    Lightning's would forget the best loss, and delete the original's best checkpoint for a better one.
    """

    @property
    def state_key(self) -> str:
        """The key of the callback's state in a checkpoint: that of Lightning's own."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the state, with all paths in the present folder."""
        assert self.dirpath is not None  # noqa: S101 - for the type checker
        folder = Path(self.dirpath)

        def moved(path: str) -> str:
            return str(folder / Path(path).name) if path else path

        state = state_dict | {"dirpath": self.dirpath}
        for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
            state[key] = moved(state.get(key, ""))
        state["best_k_models"] = {
            moved(path): score for path, score in state_dict.get("best_k_models", {}).items()
        }
        super().load_state_dict(state)


def load_kept_weights(scorer: Scorer, run: Run, checkpoint: str) -> None:
    """Gives a scorer the weights of the checkpoint, `best` or `last`, that a finished run keeps."""
    load_weights(scorer, run.artifact(f"{CHECKPOINTS}/{checkpoint}.ckpt"))


def load_weights(scorer: Scorer, checkpoint: Path) -> None:
    """Gives a scorer the weights of a checkpoint, which keeps them as the LightningModule's.

    They have 32 bits then, also after a training in another precision, such as bf16-true.
    """
    weights = checkpoint_weights(checkpoint)
    scorer.float().load_state_dict({key.removeprefix("scorer."): value for key, value in weights.items()})


def checkpoint_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Returns a checkpoint's weights by the LightningModule's names.

    Raises:
        LikerankError: If the file is missing or damaged.
    """
    with naming_damage(checkpoint, _WAY_OUT):
        weights: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True)["state_dict"]
        if not all(
            isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in weights.items()
        ):
            raise ValueError("it holds no weights")
        return weights


def epochs_of(run: Run, checkpoint: str) -> int:
    """Returns the number of epochs after which a finished run's checkpoint, `best` or `last`, was written.

    Raises:
        LikerankError: If the file is missing or damaged.
    """
    file = run.artifact(f"{CHECKPOINTS}/{checkpoint}.ckpt")
    with naming_damage(file, _WAY_OUT):
        return int(torch.load(file, weights_only=True)["epoch"]) + 1
