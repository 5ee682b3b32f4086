"""Opens MLflow: SQLite under mlruns/ by default, a server by its URI."""

import logging
import os
import shlex
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
from mlflow.tracking._tracking_service import utils

from likerank.errors import LikerankError
from likerank.tracking.environment import own_environment
from likerank.tracking.living_runs import abandoned, hold
from likerank.tracking.local_database import ARTIFACTS, DATABASE, database_uri, prepare_database
from likerank.tracking.model import TrainedModel
from likerank.tracking.run import Run

SQLITE = "sqlite"


class Tracking:
    """MLflow with one experiment, opened.

    Args:
        uri: `sqlite` for a database of `folder`'s own, or the URI of an MLflow server or database.
        experiment: Name of the experiment that runs belong to; made where it is missing.
        folder: Where SQLite's database and artifacts lie (mlruns).
        registry: The URI of the model registry, where it is another than that of the runs.

    Raises:
        LikerankError: If the server cannot be reached, or the database cannot be opened.
    """

    def __init__(self, uri: str, experiment: str, folder: Path, registry: str | None = None) -> None:
        _quieten()
        self.experiment = experiment
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        local = uri == SQLITE
        self.uri = database_uri(folder) if local else uri
        self._registry = registry or (None if uri.startswith("databricks") else self.uri)
        _point_mlflow_at(self.uri, self._registry)
        # Processes that all start on a database that does not exist yet would break it for good.
        self._folder, self._lock = folder, FileLock(folder / ".mlflow.lock")
        with self._lock, own_environment(opening=True):
            try:
                if local:
                    prepare_database(folder)
                    # MLflow remembers locations by run: a copy opened later would write into the original.
                    getattr(utils, "_artifact_repos_cache", {}).clear()
                self.client = MlflowClient(self.uri, self._registry)
                known = self.client.get_experiment_by_name(experiment)
                self._experiment_id = (
                    known.experiment_id
                    if known is not None
                    else self.client.create_experiment(
                        experiment, artifact_location=(folder / ARTIFACTS).as_uri() if local else None
                    )
                )
                self._end_abandoned()
            except MlflowException as error:
                raise LikerankError(_not_opened(error, self.uri, folder if local else None)) from error
        if known is not None and known.lifecycle_stage != "active":
            raise LikerankError(
                f"The MLflow experiment {experiment} was deleted; restore it, or name another by "
                "tracking.experiment."
            )

    def start_run(self, tags: dict[str, str], name: str | None = None) -> Run:
        """Starts a run with these tags and a name to show; MLflow makes one up unless given."""
        with self._lock:
            started = self.client.create_run(self._experiment_id, tags=tags, run_name=name)
            hold(self._folder, started.info.run_id)
        return Run(self.client, self.uri, started.info.run_id)

    def reopen(self, run: Run) -> None:
        """Marks a run that was cut short as running again.

        Raises:
            LikerankError: If another process runs it.
        """
        with self._lock:
            hold(self._folder, run.id)
            run.reopen()

    def _end_abandoned(self) -> None:
        """Ends the runs whose processes were killed, so that none stays `RUNNING`."""
        for run_id in abandoned(self._folder):
            run = self.find_existing(run_id)
            if run is not None and run.status == "RUNNING":
                run.finish("KILLED", "its process was ended from outside")

    def run(self, run_id: str) -> Run:
        """Returns the run of an id.

        Raises:
            LikerankError: If there is none with this id, or it was deleted.
        """
        found = self._read_run(run_id)
        if found is None:
            raise LikerankError(
                f"MLflow at {self.uri} has no run {run_id}; copy the id from the end of a training's output "
                "or from `mlflow ui`."
            )
        if found.info.lifecycle_stage != "active":
            raise LikerankError(
                f"Run {run_id} was deleted in MLflow; restore it there (likerank ui), or name another run."
            )
        return Run(self.client, self.uri, run_id)

    def find_existing(self, run_id: str) -> Run | None:
        """Returns the run of an id; None where there is none any more, or it was deleted."""
        found = self._read_run(run_id)
        exists = found is not None and found.info.lifecycle_stage == "active"
        return Run(self.client, self.uri, run_id) if exists else None

    def _read_run(self, run_id: str) -> mlflow.entities.Run | None:
        try:
            return self.client.get_run(run_id)
        except MlflowException as error:
            # Not where a server fails: a champion would be taken for deleted.
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

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
        _point_mlflow_at(self.uri, self._registry)  # Another `Tracking` may have been opened since.
        found = mlflow.search_runs(experiments, query, output_format="list", **options)
        assert isinstance(found, list)  # noqa: S101 - for the type checker
        return [Run(self.client, self.uri, run.info.run_id, run) for run in found]


def _point_mlflow_at(uri: str, registry: str | None) -> None:
    """Sets the URIs of MLflow's own functions."""
    with own_environment():
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(registry or "")


def _not_opened(error: MlflowException, uri: str, folder: Path | None) -> str:
    if folder is None:
        return (
            f"MLflow at {uri} does not answer ({first_line(error)}); check tracking.uri, or use "
            "tracking=sqlite."
        )
    if "database schema" in str(error):
        return (
            f"MLflow's database {folder / DATABASE} was written by another version of MLflow than "
            f"{mlflow.__version__}, which is installed: copy the file, then run `mlflow db upgrade "
            f"{shlex.quote(uri)}`, or install the version that wrote it."
        )
    return (
        f"MLflow's database {folder / DATABASE} cannot be opened ({first_line(error)}); restore it from a "
        "backup, or name another folder by paths.mlruns."
    )


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
    # It prints each error of the database with a traceback and the statement's values, and raises it as well.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=FutureWarning, module="mlflow")
