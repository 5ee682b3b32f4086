"""Opens MLflow: SQLite under mlruns/ by default, a server by its URI."""

import logging
import os
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException

from likerank.errors import LikerankError
from likerank.tracking.model import TrainedModel
from likerank.tracking.run import Run

SQLITE = "sqlite"


class Tracking:
    """MLflow with one experiment, opened.

    Args:
        uri: `sqlite` for a database of `folder`'s own, or the URI of an MLflow server or database.
        experiment: Name of the experiment that runs belong to; made where it is missing.
        folder: Where SQLite's database and artifacts lie (mlruns).

    Raises:
        LikerankError: If the server cannot be reached.
    """

    def __init__(self, uri: str, experiment: str, folder: Path) -> None:
        _quieten()
        self.experiment = experiment
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        local = uri == SQLITE
        self.uri = f"sqlite:///{folder / 'mlflow.db'}" if local else uri
        _point_mlflow_at(self.uri)
        # Processes that all start on a database that does not exist yet would break it for good.
        with FileLock(folder / ".mlflow.lock"):
            try:
                self.client = MlflowClient(self.uri)
                known = self.client.get_experiment_by_name(experiment)
                self._experiment_id = (
                    known.experiment_id
                    if known is not None
                    else self.client.create_experiment(
                        experiment, artifact_location=(folder / "artifacts").as_uri() if local else None
                    )
                )
            except MlflowException as error:
                raise LikerankError(
                    f"MLflow at {self.uri} does not answer ({first_line(error)}); "
                    "check tracking.uri, or use tracking=sqlite."
                ) from error
        if known is not None and known.lifecycle_stage != "active":
            raise LikerankError(
                f"The MLflow experiment {experiment} was deleted; restore it, or name another by "
                "tracking.experiment."
            )

    def start_run(self, tags: dict[str, str], name: str | None = None) -> Run:
        """Starts a run with these tags and a name to show; MLflow makes one up unless given."""
        started = self.client.create_run(self._experiment_id, tags=tags, run_name=name)
        return Run(self.client, self.uri, started.info.run_id)

    def run(self, run_id: str) -> Run:
        """Returns the run of an id.

        Raises:
            LikerankError: If there is none with this id.
        """
        try:
            self.client.get_run(run_id)
        except MlflowException as error:
            raise LikerankError(
                f"MLflow at {self.uri} has no run {run_id}; copy the id from the end of a training's output "
                "or from `mlflow ui`."
            ) from error
        return Run(self.client, self.uri, run_id)

    def open_model(self, model: str) -> TrainedModel:
        """Opens a trained model.

        Args:
            model: `models:/likerank@champion`, `models:/likerank/VERSION`, `runs:/RUN/model`, or a run's id.

        Raises:
            LikerankError: If there is no such model, or it is not likerank's.
        """
        return TrainedModel.open(model if ":" in model else f"runs:/{self.run(model).id}/model", self.uri)

    def find_run(self, tags: Mapping[str, str], status: str | None = None) -> Run | None:
        """Returns the newest run of the experiment with all of these tags, and this status, or None."""
        return next((run for run in self.runs(tags) if status in (None, run.status)), None)

    def runs(
        self,
        tags: Mapping[str, str | None],
        *,
        since: datetime | None = None,
        experiment_of: Run | None = None,
    ) -> list[Run]:
        """Returns the runs with all of these tags, the newest first.

        Args:
            tags: Names and values that a run must have; None takes any value.
            since: Leaves out runs that started before.
            experiment_of: A run whose experiment is searched; the opened experiment unless given.
        """
        parts = [
            f"tags.`{key}` LIKE '%'" if value is None else f"tags.`{key}` = '{_quoted(value)}'"
            for key, value in tags.items()
        ]
        if since is not None:
            parts.append(f"attributes.start_time >= {int(since.timestamp() * 1000)}")
        experiment = self._experiment_id if experiment_of is None else experiment_of.experiment_id
        return self._found([experiment], " and ".join(parts), order_by=["attributes.start_time DESC"])

    def runs_anywhere(self, tag: str) -> list[Run]:
        """Returns the runs of all experiments that have a tag, deleted ones too, in any order."""
        experiments = self.client.search_experiments(ViewType.ALL)
        return self._found(
            [experiment.experiment_id for experiment in experiments],
            f"tags.`{tag}` LIKE '%'",
            run_view_type=ViewType.ALL,
        )

    def _found(self, experiments: list[str], query: str, **options: Any) -> list[Run]:  # noqa: ANN401
        """Returns the runs on all pages of a search."""
        _point_mlflow_at(self.uri)  # Another `Tracking` may have been opened since.
        found = mlflow.search_runs(experiments, query, output_format="list", **options)
        assert isinstance(found, list)  # noqa: S101 - for the type checker
        return [Run(self.client, self.uri, run.info.run_id, run) for run in found]


def _point_mlflow_at(uri: str) -> None:
    """Sets the URI of MLflow's own functions, and keeps the environment as it is.

    MLflow sets MLFLOW_TRACKING_URI as well, and the next configuration would take it for the user's choice.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if given is not None:
        os.environ["MLFLOW_TRACKING_URI"] = given


def _quoted(value: str) -> str:
    return value.replace("'", "''")


def first_line(error: Exception) -> str:
    """Returns the first line of an error, at most 200 characters."""
    return str(error).strip().splitlines()[0][:200]


def _quieten() -> None:
    """Keeps the libraries' own progress reports off the screen; their warnings stay."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=FutureWarning, module="mlflow")
