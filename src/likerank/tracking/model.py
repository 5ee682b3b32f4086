"""A trained model, opened as it was logged: without likerank's own classes."""

import tempfile
from pathlib import Path
from typing import Any, Final

import mlflow
import numpy as np
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from numpy.typing import NDArray
from torch import nn

from likerank.errors import LikerankError

_SCHEMES: Final = ("models:/", "runs:/")
_CHANNELS: Final = 3


class TrainedModel:
    """Scores pictures.

    Attributes:
        uri: What it was opened by.
        run_id: The run that trained it.
        size: Side in pixels of the square pictures that it takes.
        metadata: The plain values that were kept beside it.
    """

    def __init__(self, uri: str, description: Model, network: nn.Module) -> None:
        self.uri = uri
        self.run_id = str(description.run_id)
        self.size = _picture_size(description.signature, uri)
        self.metadata: dict[str, Any] = description.metadata or {}
        self._network = network

    @classmethod
    def open(cls, uri: str, tracking_uri: str) -> "TrainedModel":
        """Fetches a model and loads it, on the CPU.

        Args:
            uri: A `models:/` or `runs:/` URI.
            tracking_uri: The MLflow store that knows it.

        Raises:
            LikerankError: If there is none, or it is not likerank's.
        """
        if not uri.startswith(_SCHEMES):
            raise LikerankError(
                f"model is {uri}; it must be a run's id, runs:/RUN/model or models:/likerank@champion."
            )
        with tempfile.TemporaryDirectory() as folder:
            try:
                mlflow.artifacts.download_artifacts(
                    artifact_uri=uri, tracking_uri=tracking_uri, dst_path=folder
                )
                (description,) = Path(folder).rglob("MLmodel")
                network = mlflow.pytorch.load_model(str(description.parent))
            except (MlflowException, OSError, ValueError) as error:
                raise LikerankError(
                    f"There is no model {uri} ({str(error).splitlines()[0].rstrip('.')}); train one and make "
                    "it the champion with scripts/promote.py run_id=RUN, or name another by model=RUN."
                ) from error
            return cls(uri, Model.load(str(description.parent)), network)

    @torch.no_grad()
    def score(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Returns the score of each picture, on the target's scale, shape (B,).

        Args:
            pixels: Shape (B, size, size, 3), RGB uint8.
        """
        scores: NDArray[np.float64] = self._network(torch.from_numpy(pixels)).double().numpy()
        return scores


def _picture_size(signature: ModelSignature | None, uri: str) -> int:
    shape = signature.inputs.inputs[0].shape if signature and signature.inputs.is_tensor_spec() else ()
    match shape:
        case (_, height, width, channels) if height == width and channels == _CHANNELS:
            return int(height)
    raise LikerankError(f"The model {uri} takes no square pictures, so it is not likerank's; name another.")
