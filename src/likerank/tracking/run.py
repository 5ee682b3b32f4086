"""A run in MLflow: parameters, metrics, tags, artifacts, model and status."""

import json
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
import torch
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from numpy.typing import NDArray
from torch import nn

from likerank.errors import LikerankError
from likerank.files import refuse_special
from likerank.run_names import REASON
from likerank.tracking.environment import own_environment
from likerank.tracking.living_runs import release

if TYPE_CHECKING:
    from pytorch_lightning.loggers import MLFlowLogger

_PARAMS_AT_ONCE = 100  # MLflow's limit for one request
_PARAM_LENGTH = 6000  # MLflow's limit for one value
_TRIES = 8


class Run:
    """A run in MLflow.

    A run that a search found shows what the search read. A run that was opened by its id is read anew each
    time, and so is a run that this object has written to.

    Args:
        client: The client of the tracking store.
        uri: The store's URI.
        run_id: The run's id.
        found: What a search read of the run.
    """

    def __init__(
        self, client: MlflowClient, uri: str, run_id: str, found: mlflow.entities.Run | None = None
    ) -> None:
        self._client = client
        self._uri = uri
        self._found = found
        self.id = run_id

    def as_read(self) -> "Run":
        """Returns the run as it is now, read in one request."""
        return Run(self._client, self._uri, self.id, self._client.get_run(self.id))

    def _read(self) -> mlflow.entities.Run:
        return self._found or self._client.get_run(self.id)

    @property
    def name(self) -> str:
        """The name that MLflow's page shows."""
        return self._read().info.run_name or ""

    @property
    def status(self) -> str:
        """`RUNNING`, `FINISHED`, `FAILED` or `KILLED`."""
        return str(self._read().info.status)

    @property
    def started(self) -> datetime:
        """The time at which the run started (UTC)."""
        return datetime.fromtimestamp(self._read().info.start_time / 1000, UTC)

    @property
    def experiment_id(self) -> str:
        """The id of the run's experiment."""
        return str(self._read().info.experiment_id)

    @property
    def tags(self) -> dict[str, str]:
        """The run's tags."""
        return dict(self._read().data.tags)

    @property
    def params(self) -> dict[str, str]:
        """The run's parameters, flat."""
        return dict(self._read().data.params)

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return dict(self._read().data.metrics)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Writes the parameters of a new run."""
        self._found = None
        entries = [Param(key, str(value)[:_PARAM_LENGTH]) for key, value in params.items()]
        for start in range(0, len(entries), _PARAMS_AT_ONCE):
            self._client.log_batch(self.id, params=entries[start : start + _PARAMS_AT_ONCE])

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Writes metrics in one request."""
        self._found = None
        now = time.time_ns() // 1_000_000
        self._client.log_batch(self.id, metrics=[Metric(k, v, now, step) for k, v in metrics.items()])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Writes tags in one request."""
        self._found = None
        self._client.log_batch(self.id, tags=[RunTag(key, value) for key, value in tags.items()])

    def metric_history(self, key: str) -> dict[int, float]:
        """Returns all values of a metric by step, in order; of a step written twice the last one."""
        history = self._client.get_metric_history(self.id, key)
        return {
            each.step: each.value for each in sorted(history, key=lambda each: (each.step, each.timestamp))
        }

    def log_text(self, text: str, path: str) -> None:
        """Writes a text artifact."""
        self._client.log_text(self.id, text, path)

    def log_json(self, content: Any, path: str) -> None:  # noqa: ANN401 - whatever JSON takes
        """Writes a JSON artifact."""
        self.log_text(json.dumps(content, indent=2) + "\n", path)

    def log_file(self, file: Path, folder: str) -> None:
        """Copies a file into an artifact folder."""
        self._client.log_artifact(self.id, str(file), folder)

    def has_artifact(self, path: str) -> bool:
        """Whether the run has an artifact at this path."""
        folder = str(Path(path).parent)
        listed = self._client.list_artifacts(self.id, None if folder == "." else folder)
        return any(entry.path == path for entry in listed)

    def artifact(self, path: str) -> Path:
        """Returns an artifact on this machine: a copy, where it lies on another.

        Raises:
            LikerankError: If the run has none at this path.
        """
        try:
            # Not by the run's id, or MLflow leaves a copy in the temporary folder even of what is here.
            place = self._client.get_run(self.id).info.artifact_uri
            found = Path(
                mlflow.artifacts.download_artifacts(artifact_uri=f"{place}/{path}", tracking_uri=self._uri)
            )
        except (MlflowException, OSError) as error:
            raise LikerankError(
                f"Run {self.id} has no {path}: it did not finish, or is not likerank's; choose another."
            ) from error
        refuse_special(found)
        return found

    def log_snapshot(self, name: str, fingerprint: str, folder: Path, counts: Mapping[str, int]) -> None:
        """Records a snapshot as the run's dataset input."""
        dataset = Dataset(
            name=name,
            digest=fingerprint,
            source_type="local",
            source=json.dumps({"uri": folder.as_uri()}),
            profile=json.dumps({f"{split}_posts": number for split, number in counts.items()}),
        )
        context = InputTag("mlflow.data.context", "training")
        for left in reversed(range(_TRIES)):
            try:
                self._client.log_inputs(self.id, [DatasetInput(dataset, [context])])
                return
            except MlflowException:
                # Of runs that write the same new dataset at once, MLflow lets one and refuses the others.
                if not left:
                    raise
                time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - no secret

    def snapshot_counts(self) -> dict[str, int]:
        """Returns the numbers of posts that `log_snapshot` recorded, by `{split}_posts`; none at first."""
        inputs = self._client.get_run(self.id).inputs
        if inputs is None or not inputs.dataset_inputs:
            return {}
        counts: dict[str, int] = json.loads(inputs.dataset_inputs[0].dataset.profile or "{}")
        return counts

    @property
    def model_ids(self) -> list[str]:
        """The models that were logged into the run, the first first."""
        outputs = self._client.get_run(self.id).outputs
        return [] if outputs is None else [str(each.model_id) for each in outputs.model_outputs]

    def lightning_logger(self) -> "MLFlowLogger":
        """Returns a logger that writes a Lightning training into this run."""
        # Here, since Lightning takes a second to import and only a training needs it.
        from likerank.tracking.logger import RunLogger

        with own_environment():  # It sets MLFLOW_TRACKING_URI at its first use.
            logger = RunLogger(tracking_uri=self._uri, run_id=self.id)
            _ = logger.experiment
        return logger

    def log_model(self, scorer: nn.Module, example: NDArray[np.uint8], metadata: Mapping[str, Any]) -> str:
        """Writes the scorer as a model that `mlflow.pyfunc.load_model` opens without likerank.

        Args:
            scorer: Maps uint8 (B, size, size, 3) to float32 (B,); on the CPU.
            example: Made-up pictures, shape (2, size, size, 3): with one the exported program would take
                no other number.
            metadata: Plain values to keep beside the model.

        Returns:
            The model's URI.
        """
        scorer.eval()
        with torch.no_grad():
            output = scorer(torch.from_numpy(example)).numpy()
        with own_environment(), mlflow.start_run(run_id=self.id):
            logged = mlflow.pytorch.log_model(
                scorer,
                name="model",
                signature=infer_signature(example, output),
                input_example=example,
                # Named here, or MLflow loads the model in a process of its own to find them out.
                pip_requirements=[
                    f"{module.__name__}=={module.__version__.split('+')[0]}" for module in (torch, np)
                ],
                metadata=dict(metadata),
            )
        return str(logged.model_uri)

    def finish(self, status: str = "FINISHED", reason: str = "") -> None:
        """Sets the run's final status, `FINISHED`, `FAILED` or `KILLED`, and the reason."""
        if reason:
            self.set_tags({REASON: reason[:5000]})
        self._found = None
        self._client.set_terminated(self.id, status)
        release(self.id)

    def reopen(self) -> None:
        """Marks a run that was cut short as running again."""
        self._found = None
        self._client.update_run(self.id, status="RUNNING")
