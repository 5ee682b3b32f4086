"""A trained model, opened from its exported program: without likerank's own classes."""

import tempfile
from collections.abc import Mapping
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
from likerank.run_names import RANKING
from likerank.tracking.exported_program import UntrustedProgramError, open_program

_SCHEMES: Final = ("models:/", "runs:/")


class TrainedModel:
    """Scores pictures.

    Attributes:
        uri: What it was opened by.
        run_id: The run that trained it.
        size: Side in pixels of the square pictures that it takes.
        metadata: The plain values that were kept beside it.
    """

    def __init__(
        self, uri: str, run_id: str, size: int, metadata: Mapping[str, Any], network: nn.Module
    ) -> None:
        self.uri = uri
        self.run_id = run_id
        self.size = size
        self.metadata = metadata
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
                description_file = next(Path(folder).rglob("MLmodel"), None)
                if description_file is None:
                    raise ValueError("it has no file MLmodel")
            except (MlflowException, OSError, ValueError) as error:
                reason = str(error).splitlines()[0].rstrip(".")
                raise LikerankError(
                    f"The model {uri} cannot be opened ({reason}); train one and make it the champion by "
                    "likerank promote run_id=RUN, or name another by model=RUN."
                ) from error
            program = description_file.parent / "data" / "model.pt2"
            try:
                description = Model.load(str(description_file))
                size = _picture_size(description.signature)
                metadata = dict(description.metadata or {})
            except Exception as error:  # A damaged file can cause nearly any error.
                raise LikerankError(
                    f"The model {uri} is damaged (its MLmodel cannot be read); restore its folder from a "
                    "backup, or name another by model=RUN."
                ) from error
            if RANKING in metadata and not program.exists():
                raise LikerankError(
                    f"The model {uri} is damaged (it has no file data/model.pt2); restore its folder from a "
                    "backup, or name another by model=RUN."
                )
            if size is None or not program.exists():
                raise LikerankError(f"The model {uri} is not likerank's; name another by model=RUN.")
            try:
                network = open_program(program)
            except UntrustedProgramError as error:
                raise LikerankError(
                    f"The model {uri} is not opened, since that might execute what is in its file "
                    f"({error}); train it again, or name another by model=RUN."
                ) from error
            return cls(uri, str(description.run_id), size, metadata, network)

    @torch.no_grad()
    def score(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Returns the score of each picture, on the target's scale, shape (B,).

        Args:
            pixels: Shape (B, size, size, 3), RGB uint8.
        """
        scores: NDArray[np.float64] = self._network(torch.from_numpy(pixels)).double().numpy()
        return scores


def _picture_size(signature: ModelSignature | None) -> int | None:
    """Returns the side of the square pictures that a model takes; None where it takes something else."""
    if signature is None or not signature.inputs.is_tensor_spec():
        return None
    match signature.inputs.inputs[0].shape:
        case (_, height, width, 3) if height == width:
            return int(height)
    return None
